"""Categories without a model: those of a similar prompt, or by topic words."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import cache
from typing import NamedTuple

from promptvault.domain.name import folder_of, leaf_of
from promptvault.services.categories.proposal import (
    MOST_TAGS,
    CategoryItem,
    CategorySuggestion,
    CategoryVocabulary,
)
from promptvault.services.categories.topics import TOPICS, Topic
from promptvault.services.similar.groups import THRESHOLD, measure_similarity
from promptvault.services.similar.minhash import Sketches, normalise
from promptvault.vault.body import find_key, read_bodies, read_body, read_prompt
from promptvault.vault.folders import names_by_key
from promptvault.vault.reader import Reader, Selection

_STRONG, _GOOD, _WEAK = 6, 3, 1
_ENOUGH = 6
"""The minimum score of a topic: one strong word, or two good ones."""
_LEAD = 1.5
"""The winner needs this many times the score of the next topic."""
_OPENING = 25
"""The first words, which say what to do; material often follows."""
_LONGEST = 4
"""The maximum number of words in one entry of a topic."""
_SHORTEST_STEM, _LONGEST_STEM = 3, 16
_WORD = re.compile(r"[^\W_]+(?:\+\+|#)?")


def suggest_by_rules(
    reader: Reader, items: Sequence[CategoryItem], vocabulary: CategoryVocabulary
) -> list[CategorySuggestion]:
    """Return a suggestion for each item; it is empty if no rule is sure."""
    alike = _from_similar(reader, items, vocabulary)
    return [
        alike.get(number) or suggest_by_words(item.excerpt, vocabulary)
        for number, item in enumerate(items)
    ]


def suggest_by_words(text: str, vocabulary: CategoryVocabulary) -> CategorySuggestion:
    """Return the topic with the most words in *text*, if it clearly leads."""
    scores, tags = _score(text)
    ranked = sorted(((score, topic.folder) for topic, score in scores.items()))
    (second, _), (best, folder) = ([(0.0, ""), (0.0, ""), *ranked])[-2:]
    if best < _ENOUGH or best < _LEAD * second:
        return CategorySuggestion()
    topic = next(topic for topic in TOPICS if topic.folder == folder)
    found = [tag for tag in topic.tags.split() if tag in tags]
    return CategorySuggestion(
        _folder_for(topic, vocabulary), (*found[:MOST_TAGS], folder)
    )


def _score(text: str) -> tuple[dict[Topic, float], set[str]]:
    """Return the score of each topic, and all words of *text*."""
    words = _words(text)
    scores: dict[Topic, float] = defaultdict(float)
    seen: set[tuple[str, str]] = set()
    for at, run in _runs(words):
        for entry, topic, weight in _meanings(run):
            if (entry, topic.folder) not in seen:
                seen.add((entry, topic.folder))
                scores[topic] += weight if at < _OPENING else weight / 2
    return scores, set(words)


def _words(text: str) -> list[str]:
    """Return the words of *text* in lower case, without accents."""
    parts = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(sign for sign in parts if not unicodedata.combining(sign))
    return _WORD.findall(plain)


def _runs(words: Sequence[str]) -> Iterator[tuple[int, str]]:
    """Yield every run of up to four words, with the index of its first word."""
    for at in range(len(words)):
        for length in range(1, _LONGEST + 1):
            if at + length <= len(words):
                yield at, "_".join(words[at : at + length])


class _Meaning(NamedTuple):
    """The meaning of a word or run of words."""

    entry: str
    topic: Topic
    weight: int


def _meanings(run: str) -> Iterator[_Meaning]:
    whole, stems = _table()
    yield from whole.get(run, ())
    for length in range(_SHORTEST_STEM, min(len(run), _LONGEST_STEM) + 1):
        yield from stems.get(run[:length], ())


@cache
def _table() -> tuple[dict[str, list[_Meaning]], dict[str, list[_Meaning]]]:
    """Return the meanings of whole words, and of prefixes of words."""
    whole: dict[str, list[_Meaning]] = defaultdict(list)
    stems: dict[str, list[_Meaning]] = defaultdict(list)
    for topic in TOPICS:
        kinds = ((topic.strong, _STRONG), (topic.good, _GOOD), (topic.weak, _WEAK))
        for entries, weight in kinds:
            for entry in entries.split():
                table = stems if entry.endswith("*") else whole
                key = entry.removesuffix("*")
                table[key].append(_Meaning(entry, topic, weight))
    return dict(whole), dict(stems)


def _folder_for(topic: Topic, vocabulary: CategoryVocabulary) -> str:
    """Return the folder that the vault uses for *topic*, else the topic's own."""
    names = [topic.folder, *topic.also.split()]
    by_name = {leaf_of(folder): folder for folder in reversed(vocabulary.folders)}
    by_name |= {folder: folder for folder in vocabulary.folders}
    return next((by_name[name] for name in names if name in by_name), topic.folder)


def _from_similar(
    reader: Reader, items: Sequence[CategoryItem], vocabulary: CategoryVocabulary
) -> dict[int, CategorySuggestion]:
    """Return the categories of similar prompts, by index in *items*."""
    names = names_by_key(reader)
    own = {item.prompt.name for item in items}
    filed = [
        key
        for key, name in names.items()
        if name not in own and _is_sorted(name, vocabulary)
    ]
    if not filed:
        return {}
    keys = [*filed, *(find_key(reader, item.prompt) for item in items)]
    found = _nearest(reader, keys, len(filed))
    return {
        number: _as(reader, keys[nearest]) for number, nearest in sorted(found.items())
    }


def _is_sorted(name: str, vocabulary: CategoryVocabulary) -> bool:
    return "/" in name and name.partition("/")[0] not in vocabulary.sources


def _nearest(reader: Reader, keys: Sequence[int], count: int) -> dict[int, int]:
    """Return the most similar of the first *count* texts for each later text."""
    numbers = {key: number for number, key in enumerate(keys)}
    sketches = Sketches(len(keys))
    for key, text in read_bodies(reader, Selection()):
        if key in numbers:
            sketches.add(numbers[key], normalise(text))
    best: dict[int, tuple[int, int]] = {}
    for pair in sorted(set(sketches.candidates(THRESHOLD))):
        one, other = pair
        if one < count <= other:
            ours, theirs = (normalise(read_body(reader, keys[n])) for n in pair)
            percent = measure_similarity(ours, theirs, THRESHOLD)
            if percent >= THRESHOLD:
                found = (percent, -one)
                best[other - count] = max(best.get(other - count, found), found)
    return {number: -minus for number, (_, minus) in best.items()}


def _as(reader: Reader, key: int) -> CategorySuggestion:
    prompt = read_prompt(reader, key)
    return CategorySuggestion(folder_of(prompt.name), prompt.tags)
