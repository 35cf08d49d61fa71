"""The rules that categorize without a model: right if they say anything."""

from collections.abc import Sequence

import pytest

from promptvault.domain.prompt import Content, Details
from promptvault.services.categories.categorize import (
    PromptScope,
    read_vocabulary,
    select_prompts,
)
from promptvault.services.categories.proposal import (
    CategorySuggestion,
    CategoryVocabulary,
)
from promptvault.services.categories.rules import suggest_by_rules, suggest_by_words
from tests.conftest import Vault
from tests.services.category_sample import HELD_OUT, TUNING, Labelled

PRECISION, RECALL = 0.95, 0.75
NOTHING = CategoryVocabulary()
LONG = (
    "Look at the attached minutes, list who promised what, and by when they promised"
    " it; where nobody is named, put a question mark and say in which line it stands."
)


@pytest.mark.parametrize("sample", [TUNING, HELD_OUT], ids=["tuning", "held out"])
def test_precision_and_recall(sample: Sequence[Labelled]) -> None:
    given = [(each, suggest_by_words(each.text, NOTHING).folder) for each in sample]
    said = [(each, folder) for each, folder in given if folder]
    right = [each for each, folder in said if folder == each.topic]
    labelled = [each for each in sample if each.topic]
    wrong = [(each.text, folder) for each, folder in said if folder != each.topic]
    assert len(right) >= PRECISION * len(said), wrong
    assert len(right) >= RECALL * len(labelled)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " \n\t",
        "Summarize this.",
        "We excel at barcodes, not at codes of conduct.",  # whole words only
        "x" * 5_000,
        "\ud800 \u202e \0",
        "請幫我整理這份會議記錄",
    ],
)
def test_nothing_is_said_where_nothing_is_sure(text: str) -> None:
    assert suggest_by_words(text, NOTHING) == CategorySuggestion()


def test_two_topics_that_are_as_likely_give_none() -> None:
    assert not suggest_by_words("Translate the recipe.", NOTHING).folder


def test_accents_and_case_do_not_matter() -> None:
    words = ("ÜBERSETZE das ins Englische", "ubersetze das ins englische")
    assert {suggest_by_words(text, NOTHING).folder for text in words} == {"translation"}


def test_what_is_asked_counts_more_than_what_was_pasted() -> None:
    pasted = "The recipe, ingredients and oven. " * 10
    assert suggest_by_words(f"Translate into German. {pasted * 3}", NOTHING).folder in {
        "translation",
        "",
    }
    filler = "word " * 40
    late = suggest_by_words(f"Fix the Python code. {filler} onion cake", NOTHING)
    assert late.folder == "coding"


def test_a_language_becomes_a_tag() -> None:
    found = suggest_by_words("Refactor this Python function, then the SQL.", NOTHING)
    assert found.folder == "coding"
    assert found.tags[0] == "python"


@pytest.mark.parametrize(
    ("folders", "folder"),
    [
        (("programmieren",), "programmieren"),
        (("work/dev",), "work/dev"),
        (("work/dev", "coding"), "coding"),
        (("holidays",), "coding"),
    ],
)
def test_the_vault_has_its_own_words(folders: tuple[str, ...], folder: str) -> None:
    found = suggest_by_words(
        "Refactor this Python function.", CategoryVocabulary(folders)
    )
    assert found.folder == folder


def test_a_prompt_goes_where_its_like_is(vault: Vault) -> None:
    with vault.writing() as repository:
        filed = Details(tags=("minutes",))
        repository.add("work/meetings/owners", Content(LONG), filed, "m")
        new = LONG.replace("attached", "enclosed")
        repository.add("like", Content(new), Details(), "m")
        repository.add("other", Content("Something else altogether."), Details(), "m")
    with vault.reading() as reader:
        items = select_prompts(reader, PromptScope(names=("like", "other"))).items
        found = suggest_by_rules(reader, items, read_vocabulary(reader))
    assert found == [
        CategorySuggestion("work/meetings", ("minutes",)),
        CategorySuggestion(),
    ]


def test_what_is_not_filed_itself_is_no_example(vault: Vault) -> None:
    with vault.writing() as repository:
        repository.add("top", Content(LONG), Details(tags=("minutes",)), "m")
        repository.add("like", Content(f"{LONG} Thanks."), Details(), "m")
    with vault.reading() as reader:
        items = select_prompts(reader, PromptScope(names=("like",))).items
        assert suggest_by_rules(reader, items, read_vocabulary(reader)) == [
            CategorySuggestion()
        ]
