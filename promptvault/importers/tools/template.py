"""Translates templates of other tools: literal text is escaped, variables are declared.

Each source splits its text into literal pieces and slots by its own rules. `translate`
joins them, so that rendering gives the same text.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from promptvault.domain.variable import Variable
from promptvault.importers.input.candidate import Draft
from promptvault.importers.input.field import sanitized

STDIN = "stdin"
"""Our variable for what is piped into the command."""

# Words that Jinja does not read as a variable, or defines itself.
_RESERVED = frozenset(
    f"""true false none and or not in is if else self super caller loop
    range dict lipsum cycler joiner namespace {STDIN}""".split()
)
_MUSTACHE = re.compile(r"\{\{[ \t]*([^\W\d][\w.-]*)[ \t]*\}\}")
# What Jinja would interpret. Rendering gives a text one kind of line end, so mixed ones
# are escaped too.
_SPECIAL = re.compile(r"\{+[%#]|\{{2,}")
_SPECIAL_OR_RETURN = re.compile(r"\{+[%#\r]+|\{{2,}|\r+")
_ODD_LINE_END = re.compile(r"\r(?!\n)|(?<!\r)\n")
_LAST_BRACES = re.compile(r"\{+\Z")


class Slot(NamedTuple):
    """A place in a text where a value is inserted."""

    name: str
    """The source's name for it."""
    default: str | None = None
    choices: tuple[str, ...] = ()
    description: str = ""


class _Input(NamedTuple):
    """The place of the source's main input: our standard input."""


INPUT = _Input()

Piece = str | Slot | _Input


class TemplateText(NamedTuple):
    """A text as the vault stores it."""

    body: str
    template: bool = False
    variables: tuple[Variable, ...] = ()

    def draft(
        self,
        created_at: datetime | None = None,
        message_id: str | None = None,
        model: str | None = None,
    ) -> Draft:
        """Return it as a draft."""
        return Draft(self.body, created_at, message_id, model, *self[1:])


def translate(pieces: Iterable[Piece]) -> TemplateText:
    """Return the text that *pieces* form; without slots it is not a template.

    The same name is the same variable everywhere; its first default, choices and
    description count. Names that are not valid in ours are replaced.
    """
    parts = list(pieces)
    if all(isinstance(part, str) for part in parts):
        return TemplateText(sanitized("".join(map(str, parts))))
    slots = _merged(part for part in parts if isinstance(part, Slot))
    names = _names(slots)
    body = _body(parts, {name: f"{{{{ {ours} }}}}" for name, ours in names.items()})
    variables = (_variable(names[name], slot) for name, slot in slots.items())
    return TemplateText(sanitized(body), True, tuple(variables))


def split_at(
    text: str, pattern: re.Pattern[str]
) -> Iterator[tuple[str, re.Match[str] | None]]:
    """Yield each text between matches of *pattern*, with the match after it."""
    start = 0
    for found in pattern.finditer(text):
        yield text[start : found.start()], found
        start = found.end()
    yield text[start:], None


def mustache_pieces(text: str) -> Iterator[Piece]:
    """Yield the pieces of a text whose variables are ``{{name}}``.

    The tools that use these do not fill in anything else in double braces.
    """
    for literal, found in split_at(text, _MUSTACHE):
        yield literal
        if found:
            yield Slot(found[1])


def is_variable_name(name: str) -> bool:
    """Return True if *name* is valid for a variable of ours and not reserved."""
    return (
        name.isidentifier()
        and name.lower() not in _RESERVED
        and name == unicodedata.normalize("NFKC", name)
        and not name.startswith("__")
    )


def _body(parts: Sequence[Piece], expressions: Mapping[str, str]) -> str:
    whole = "".join(part for part in parts if isinstance(part, str))
    mixed = "\r" in whole and _ODD_LINE_END.search(whole)
    special = _SPECIAL_OR_RETURN if mixed else _SPECIAL
    body = literal = ""
    for part in parts:
        if isinstance(part, str):
            literal += part
            continue
        text = special.sub(_quoted, literal)
        body += _LAST_BRACES.sub(
            _quoted, text
        )  # otherwise they would open the expression
        body += (
            expressions[part.name] if isinstance(part, Slot) else f"{{{{ {STDIN} }}}}"
        )
        literal = ""
    return body + special.sub(_quoted, literal)


def _quoted(found: re.Match[str]) -> str:
    escaped = found[0].replace("\r", "\\r")
    return f'{{{{ "{escaped}" }}}}'


def _names(wanted: Iterable[str]) -> dict[str, str]:
    """Return a valid name for each name of the source."""
    wanted = list(wanted)
    names = {name: name for name in wanted if is_variable_name(name)}
    taken = set(names)
    for name in wanted:
        if name not in names:
            base = fitting = _fitted(name)
            number = 1
            while fitting in taken:
                number += 1
                fitting = f"{base}_{number}"
            names[name] = fitting
            taken.add(fitting)
    return names


def _fitted(name: str) -> str:
    text = unicodedata.normalize("NFKC", name)
    kept = "".join(c if f"_{c}".isidentifier() else "_" for c in text).strip("_")
    if not kept or not kept[0].isidentifier():
        kept = f"v{kept}" if kept else "value"
    return kept if is_variable_name(kept) else f"{kept}_"


def _merged(slots: Iterable[Slot]) -> dict[str, Slot]:
    """Return one slot for each name, with the first value of each field."""
    merged: dict[str, Slot] = {}
    for slot in slots:
        known = merged.setdefault(slot.name, slot)
        merged[slot.name] = Slot(
            slot.name,
            slot.default if known.default is None else known.default,
            known.choices or slot.choices,
            known.description or slot.description,
        )
    return merged


def _variable(name: str, slot: Slot) -> Variable:
    described = slot.description or ("" if name == slot.name else slot.name)
    default = slot.default
    if default is not None and slot.choices and default not in slot.choices:
        default = None
    return Variable(
        name,
        sanitized(" ".join(described.split())),
        None if default is None else sanitized(default),
        tuple(map(sanitized, slot.choices)),
        required=default is None,
    )
