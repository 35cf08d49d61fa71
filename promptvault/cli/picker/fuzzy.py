"""Fuzzy matching of prompts: which rows match, in which order, and where."""

import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

RANKED = 1_000
"""Number of matching rows in exact order; the rest are in approximate order."""

# Points of an alignment. Adjacent letters count more than the start of a word, and
# both more than scattered letters; the field of a match counts like one letter.
_ADJACENT, _WORD_START, _WHOLE_WORD, _FIELD_START = 10, 8, 3, 4
_GAP, _GAP_CHARACTER = 2, 1
_IN_NAME, _IN_TITLE, _IN_TAG, _ACROSS_FIELDS = 16, 4, 6, -10
_IS_NAME, _IS_LEAF = 20, 10


@dataclass(frozen=True, slots=True)
class Choice:
    """One row to choose from; choosing it returns the name."""

    name: str
    title: str = ""
    tags: tuple[str, ...] = ()
    description: str = ""


def searched_text(choice: Choice) -> str:
    """Return the text to match a query with: name, title and tags, a line each."""
    return "\n".join((choice.name, choice.title, *choice.tags))


def rank(rows: Iterable[Choice], query: str) -> list[Choice]:
    """Return the rows that match *query*, best first and else in the order given.

    A term (spaces part them) matches when its characters occur in this order in
    the row's searched text; every term must. A term with a capital minds case;
    accents on Latin letters never matter.
    """
    return Finder(tuple(rows)).find(query)


def matched_positions(choice: Choice, query: str) -> frozenset[int]:
    """Return where in ``searched_text(choice)`` the terms of *query* matched."""
    row = _Row(choice)
    return frozenset(at for term in _parse(query) for at in row.align(term)[1])


class Finder:
    """Ranks the same rows for one query after another, as it is typed."""

    def __init__(self, rows: Sequence[Choice]) -> None:
        self._rows = rows
        self._keys = [_fold(searched_text(row)) for row in rows]
        self._kept: dict[str, list[int]] = {"": list(range(len(rows)))}

    def find(self, query: str) -> list[Choice]:
        """Return what ``rank`` returns; fast if *query* changed at its end only."""
        # Composed first: a voicing mark typed after a kana makes another letter.
        query = unicodedata.normalize("NFC", query)
        terms = _parse(query)
        if not terms:
            return list(self._rows)
        order = self._order(self._narrow(query, terms), terms)
        return [self._rows[index] for index in order]

    def _narrow(self, query: str, terms: list["_Term"]) -> list[int]:
        # A longer query matches a subset of what its prefix matches. The results of
        # all prefixes are cached, so the next letter and Backspace are both fast.
        self._kept = {
            text: kept for text, kept in self._kept.items() if query.startswith(text)
        }
        kept = self._kept[max(self._kept, key=len)]
        for term in terms:
            kept = term.filter(self._rows, self._keys, kept)
        self._kept[query] = kept
        return kept

    def _order(self, kept: list[int], terms: list["_Term"]) -> list[int]:
        rest: list[int] = []
        if len(kept) > RANKED:
            roughly = sorted(kept, key=lambda index: self._class(index, terms))
            kept, rest = roughly[:RANKED], roughly[RANKED:]
        scores = {index: _Row(self._rows[index]).score(terms) for index in kept}
        return sorted(kept, key=lambda index: (-scores[index], index)) + rest

    def _class(self, index: int, terms: list["_Term"]) -> int:
        key, name_length = self._keys[index], len(self._rows[index].name)
        return sum(_rough_class(key, name_length, term.folded) for term in terms)


class _Term:
    """One word of a query."""

    def __init__(self, text: str) -> None:
        self.text = text.translate(_UNACCENTED)
        self.folded = _fold(text)
        self.minds_case = any(map(str.isupper, text))
        self._in_key = _subsequence(self.folded)
        self._in_text = _subsequence(self.text)

    def filter(
        self, rows: Sequence[Choice], keys: list[str], kept: list[int]
    ) -> list[int]:
        """Return those of *kept* that this term matches."""
        match = self._in_key.match
        kept = [index for index in kept if match(keys[index])]
        if not self.minds_case:
            return kept
        match = self._in_text.match
        return [
            index
            for index in kept
            if match(searched_text(rows[index]).translate(_UNACCENTED))
        ]


class _Row:
    """One row, prepared to be scored."""

    def __init__(self, choice: Choice) -> None:
        self._choice = choice
        self._text = searched_text(choice)
        self._unaccented = self._text.translate(_UNACCENTED)
        self._key = _fold(self._text)

    def score(self, terms: list[_Term]) -> int:
        """Return the score of all *terms*."""
        return sum(self.align(term)[0] for term in terms) + self._identity(terms)

    def align(self, term: _Term) -> tuple[int, tuple[int, ...]]:
        """Return the score and the positions of the best match of *term*."""
        key, needle = self._key, term.folded
        if term.minds_case:
            key, needle = self._unaccented, term.text
        best: tuple[int, tuple[int, ...]] | None = None
        for start, end, points in self._fields():
            found = _align(key, self._text, start, end, needle)
            if found and (best is None or found[0] + points > best[0]):
                best = found[0] + points, found[1]
        if best is None:
            across = _align(key, self._text, 0, len(key), needle)
            best = (across[0] + _ACROSS_FIELDS, across[1]) if across else (0, ())
        return best

    def _fields(self) -> Iterable[tuple[int, int, int]]:
        start = 0
        choice = self._choice
        tags = ((tag, _IN_TAG) for tag in choice.tags)
        for field, worth in ((choice.name, _IN_NAME), (choice.title, _IN_TITLE), *tags):
            yield start, start + len(field), worth
            start += len(field) + 1

    def _identity(self, terms: list[_Term]) -> int:
        # A query that is a whole name, with any spacing, means that prompt.
        typed = _letters("".join(term.folded for term in terms))
        name = self._key[: len(self._choice.name)]
        if typed == _letters(name):
            return _IS_NAME
        return _IS_LEAF if typed == _letters(name.rpartition("/")[2]) else 0


_Chain = tuple[int, "_Chain | None"]
"""The positions of a match, the last one first."""


def _align(
    key: str, text: str, start: int, end: int, needle: str
) -> tuple[int, tuple[int, ...]] | None:
    """Find the highest-scoring way to read *needle* in ``key[start:end]``.

    Dynamic programming over the places where each character occurs: `states`
    holds, for every place of the last character read, the best way to get there.
    """
    states: list[tuple[int, int, _Chain]] = []
    for nth, character in enumerate(needle):
        places = _places(key, character, start, end)
        if nth == 0:
            states = [(at, _start_points(text, at, start), (at, None)) for at in places]
        else:
            states = _advance(states, places, text, start)
        if not states:
            return None
    score, last = max(
        ((score + _end_points(key, chain), chain) for _, score, chain in states),
        key=lambda found: found[0],
    )
    return score, _positions(last)


def _advance(
    states: list[tuple[int, int, _Chain]], places: list[int], text: str, start: int
) -> list[tuple[int, int, _Chain]]:
    """Extend the best ways to read a beginning by its next character."""
    advanced: list[tuple[int, int, _Chain]] = []
    reached = 0
    far: tuple[int, _Chain] | None = None
    for at in places:
        while reached < len(states) and states[reached][0] < at:
            before, score, chain = states[reached]
            # Lifted by its place, a score is comparable over gaps of any length.
            if far is None or score + before * _GAP_CHARACTER > far[0]:
                far = score + before * _GAP_CHARACTER, chain
            reached += 1
        if far is None:
            continue
        jump = far[0] - _GAP - (at - 1) * _GAP_CHARACTER
        score, chain = jump + _start_points(text, at, start), far[1]
        before, step, trail = states[reached - 1]
        if before == at - 1 and step + _ADJACENT > score:
            score, chain = step + _ADJACENT, trail
        advanced.append((at, score, (at, chain)))
    return advanced


def _places(key: str, character: str, start: int, end: int) -> list[int]:
    places = []
    at = key.find(character, start, end)
    while at >= 0:
        places.append(at)
        at = key.find(character, at + 1, end)
    return places


def _start_points(text: str, at: int, start: int) -> int:
    if at == start:
        return _WORD_START + _FIELD_START
    before = text[at - 1]
    if not before.isalnum() or (before.islower() and text[at].isupper()):
        return _WORD_START
    return 0


def _end_points(key: str, chain: _Chain) -> int:
    at, before = chain
    strewn = before is not None and before[0] != at - 1
    return 0 if strewn or key[at + 1 : at + 2].isalnum() else _WHOLE_WORD


def _positions(chain: _Chain | None) -> tuple[int, ...]:
    positions = []
    while chain:
        positions.append(chain[0])
        chain = chain[1]
    return tuple(reversed(positions))


def _rough_class(key: str, name_length: int, needle: str) -> int:
    """Return 0 (is the name) to 5 (strewn about): cheap enough for every row."""
    at = key.find(needle)
    if at < 0:
        return 5
    if at == 0:
        return 0 if len(needle) == name_length else 1
    if at < name_length:
        return 3 if key[at - 1].isalnum() else 2
    return 4


def _parse(query: str) -> list[_Term]:
    return [_Term(word) for word in unicodedata.normalize("NFC", query).split()]


def _subsequence(needle: str) -> re.Pattern[str]:
    # Possessive, so that a row without a match is read once and not retried.
    return re.compile("".join(f"[^{re.escape(c)}]*+{re.escape(c)}" for c in needle))


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, text))


class _Table(dict[int, str]):
    """A translation of single characters to single ones, filled in as they occur."""

    def __init__(self, change: Callable[[str], str]) -> None:
        super().__init__()
        self._change = change

    def __missing__(self, code: int) -> str:
        changed = self._change(chr(code))
        # Positions must hold in the original, so nothing may get longer ("ß").
        self[code] = changed if len(changed) == 1 else chr(code)
        return self[code]


def _bare(character: str) -> str:
    base = unicodedata.normalize("NFD", character)[0]
    # Only Latin loses its marks: in Japanese or Hindi they make other letters.
    return base if base.isascii() else character


_UNACCENTED = _Table(_bare)
_FOLDED = _Table(lambda character: _bare(character).casefold())


def _fold(text: str) -> str:
    """Return *text* without case and Latin accents, character for character."""
    return text.lower() if text.isascii() else text.translate(_FOLDED)
