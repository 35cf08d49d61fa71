"""Alignment of texts: what they share, and where they differ."""

import re
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from typing import NamedTuple

_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
)
# Punctuation inside a word is part of it, as in "it's", "2026-05-01", "a@example.org".
# In scripts without spaces each character is a word.
_LETTER = f"[^\\W{_UNSPACED}]"
_TOKEN = re.compile(
    f"{_LETTER}+(?:[-'\u2019.:@/]{_LETTER}+)*|\\r?\\n|[^\\S\\r\\n]+|.", re.DOTALL
)
_LINE = re.compile(r"[^\n]*\n|[^\n]+")
_WORD = re.compile(f"[{_UNSPACED}]|{_LETTER}+")
_MOST_TOKENS = 4_000
"""Longer texts are compared by line, because the time grows quadratically."""
_FEW_PAIRS = 40_000
_FEW_CHARACTERS = 3
_FEW_WORDS = 2
_LONG_GAP = 3
"""Words; one or two shared words between two such gaps are a coincidence."""
_HEAVIEST_VALUE = 60
"""Characters of a value that count as a difference; it may be a whole document."""


class Gap(NamedTuple):
    """A position where the texts differ."""

    values: tuple[str, ...]
    """The part of each text, in the order of the texts; may be empty."""


Segment = str | Gap
Pair = tuple[int, int]
"""The indexes of two equal tokens."""


def align(texts: Sequence[str]) -> list[Segment]:
    """Return the segments that *texts* share, in order, and the gaps between them.

    The segments with a text's own values in the gaps give that text exactly.
    """
    tokens = _tokens(texts)
    parts = _joined(_cells(tokens, _common(tokens)))
    return [part for part in _trimmed(_without_weak_links(parts)) if part]


def shared_fraction(parts: Sequence[Segment]) -> float:
    """Return the shared fraction of the texts, 0 to 1, without white space."""
    shared = sum(_visible_length(part) for part in parts if isinstance(part, str))
    gaps = [part for part in parts if isinstance(part, Gap)]
    values = (value for gap in gaps for value in gap.values)
    differing = sum(min(_visible_length(value), _HEAVIEST_VALUE) for value in values)
    average = differing / len(gaps[0].values) if gaps else 0.0
    return shared / max(1.0, shared + average)


def count_words(text: str) -> int:
    """Return how many words *text* has."""
    return len(_WORD.findall(text))


def _visible_length(text: str) -> int:
    return len("".join(text.split()))


def _tokens(texts: Sequence[str]) -> list[list[str]]:
    tokens = [_TOKEN.findall(text) for text in texts]
    if max(map(len, tokens)) > _MOST_TOKENS:
        return [_LINE.findall(text) for text in texts]
    return tokens


def _common(tokens: Sequence[list[str]]) -> list[tuple[int, ...]]:
    """Return the tokens that all texts share, as their index in each text."""
    first, *others = tokens
    found: list[tuple[int, ...]] = [(number,) for number in range(len(first))]
    for other in others:
        found = [
            (*found[ours], theirs) for ours, theirs in _matches(first, found, other)
        ]
    return found


def _matches(
    first: Sequence[str], found: Sequence[tuple[int, ...]], other: Sequence[str]
) -> Iterator[Pair]:
    """Yield the index in *found* and in *other* of each token that both have."""
    line: list[str | None] = []
    numbers: list[int] = []
    for number, places in enumerate(found):
        if number and not _are_neighbours(found[number - 1], places):
            line.append(None)  # equal to no token, so no match spans the gap
            numbers.append(-1)
        line.append(first[places[0]])
        numbers.append(number)
    for ours, theirs in _paired(line, other):
        yield numbers[ours], theirs


def _paired(line: Sequence[str | None], other: Sequence[str]) -> Iterator[Pair]:
    """Yield equal tokens: first a rough match, then a full one in the small gaps.

    The rough match ignores words that are frequent in a long text, which makes it
    fast; within a gap these words count.
    """
    ours = theirs = 0
    for start, other_start, size in SequenceMatcher(
        _is_blank, line, other
    ).get_matching_blocks():
        left, right = line[ours:start], other[theirs:other_start]
        if len(left) * len(right) <= _FEW_PAIRS:
            matcher = SequenceMatcher(_is_blank, left, right, autojunk=False)
            for block in matcher.get_matching_blocks():
                yield from _run(ours + block.a, theirs + block.b, block.size)
        yield from _run(start, other_start, size)
        ours, theirs = start + size, other_start + size


def _run(start: int, other_start: int, size: int) -> Iterator[Pair]:
    for step in range(size):
        yield start + step, other_start + step


def _is_blank(token: str | None) -> bool:
    return bool(token) and str(token).isspace()


def _are_neighbours(one: tuple[int, ...], other: tuple[int, ...]) -> bool:
    return all(a + 1 == b for a, b in zip(one, other, strict=True))


def _cells(
    tokens: Sequence[list[str]], common: Sequence[tuple[int, ...]]
) -> Iterator[Segment]:
    """Yield a gap before each shared token, empty or not, and one at the end."""
    starts = (0,) * len(tokens)
    for places in [*common, tuple(map(len, tokens))]:
        yield Gap(
            tuple(
                "".join(line[start:end])
                for line, start, end in zip(tokens, starts, places, strict=True)
            )
        )
        if places[0] < len(tokens[0]):
            yield tokens[0][places[0]]
        starts = tuple(place + 1 for place in places)


def _joined(parts: Iterator[Segment]) -> list[Segment]:
    """Join adjacent shared segments, and drop empty gaps."""
    joined: list[Segment] = []
    for part in parts:
        if isinstance(part, Gap) and not any(part.values):
            continue
        if isinstance(part, str) and joined and isinstance(joined[-1], str):
            joined[-1] += part
        else:
            joined.append(part)
    return joined


def _without_weak_links(parts: Sequence[Segment]) -> list[Segment]:
    """Merge two gaps if only white space or a few words separate them."""
    kept: list[Segment] = []
    for part in parts:
        if isinstance(part, Gap) and len(kept) > 1:
            before, link = kept[-2:]
            if (
                isinstance(before, Gap)
                and isinstance(link, str)
                and _is_weak(before, link, part)
            ):
                values = zip(before.values, part.values, strict=True)
                kept[-2:] = [Gap(tuple(one + link + other for one, other in values))]
                continue
        kept.append(part)
    return kept


def _is_weak(before: Gap, link: str, after: Gap) -> bool:
    if "\n" in link:
        return False
    if link.isspace() or (len(link) <= _FEW_CHARACTERS and not re.search(r"\s", link)):
        return True
    return count_words(link) <= _FEW_WORDS and min(_words(before), _words(after)) >= (
        _LONG_GAP
    )


def _words(gap: Gap) -> int:
    return max(map(count_words, gap.values))


def _trimmed(parts: Sequence[Segment]) -> Iterator[Segment]:
    """Move white space that all values begin or end with into the shared text."""
    for part in parts:
        if isinstance(part, str):
            yield part
            continue
        before = _shared_space(part.values)
        values = [value[len(before) :] for value in part.values]
        after = _shared_space([value[::-1] for value in values])[::-1]
        yield before
        yield Gap(tuple(value[: len(value) - len(after)] for value in values))
        yield after


def _shared_space(values: Sequence[str]) -> str:
    """Return the white space that all of *values* begin with."""
    size = 0
    shortest = min(values, key=len)
    while (
        size < len(shortest)
        and shortest[size].isspace()
        and all(value[size] == shortest[size] for value in values)
    ):
        size += 1
    return shortest[:size]
