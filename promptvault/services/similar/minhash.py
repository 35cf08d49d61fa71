"""Sketches: few numbers of a text that tell which other texts it may be like.

A text's sketch is the smallest hashes of its shingles, the short runs of words in it.
Two texts share about as large a part of their sketches as they share of their
shingles (Broder, "On the resemblance and containment of documents", 1997).
"""

import re
import unicodedata
from array import array
from collections.abc import Iterator
from itertools import islice
from zlib import crc32

SIZE = 16
"""How many hashes a sketch has; of a short text fewer."""
SHORT = 30
"""Characters below which only texts with the same words are alike."""
LONGEST = 100_000
"""Characters of a text that are looked at; the rest is not."""

_PASSES = 8
"""The hashes are looked up an eighth at a time, to need an eighth of the memory."""
_DENSE = 3
"""Fewer characters a word than this: a script that is written without spaces."""
_FEW_WORDS = 40
"""Below this, shorter runs count too: a typo in each third word leaves no long one."""
_LEAST_SHARED = 6
"""The smallest part of the shorter sketch that a candidate shares: a sixth."""
_NO_HASH = -1

# Scripts without spaces between words, of which each character counts as a word:
# Thai, Lao, Burmese, Khmer, kana and Chinese characters.
_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
    "\U00020000-\U0003ffff"
)
_WORD = f"[{_UNSPACED}]|[^\\W{_UNSPACED}]+"
_ASCII_WORDS = bytes(
    byte if bytes([byte]).isalnum() or byte == ord("_") else ord(" ")
    for byte in bytes(range(256)).lower()
)


def normalise(body: str) -> str:
    """Return *body* without differences of case, white space and character width."""
    text = body[:LONGEST]
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
    return " ".join(text.casefold().split())


def hash_words(text: str) -> list[int]:
    """Return a number for each word of a normalised *text*, without punctuation."""
    if text.isascii():
        return list(map(crc32, text.encode().translate(_ASCII_WORDS).split()))
    return [crc32(word.encode("utf-8", "replace")) for word in re.findall(_WORD, text)]


def sketch_text(text: str) -> list[int]:
    """Return the sketch of a normalised *text*: up to SIZE hashes, smallest first."""
    found = hash_words(text)
    if len(text) < SHORT:
        return [hash(tuple(found))] if found else []
    length = 3 if len(text) < _DENSE * len(found) else 2
    shingles = set(map(hash, _runs(found, length)))
    if len(found) < _FEW_WORDS:
        shingles |= set(map(hash, _runs(found, length - 1)))
    return sorted(shingles)[:SIZE]


def _runs(found: list[int], length: int) -> Iterator[tuple[int, ...]]:
    return zip(*(islice(found, start, None) for start in range(length)), strict=False)


def lengths_may_be_alike(one: int, other: int, threshold: int) -> bool:
    """Tell whether texts of these lengths can be alike by *threshold* percent."""
    return 200 * min(one, other) >= threshold * (one + other)


class Sketches:
    """The sketches of texts numbered from 0, and which texts may be alike by them."""

    def __init__(self, count: int) -> None:
        self._hashes = array("q", [_NO_HASH]) * (count * SIZE)
        self._lengths = array("I", [0]) * count

    def add(self, number: int, text: str) -> None:
        """Keep the sketch of a normalised *text*."""
        found = array("q", sketch_text(text))
        start = number * SIZE
        self._hashes[start : start + len(found)] = found
        self._lengths[number] = len(text)

    def shared(self, one: int, other: int) -> int:
        """Return how many hashes two sketches share."""
        return len(self._of(one) & self._of(other))

    def candidates(self, threshold: int) -> Iterator[tuple[int, int]]:
        """Yield pairs that may be alike by *threshold* percent, the lower number first.

        Not all of them where many texts share a hash: each is paired with the first
        and with the last one before it, so that the work grows with the texts alone.
        """
        for part in range(_PASSES):
            for one, other in self._meetings(part):
                if self._may_be_alike(one, other, threshold):
                    yield one, other

    def _of(self, number: int) -> set[int]:
        found = set(self._hashes[number * SIZE : (number + 1) * SIZE])
        found.discard(_NO_HASH)
        return found

    def _meetings(self, part: int) -> Iterator[tuple[int, int]]:
        first: dict[int, int] = {}
        latest: dict[int, int] = {}
        for index, value in enumerate(self._hashes):
            if value % _PASSES != part or value == _NO_HASH:
                continue
            number = index // SIZE
            one = first.setdefault(value, number)
            if one != number:
                yield one, number
                if value in latest:
                    yield latest[value], number
                latest[value] = number

    def _may_be_alike(self, one: int, other: int, threshold: int) -> bool:
        lengths = self._lengths[one], self._lengths[other]
        if not lengths_may_be_alike(*lengths, threshold) and max(lengths) >= SHORT:
            return False
        ours, theirs = self._of(one), self._of(other)
        return len(ours & theirs) * _LEAST_SHARED >= min(len(ours), len(theirs))
