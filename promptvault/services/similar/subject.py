"""What a text is about: the words that carry its meaning."""

from collections.abc import Iterable
from typing import NamedTuple

from promptvault.services.similar.minhash import normalise, split_words

_LEAST_LETTERS = 4
_STEM = 5
"""Letters; words that begin with the same ones count as one, as inflections do."""
_FEW = 3
"""With fewer content words, all words of a text count."""
_FUNCTION_WORDS = frozenset(
    "about after also before both could does each else every from have into just least"
    " like make more most much must none only other over please should some such than"
    " that their them then there these they this those under until very want were what"
    " when where which while will with without would your yours".split()
)


class SharedWords(NamedTuple):
    """How many content words of one text another text has."""

    shared: int
    total: int


def count_shared_words(text: str, other: str) -> SharedWords:
    """Return how many of the content words of *text* occur in *other*.

    In scripts without spaces, the words are characters.
    """
    words = split_words(normalise(text))
    wanted = _stems(filter(_has_meaning, words))
    if len(wanted) < _FEW:
        wanted = _stems(words)
    found = wanted & _stems(split_words(normalise(other)))
    return SharedWords(len(found), len(wanted))


def _stems(words: Iterable[str]) -> frozenset[str]:
    return frozenset(word[:_STEM] for word in words)


def _has_meaning(word: str) -> bool:
    if len(word) == 1:
        return not word.isascii()
    return len(word) >= _LEAST_LETTERS and word not in _FUNCTION_WORDS
