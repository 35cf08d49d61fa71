"""Whether a rewritten text is still the prompt: its subject, and none of our request.

A small model tends to repeat what it was asked, or to write about something else. A
judge may like that, so such texts are refused before they are judged.
"""

from collections.abc import Iterator, Sequence

from promptvault.services.similar.minhash import normalise, split_words
from promptvault.services.similar.subject import count_shared_words

_RUN = 7
"""This many words in a row are a repetition, wherever they occur."""
_LEAST_LINE = 3
"""Words; a shorter line may be equal by chance."""
_LEAST_SHARED = 0.25
"""The fraction of its content words that a prompt keeps if it becomes short."""
_LEAST_KEPT = 0.1
"""The fraction that it keeps in any case."""
_SHORT = 0.5
"""A text is short if it has less than this fraction of the original length."""
_FEW = 3
"""Content words; a prompt with fewer may be worded in an entirely different way."""


def find_irrelevance(before: str, text: str, wording: Sequence[str]) -> tuple[str, ...]:
    """Return why *text* is no version of the prompt *before*; empty if it may be one.

    *wording* is what our request says besides the prompt.
    """
    if _repeats(text, wording, before):
        return ("repeats the request to the model",)
    kept, total = count_shared_words(before, text)
    is_short = len(text) < _SHORT * len(before)
    least = _LEAST_SHARED if is_short else _LEAST_KEPT
    if kept < least * total and (is_short or total >= _FEW):
        return (f"loses the subject: it has {kept} of {total} words that matter",)
    return ()


def _repeats(text: str, wording: Sequence[str], before: str) -> bool:
    """Return True if *text* has a run of words of *wording*, begins a line like one of
    its lines, or is a part of it.
    """
    own, whole, ours = _spaced(before), _spaced(text), list(map(_spaced, wording))
    runs = {run for piece in ours for run in _runs(piece)}
    found = [run for run in _runs(whole) if run in runs]
    if any(whole in piece for piece in ours):
        found.append(whole)
    begins = tuple(_spaced(line) for piece in wording for line in piece.splitlines())
    lines = [line for line in begins if _count(line) >= _LEAST_LINE and line not in own]
    begun = any(_spaced(line).startswith(tuple(lines)) for line in text.splitlines())
    return begun or any(_count(f) >= _LEAST_LINE and f not in own for f in found)


def _spaced(text: str) -> str:
    """Return the words of *text*, each with a space before and after it."""
    return f" {' '.join(split_words(normalise(text)))} "


def _count(spaced: str) -> int:
    return spaced.count(" ") - 1


def _runs(spaced: str) -> Iterator[str]:
    words = spaced.split()
    for start in range(len(words) - _RUN + 1):
        yield f" {' '.join(words[start : start + _RUN])} "
