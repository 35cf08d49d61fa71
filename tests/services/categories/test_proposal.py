"""Proposals are safe, whatever a model suggests."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptvault.domain.name import validate_name
from promptvault.domain.prompt import Prompt, validate_line, validate_tag
from promptvault.services.categories.proposal import (
    Aspect,
    CategoryItem,
    CategorySuggestion,
    CategoryVocabulary,
    FreeNames,
    Proposer,
    clean_folder,
    clean_tags,
    clean_title,
    make_proposal,
)

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
EVERYTHING = frozenset(Aspect)
KNOWN = CategoryVocabulary(("work/email", "a/b/c"), ("c++",), frozenset({"chatgpt"}))
TOKEN = "ghp_" + "0123456789abcdefghijABCDEFGHIJ012345"


def prompt(name: str = "chatgpt/review", tags: tuple[str, ...] = ()) -> Prompt:
    return Prompt(
        *("id", name, "", "", tags, False, False, "chatgpt", 1, {}), NOON, NOON
    )


def item(
    name: str = "chatgpt/review",
    tags: tuple[str, ...] = (),
    open_: frozenset[Aspect] = EVERYTHING,
) -> CategoryItem:
    return CategoryItem(prompt(name, tags), "Review this.", open_)


@pytest.mark.parametrize(
    ("text", "folder"),
    [
        ("coding", "coding"),
        (" Coding / Code Review ", "coding/code-review"),
        ("/etc/passwd", "etc/passwd"),
        ("../../../tmp", "tmp"),
        ("..", ""),
        (".git/hooks", "git/hooks"),
        ("C:\\Windows\\System32", "c/windows"),
        ("a/b/c", "a/b/c"),
        ("x/y/z", "x/y"),
        ("Work/Email", "work/email"),
        ("chatgpt", ""),
        ("chatgpt/coding", ""),
        ("Übungen", "übungen"),
        ("\x1b[2Jred", "2jred"),
        ("\u202egnidoc", "gnidoc"),
        ("a" * 500, "a" * 30),
        ("", ""),
        ("🎉", ""),
        ("\ud83d", ""),
        ("-rf", "rf"),
        ("notes.md", "notes-md"),
    ],
)
def test_folders(text: str, folder: str) -> None:
    assert clean_folder(text, KNOWN) == folder


@pytest.mark.parametrize(
    ("tags", "cleaned"),
    [
        (["Python", "python"], ["python"]),
        (["#c++", "C#"], ["c++", "c#"]),
        (["code review", "a,b"], ["code-review", "a-b"]),
        (["", " ", "!!!", "\x00", "\ud800"], []),
        (["x" * 41], []),
        (["\u202eevil"], ["evil"]),
        ([TOKEN], ["redacted-github-token"]),
    ],
)
def test_tags(tags: list[str], cleaned: list[str]) -> None:
    assert TOKEN not in clean_tags(tags)
    if TOKEN not in tags:
        assert clean_tags(tags) == cleaned


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ('"Review code"', "Review code"),
        ("Review\ncode\t\x1b[31m", "Review code [31m"),
        ("\u202eReview", "Review"),
        ("x" * 200, "x" * 79 + "…"),
        (" \n ", ""),
        ("\ud83dReview", "Review"),
        ("👩\u200d💻 Code", "👩\u200d💻 Code"),
    ],
)
def test_titles(text: str, title: str) -> None:
    assert clean_title(text) == title


def test_a_secret_that_a_model_repeats_is_taken_out() -> None:
    assert TOKEN not in clean_title(f"Use {TOKEN} to deploy")


anything = st.text(st.characters(codec=None), max_size=300)


@given(anything, st.lists(anything, max_size=5), anything)
def test_whatever_is_suggested_can_be_saved(
    folder: str, tags: list[str], title: str
) -> None:
    names = FreeNames({"chatgpt/review"})
    suggestion = CategorySuggestion(folder, tuple(tags), title)
    found = make_proposal(item(), suggestion, Proposer.MODEL, KNOWN, names)
    if found is None:
        return
    assert validate_name(found.name) == found.name
    assert found.name.count("/") <= 3
    assert ".." not in found.name.split("/")
    assert [validate_tag(tag) for tag in found.details.tags] == [*found.details.tags]
    assert len(found.new_tags) <= 3
    assert validate_line(found.details.title, "title") == found.details.title
    found.details.title.encode()


def test_only_what_is_open_changes() -> None:
    suggestion = CategorySuggestion("coding", ("x",), "Title")
    for aspect in Aspect:
        found = make_proposal(
            item(open_=frozenset({aspect})),
            suggestion,
            Proposer.MODEL,
            KNOWN,
            FreeNames(()),
        )
        assert found
        changed = {
            Aspect.FOLDER: found.name != "chatgpt/review",
            Aspect.TAGS: bool(found.new_tags),
            Aspect.TITLE: bool(found.new_title),
        }
        assert [a for a, is_changed in changed.items() if is_changed] == [aspect]


def test_tags_join_and_say_no_folder_twice() -> None:
    suggestion = CategorySuggestion("coding", ("coding", "mine", "a", "b", "c", "d"))
    found = make_proposal(
        item(tags=("mine",)), suggestion, Proposer.MODEL, KNOWN, FreeNames(())
    )
    assert found
    assert found.details.tags == ("mine", "a", "b", "c")


@pytest.mark.parametrize("name", ["coding/review", "coding/python/review"])
def test_what_lies_there_stays(name: str) -> None:
    assert (
        make_proposal(
            item(name),
            CategorySuggestion("coding"),
            Proposer.MODEL,
            KNOWN,
            FreeNames({name}),
        )
        is None
    )


def test_names_that_are_taken_get_a_number() -> None:
    names = FreeNames({"coding/review", "coding/review-2"})
    found = [
        make_proposal(
            item(name), CategorySuggestion("coding"), Proposer.MODEL, KNOWN, names
        )
        for name in ("chatgpt/review", "claude/review")
    ]
    assert [each and each.name for each in found] == [
        "coding/review-3",
        "coding/review-4",
    ]


def test_a_name_that_would_be_too_long_stays() -> None:
    long = item("chatgpt/" + "x" * 190)
    assert (
        make_proposal(
            long, CategorySuggestion("a" * 30), Proposer.MODEL, KNOWN, FreeNames(())
        )
        is None
    )
