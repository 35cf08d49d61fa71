"""Names: valid exactly by the rule, whatever they are made from."""

import re
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from promptvault.domain.name import (
    MAX_CHARACTERS,
    Reference,
    folder_of,
    leaf_of,
    parse_reference,
    slugify,
    validate_name,
)
from promptvault.errors import InvalidInputError

_PART = r"(?!.*\.md(/|$))[a-z0-9_](?:[a-z0-9._-]*[a-z0-9_-])?"

words = st.text(st.characters(exclude_categories=["Cs"]))


def is_name(text: str) -> bool:
    try:
        validate_name(text)
    except InvalidInputError:
        return False
    return True


@given(st.text("abz09-_./.md AZ@\n\0~^:?*[\\", max_size=12))
@example("a" * MAX_CHARACTERS)
@example("a" * (MAX_CHARACTERS + 1))
@example("a.md/b")
@example("a.mdx")
@example("a\n")
def test_ascii_names_are_what_the_rule_says(text: str) -> None:
    parts = text.split("/")
    allowed = all(re.fullmatch(_PART, part) for part in parts)
    assert is_name(text) == (allowed and len(text) <= MAX_CHARACTERS)


@given(words)
def test_a_name_is_its_own_name(text: str) -> None:
    if is_name(text):
        name = validate_name(text)
        assert validate_name(name) == name == unicodedata.normalize("NFC", name)
        assert name == name.lower()
        assert not re.search(r"[\x00-\x20\x7f@\\:*?\"<>|]", name)


@pytest.mark.parametrize(
    "name", ["review", "a/b/c", "2024", "v1.2", "_x", "a-", "größe", "提示/词", "नमस्ते"]
)
def test_good_names(name: str) -> None:
    assert validate_name(name) == name


@pytest.mark.parametrize(
    "name",
    [
        *["", "/", "a/", "/a", "a//b", ".", "..", "a/../b", ".git", "a/.b", "-a"],
        *["a.", "A", "a b", "a@1", "a.md", "a.md/b", "a\0", "a\n", "a\tb", "Ä", "ǅ"],
        *["a\u200b", "a\u202e", "\ud800", "💡", "a" * 201, "語" * 81],
    ],
)
def test_bad_names(name: str) -> None:
    with pytest.raises(InvalidInputError):
        validate_name(name)


def test_names_are_composed() -> None:
    assert validate_name("cafe\u0301") == "caf\u00e9"
    assert parse_reference("cafe\u0301@1") == Reference("caf\u00e9", "1")


@given(st.text(), st.integers(1, 80))
@example("a\u00bd\u0301", 60)
@example("a-\u00bd-b", 60)
@example("\u1112\u1161\u11ab" * 90, 60)
@example("\u00df" * 300, 60)
@example("x" * 61 + "-y", 60)
def test_a_slug_is_nothing_or_a_part_of_a_name(text: str, limit: int) -> None:
    slug = slugify(text, limit)
    assert len(slug) <= limit
    if slug:
        assert validate_name(slug) == slug
        assert "/" not in slug


@given(st.text())
@example("a\u00bd\u0301")
@example("a-\u00bd-b")
@example("word " * 30)
def test_the_slug_of_a_slug_is_itself(text: str) -> None:
    assert slugify(slugify(text)) == slugify(text)


@pytest.mark.parametrize(
    ("title", "slug"),
    [
        ("Code Review: Python & Go", "code-review-python-go"),
        ("  ¿Qué?  ", "qué"),
        ("README.md", "readme-md"),
        ("提示词 工程", "提示词-工程"),
        ("!!! --- ...", ""),
        ("a" * 100, "a" * 60),
        (
            "one two " * 20,
            "one-two-one-two-one-two-one-two-one-two-one-two-one-two-one",
        ),
        ("\ud800x", "x"),
    ],
)
def test_slugs_of_titles(title: str, slug: str) -> None:
    assert slugify(title) == slug


@given(st.text("ab/", min_size=1))
def test_folder_and_leaf_make_the_name(name: str) -> None:
    folder, leaf = folder_of(name), leaf_of(name)
    assert name in {f"{folder}/{leaf}", leaf}
    assert "/" not in leaf


@pytest.mark.parametrize("text", ["", "@", "a@", "@1"])
def test_references_without_a_part(text: str) -> None:
    with pytest.raises(InvalidInputError):
        parse_reference(text)


def test_only_the_first_at_sign_splits() -> None:
    assert parse_reference("a/b@-1@2") == Reference("a/b", "-1@2")
