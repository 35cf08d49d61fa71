"""Aligned texts: no part of any of them is lost."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptvault.services.templates.align import Gap, align, shared_fraction

WORDS = st.lists(
    st.sampled_from(
        ["the", "cat", "sat", " ", "  ", "\n", "\r\n", ".", ",", "{{", "é", "猫"]
    ),
    max_size=25,
).map("".join)


def brought_back(texts: list[str]) -> list[str]:
    """Return the text of *texts* that the parts give for each."""
    parts = align(texts)
    return [
        "".join(part if isinstance(part, str) else part.values[n] for part in parts)
        for n in range(len(texts))
    ]


@given(st.lists(WORDS | st.text(max_size=30), min_size=1, max_size=5))
def test_each_text_comes_back(texts: list[str]) -> None:
    assert brought_back(texts) == texts


def test_long_texts_are_compared_by_lines() -> None:
    one = "".join(f"line {n} of it\n" for n in range(3_000))
    other = one.replace("line 77 ", "the seventy-seventh line ")
    assert brought_back([one, other]) == [one, other]
    gaps = [part for part in align([one, other]) if isinstance(part, Gap)]
    assert gaps == [Gap(("line 77 of it", "the seventy-seventh line of it"))]


@pytest.mark.parametrize(
    ("texts", "parts"),
    [
        (["same", "same"], ["same"]),
        (
            ["to French.", "to old Greek."],
            ["to ", Gap(("French", "old Greek")), "."],
        ),
        (
            ["Say good morning to Al.", "Say see you later to Bo."],
            [
                "Say ",
                Gap(("good morning", "see you later")),
                " to ",
                Gap(("Al", "Bo")),
                ".",
            ],
        ),
        (
            ["Due 2026-05-01.", "Due 2026-06-30."],
            ["Due ", Gap(("2026-05-01", "2026-06-30")), "."],
        ),
        (["a b", "b"], [Gap(("a ", "")), "b"]),
        (["译成英文", "译成法文"], ["译成", Gap(("英", "法")), "文"]),
    ],
)
def test_what_differs_is_whole_words(texts: list[str], parts: list[str | Gap]) -> None:
    assert align(texts) == parts


def test_a_pasted_document_does_not_make_prompts_unlike() -> None:
    ask = "Summarise this report in three short sentences for my manager:\n\n"
    texts = [ask + "Sales rose. " * 200, ask + "Our servers were down again. " * 200]
    assert shared_fraction(align(texts)) > 0.4
    assert (
        shared_fraction(align(["One thing entirely.", "Another of no likeness"])) < 0.2
    )
