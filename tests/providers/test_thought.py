"""Thoughts and answers, however a server splits them into pieces."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from promptvault.providers.thought import Thought, ThoughtFilter

CASES = {
    "<think>Hm.</think>\n\nHello": ("Hm.", "Hello"),
    " \n<thinking>Hm.</thinking>Hello": ("Hm.", "Hello"),
    "[THINK]Hm.[/THINK]Hello": ("Hm.", "Hello"),
    "<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant<|channel|>final"
    "<|message|>Hello<|return|>": ("Hm.", "Hello"),
    "<think>A</think><think>B</think>Hello": ("AB", "Hello"),
    "<think></think>\n": ("", ""),
    "  Hello <think>": ("", "  Hello <think>"),
    "<thin ice>": ("", "<thin ice>"),
    "<": ("", "<"),
    "": ("", ""),
}


def split(pieces: list[str], *, is_cut: bool = False) -> tuple[str, str]:
    """Return the thoughts and the answer in *pieces*."""
    reading = ThoughtFilter()
    found = [each for piece in pieces for each in reading.feed(piece)]
    found += reading.end(is_cut=is_cut)
    thoughts = [each.text for each in found if isinstance(each, Thought)]
    return "".join(thoughts), "".join(each for each in found if isinstance(each, str))


@pytest.mark.parametrize("text", CASES)
@settings(max_examples=20)
@given(cuts=st.sets(st.integers(0, 90)))
def test_thoughts_are_told_apart(text: str, cuts: set[int]) -> None:
    places = [0, *sorted(cuts), len(text)]
    pieces = [text[a:b] for a, b in itertools.pairwise(places)]

    assert split(pieces) == CASES[text]


def test_a_thought_without_an_end_is_one_if_it_was_cut() -> None:
    assert split(["<think>Hm."], is_cut=True) == ("Hm.", "")


@given(st.text())
def test_an_answer_without_marks_stays_as_it_is(text: str) -> None:
    plain = text.replace("<", "").replace("[", "")

    assert split([plain]) == ("", plain)
