"""Groups of prompts with nearly the same text."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import lru_cache
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

from promptvault.domain.prompt import Prompt
from promptvault.services.similar.minhash import (
    SHORT,
    Sketches,
    hash_words,
    lengths_may_be_alike,
    normalise,
)
from promptvault.vault.body import (
    find_key,
    keys_by_use,
    read_bodies,
    read_body,
    read_prompt,
)
from promptvault.vault.reader import Reader, Selection

THRESHOLD = 85
"""Percent; two texts with this similarity count as nearly the same."""
LEAST_THRESHOLD = 60
"""Percent; below this, sketches would miss many similar texts."""

_COMPARED_BY_WORD = 5_000
"""Characters; longer texts are compared by word, which is 30 times as fast."""
_MOST_COMPARISONS = 4
"""The maximum number of groups to compare a prompt with, the likeliest first."""
_KEPT_TEXTS = 200


class SimilarPrompt(NamedTuple):
    """A prompt, and its similarity to the first of the group, in percent."""

    prompt: Prompt
    similarity: int


class Group(NamedTuple):
    """Prompts with nearly the same text: the first, then the most similar ones."""

    members: tuple[SimilarPrompt, ...]

    @property
    def similarity(self) -> int:
        """The lowest similarity to the first, in percent."""
        return self.members[-1].similarity


_Members = dict[int, list[tuple[int, int]]]
"""Index of the first of a group to similarity and index of the others."""


def measure_similarity(one: str, other: str, threshold: int = 0) -> int:
    """Return the similarity of two normalised texts in percent, 0 below *threshold*.

    It is the normalised InDel similarity, rounded down: the fraction of both texts that
    remains when one is edited into the other. Texts under SHORT characters are similar
    only if they have the same words.
    """
    if one == other:
        return 100
    length = max(len(one), len(other))
    if length < SHORT:
        ours = hash_words(one)
        return 100 if ours and ours == hash_words(other) else 0
    if not lengths_may_be_alike(len(one), len(other), threshold):
        return 0
    from rapidfuzz import fuzz  # only a comparison needs it

    if length < _COMPARED_BY_WORD:
        return int(fuzz.ratio(one, other, score_cutoff=threshold))
    return int(fuzz.ratio(hash_words(one), hash_words(other), score_cutoff=threshold))


def find_groups(
    reader: Reader, selection: Selection, threshold: int = THRESHOLD
) -> Iterator[Group]:
    """Yield groups of selected prompts, or the group of one named prompt.

    The folder of *selection* may be the name of a prompt; with a trailing '/' it is
    always a folder. Raises NotFoundError if it is neither.
    """
    prompt = _named(reader, selection.folder)
    if prompt is None:
        yield from group_prompts(reader, selection, threshold)
    elif group := find_similar(
        reader, prompt, selection._replace(folder=None), threshold
    ):
        yield group


def _named(reader: Reader, name: str | None) -> Prompt | None:
    if not name or name.endswith("/"):
        return None
    found = reader.find(name)
    if found or reader.count(Selection(name)):
        return found
    return reader.get(name)


def group_prompts(
    reader: Reader, selection: Selection, threshold: int = THRESHOLD
) -> Iterator[Group]:
    """Yield groups of selected prompts with nearly the same text, most similar first.

    The first of a group is its most used prompt, or else its oldest. All others have a
    similarity of at least *threshold* percent to it. A prompt is in one group at most.
    """
    keys = keys_by_use(reader, selection)
    sketches = _sketched(reader, selection, keys)
    found = _grouped(sketches, lambda number: _text(reader, keys[number]), threshold)
    for first, others in sorted(found.items(), key=_most_similar_first):
        alike = sorted(others, key=lambda other: (-other[0], other[1]))
        members = [(100, first), *alike]
        yield Group(
            tuple(SimilarPrompt(read_prompt(reader, keys[n]), s) for s, n in members)
        )


def find_similar(
    reader: Reader, prompt: Prompt, selection: Selection, threshold: int = THRESHOLD
) -> Group | None:
    """Return *prompt* with the selected prompts similar to it, None without any."""
    own = find_key(reader, prompt)
    text = _text(reader, own)
    alike = [
        (-measure_similarity(text, normalise(other), threshold), key)
        for key, other in read_bodies(reader, selection)
        if key != own
    ]
    members = [(-100, own), *sorted(pair for pair in alike if -pair[0] >= threshold)]
    if len(members) == 1:
        return None
    return Group(
        tuple(SimilarPrompt(read_prompt(reader, key), -s) for s, key in members)
    )


def _text(reader: Reader, key: int) -> str:
    return normalise(read_body(reader, key))


def _sketched(reader: Reader, selection: Selection, keys: list[int]) -> Sketches:
    numbers = {key: number for number, key in enumerate(keys)}
    sketches = Sketches(len(keys))
    for key, text in read_bodies(reader, selection):
        if key in numbers:  # else it was saved after `keys` were read
            sketches.add(numbers[key], normalise(text))
    return sketches


def _grouped(
    sketches: Sketches, load: Callable[[int], str], threshold: int
) -> _Members:
    """Assign each text to the first that it is most similar to, or make it a first.

    Texts are compared with firsts only, so that a group does not drift from one similar
    text to the next.
    """
    text_of = lru_cache(_KEPT_TEXTS)(load)
    first_of: dict[int, int] = {}
    found: _Members = defaultdict(list)
    pairs = sorted((other, one) for one, other in set(sketches.candidates(threshold)))
    for number, met in groupby(pairs, key=itemgetter(0)):
        firsts = {first_of.get(one, one) for _, one in met}
        likely = sorted(firsts, key=lambda first: -sketches.shared(first, number))
        text = text_of(number)
        percent, first = max(
            (measure_similarity(text_of(first), text, threshold), -first)
            for first in likely[:_MOST_COMPARISONS]
        )
        if percent >= threshold:
            first_of[number] = -first
            found[-first].append((percent, number))
    return found


def _most_similar_first(group: tuple[int, list[tuple[int, int]]]) -> tuple[int, ...]:
    first, others = group
    return -min(others)[0], -len(others), first
