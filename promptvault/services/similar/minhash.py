"""MinHash sketches: a few numbers of a text that predict which texts are similar.

The sketch of a text is the smallest hashes of its shingles, the short runs of words in
it. The shared fraction of two sketches estimates the shared fraction of the shingles
(Broder, "On the resemblance and containment of documents", 1997).
"""

import re
import unicodedata
from array import array
from collections.abc import Iterator
from itertools import islice
from zlib import crc32

SIZE = 16
"""Hashes in a sketch; a short text has fewer."""
SHORT = 30
"""Characters; shorter texts are similar only if they have the same words."""
LONGEST = 100_000
"""Characters of a text that are read; the rest is ignored."""

_PASSES = 8
"""The hashes are matched in eight passes, which need an eighth of the memory."""
_DENSE = 3
"""Characters a word; with fewer, the script is written without spaces."""
_FEW_WORDS = 40
"""Words; shorter texts also use shorter shingles, to tolerate frequent typos."""
_LEAST_SHARED = 6
"""A candidate shares at least a sixth of the shorter sketch."""
_NO_HASH = -1

# Scripts without spaces between words, in which each character counts as a word:
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
    return [crc32(word.encode("utf-8", "replace")) for word in split_words(text)]


def split_words(text: str) -> list[str]:
    """Return the words of a normalised *text*, without punctuation.

    In scripts without spaces each character is a word.
    """
    return re.findall(_WORD, text)


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
    """Return True if texts of these lengths can be similar by *threshold* percent."""
    return 200 * min(one, other) >= threshold * (one + other)


class Sketches:
    """The sketches of texts numbered from 0, and the candidate pairs among them."""

    def __init__(self, count: int) -> None:
        self._hashes = array("q", [_NO_HASH]) * (count * SIZE)
        self._lengths = array("I", [0]) * count

    def add(self, number: int, text: str) -> None:
        """Store the sketch of a normalised *text*."""
        found = array("q", sketch_text(text))
        start = number * SIZE
        self._hashes[start : start + len(found)] = found
        self._lengths[number] = len(text)

    def shared(self, one: int, other: int) -> int:
        """Return the number of hashes that two sketches share."""
        return len(self._of(one) & self._of(other))

    def candidates(self, threshold: int) -> Iterator[tuple[int, int]]:
        """Yield pairs that may be similar by *threshold* percent, lower number first.

        If many texts share a hash, each is paired only with the first and with the
        previous one, so that the work grows linearly with the number of texts.
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
