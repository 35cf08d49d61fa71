"""The order in which the judge sees texts, and the decoy among them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptvault.services.optimization.blind import (
    BlindRatings,
    blind_order,
    make_decoy,
)
from tests.services.optimization.test_result import all_get

PROMPT = "Say hello to the customer in one short sentence."


@given(st.sets(st.text(), min_size=1))
def test_the_order_depends_on_the_texts_alone(texts: set[str]) -> None:
    first, other = sorted(texts), sorted(texts, reverse=True)
    assert blind_order(first) == blind_order(other)
    assert sorted(blind_order(first)) == first


def test_the_current_text_stands_anywhere_in_the_order() -> None:
    places = {
        blind_order(["now", *(f"{seed} {n}" for n in range(3))]).index("now")
        for seed in range(100)
    }
    assert places == {0, 1, 2, 3}


def test_the_decoy_has_the_same_words_in_another_order() -> None:
    decoy = make_decoy(PROMPT)
    assert decoy is not None
    assert sorted(decoy.split()) == sorted(PROMPT.split())
    assert decoy.split() != PROMPT.split()
    assert decoy == make_decoy(PROMPT)


@given(st.text(max_size=40))
def test_a_decoy_never_reads_like_the_text(text: str) -> None:
    decoy = make_decoy(text)
    if decoy is not None:
        assert sorted("".join(decoy.split())) == sorted("".join(text.split()))
        assert decoy.split() != text.split()


def test_what_cannot_be_shuffled_has_no_decoy() -> None:
    assert [make_decoy(text) for text in ("", "a", "aaa", "no no no no")] == [None] * 4


@pytest.mark.parametrize(
    ("best", "decoy", "doubt"),
    [
        ((8, 8), (1, 1), ""),
        ((8, 8), (7, 7), ""),
        ((8, 8), (8, 8), "shuffled"),
        ((8, 7), (6, 7), "shuffled"),
        ((9, 6), (1, 1), ""),
        ((9, 5), (1, 1), "24 of 60 points more in one order"),
        ((8, 8), (1, 5), "24 of 60 points more in one order"),
    ],
)
def test_ratings_prove_something_or_not(
    best: tuple[int, int], decoy: tuple[int, int], doubt: str
) -> None:
    forward, backward = (
        {"best": all_get(one), "decoy": all_get(other)}
        for one, other in zip(best, decoy, strict=True)
    )
    found = BlindRatings(forward, backward, "decoy").doubt("best")
    assert doubt in found
    assert bool(found) == bool(doubt)
