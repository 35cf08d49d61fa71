"""Constants in a prompt that could be variables: few, but likely ones."""

import re
from collections import Counter
from collections.abc import Iterator
from enum import StrEnum
from itertools import islice
from typing import NamedTuple

from promptvault.importers.tools.template import is_variable_name
from promptvault.services.templates.variable_name import (
    CODE_LANGUAGES,
    DATE,
    EMAIL,
    MONTHS,
    NATURAL_LANGUAGES,
    PATH,
    URL,
    name_variable,
    unique_name,
)

_LONGEST = 20_000
"""Characters of a prompt that are searched; a longer one is mostly a document."""
_LONGEST_CONSTANT = 80
_MOST_FINDS = 100
"""The maximum number of matches to look at."""
_MASK = "\0"


class ConstantKind(StrEnum):
    """The kind of a constant; the likeliest variables come first."""

    PLACEHOLDER = "placeholder"
    EMAIL = "email"
    URL = "url"
    PATH = "path"
    DATE = "date"
    NUMBER = "number"
    LANGUAGE = "language"
    QUOTED = "quoted"
    NAME = "name"


class Constant(NamedTuple):
    """A part of a prompt that could be a variable."""

    kind: ConstantKind
    text: str
    variable: str
    """The name of the variable, unique within the prompt."""
    spans: tuple[tuple[int, int], ...]
    """Start and end of each occurrence, as indexes of characters, in order."""


_CODE = re.compile(
    r"^(?P<fence>[ \t]*(?:```+|~~~+)).*?(?:^(?P=fence)|\Z)"
    r"|`[^`\n]+`"
    r"|(?:(?<=\n\n)|\A)(?:(?: {4}|\t)[^\n]*(?:\n|\Z))+"
    r"|\{\{[^{}]*\}\}|\{%[^%]*%\}|\{#[^#]*#\}",
    re.DOTALL | re.MULTILINE,
)
_FILL_IN = r"(?:your|my|the|insert|enter|add|name|topic|text|paste|e\.g\.)\b"
_VERB = re.compile(r"^(?:(?:your|my|the|insert|enter|add|paste)\b ?)+")
_PLACEHOLDER = re.compile(
    rf"\[(?:[A-Z][A-Z0-9 _/'-]+|(?i:{_FILL_IN})[^\[\]\n]{{0,40}})\](?![(:\[])"
    rf"|<(?:[A-Z][A-Z0-9 _-]+|(?i:{_FILL_IN})[ _-][\w '/-]{{1,40}})>"
    r"|(?<![\w{$/])\{[A-Za-z][\w -]{1,30}\}(?!\})"
    r"|\b(?:YOUR|INSERT|MY)_[A-Z0-9_]+\b"
)
_UNITS = (
    "words? sentences? paragraphs? lines? characters? pages? items? examples? ideas?"
    " questions? options? steps? minutes? hours? days? weeks? months? years? people"
    " bullets? points? tweets? slides? variants? alternatives? suggestions?"
).split()
_NUMBER = re.compile(
    rf"\b(\d+(?:[.,]\d+)?)(?=[ -](?:bullet )?(?:{'|'.join(_UNITS)})\b)"
)
_NATURAL = re.compile(
    rf"\b(?:in|into|to|from) ({'|'.join(NATURAL_LANGUAGES)})\b(?![- ]speaking)"
)
_CODED = re.compile(
    rf"(?<![\w.])({'|'.join(map(re.escape, CODE_LANGUAGES))})(?![\w+#]|\.\w)"
)
_QUOTED = re.compile(
    r"\b(?:about|app|article|book|brand|called|company|course|entitled|film|game|movie"
    r"|named|novel|product|project|series|song|titled|topic)"
    r"[ ][\"“«]([^\W_][^\"“”«»\n.!?]{1,58})[\"”»]"
)
_WORD = r"[A-Z][a-z]+(?:[A-Z][a-z]+)*"
_NAME = re.compile(rf"(?<=[a-z,;] ){_WORD}(?: {_WORD}){{0,2}}\b(?!['\u2019]?\w)")
_NO_NAMES = frozenset(
    f"""I {" ".join((*NATURAL_LANGUAGES, *CODE_LANGUAGES))} Monday Tuesday Wednesday
    Thursday Friday Saturday Sunday January February March April May June July August
    September October November December Markdown Json Yaml Html Xml Github Internet
    Note Step Section Example Input Output Context Task Goal Rules Format User System
    Assistant Question Answer Figure Table Chapter Part Appendix""".casefold().split()
)


def find_constants(body: str, most: int) -> list[Constant]:
    """Return at most *most* constants of *body*, the likeliest kinds first.

    Code and template tags are not searched.
    """
    text = _CODE.sub(lambda found: _MASK * len(found[0]), body[:_LONGEST])
    taken = bytearray(len(text))
    names: set[str] = set()
    constants: list[Constant] = []
    for kind, start, end in islice(_distinct(text), _MOST_FINDS):
        spans = tuple(
            span
            for span in _spans(text, kind, start, end)
            if not any(taken[slice(*span)])
        )
        if not spans or end - start > _LONGEST_CONSTANT or text[end : end + 1] == _MASK:
            continue
        for first, last in spans:
            taken[first:last] = b"\1" * (last - first)
        name = unique_name(_name(text, kind, start, end), names)
        names.add(name)
        constants.append(Constant(kind, text[start:end], name, spans))
        if len(constants) == most:
            break
    return constants


def _distinct(text: str) -> Iterator[tuple[ConstantKind, int, int]]:
    """Yield each distinct match once, but every number, because its unit may differ."""
    seen: set[str] = set()
    for kind, start, end in _finds(text):
        words = text[start:end]
        if kind is ConstantKind.NUMBER or words not in seen:
            seen.add(words)
            yield kind, start, end


def _finds(text: str) -> Iterator[tuple[ConstantKind, int, int]]:
    for kind, pattern in _PATTERNS:
        for found in pattern.finditer(text):
            yield kind, *found.span(found.re.groups and 1)
    yield from _names(text)


_PATTERNS = (
    (ConstantKind.PLACEHOLDER, _PLACEHOLDER),
    (ConstantKind.EMAIL, re.compile(rf"(?<![\w.+-]){EMAIL}")),
    (ConstantKind.URL, re.compile(URL)),
    (ConstantKind.PATH, re.compile(rf"(?<![\w./~:@<])(?:{PATH})")),
    (ConstantKind.DATE, re.compile(rf"\b(?:{DATE}|{MONTHS} \d{{4}})\b")),
    (ConstantKind.NUMBER, _NUMBER),
    (ConstantKind.LANGUAGE, _NATURAL),
    (ConstantKind.LANGUAGE, _CODED),
    (ConstantKind.QUOTED, _QUOTED),
)


def _names(text: str) -> Iterator[tuple[ConstantKind, int, int]]:
    """Yield proper names that are repeated: two words twice, one word three times."""
    found = list(islice(_NAME.finditer(text), _MOST_FINDS))
    counts = Counter(match[0] for match in found)
    for match in {match[0]: match for match in reversed(found)}.values():
        words = match[0].casefold().split()
        often = counts[match[0]] >= 2 and len(_places(text, match[0])) >= 4 - len(words)
        if often and not _NO_NAMES.intersection(words):
            yield ConstantKind.NAME, *match.span()


def _spans(
    text: str, kind: ConstantKind, start: int, end: int
) -> list[tuple[int, int]]:
    """Return all occurrences of a match; of a number only the match itself."""
    if kind is ConstantKind.NUMBER:
        return [(start, end)]
    return _places(text, text[start:end])


def _places(text: str, words: str) -> list[tuple[int, int]]:
    pattern = rf"(?<!\w){re.escape(words)}(?!\w)"
    return [match.span() for match in re.finditer(pattern, text)]


def _name(text: str, kind: ConstantKind, start: int, end: int) -> str:
    if kind is ConstantKind.PLACEHOLDER:
        return _filled_in(text[start:end])
    before, after = text[max(0, start - 80) : start], text[end : end + 60]
    named = name_variable(before, [text[start:end]], after)
    return kind.value if named == "text" and kind is not ConstantKind.QUOTED else named


def _filled_in(placeholder: str) -> str:
    """Return the name of a placeholder, without its verb."""
    inner = placeholder.strip("[]<>{} ").replace("_", " ").lower()
    words = re.findall(r"[^\W_]+", _VERB.sub("", inner))
    name = "_".join(words[:3])
    return name if is_variable_name(name) else "text"
