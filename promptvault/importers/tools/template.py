"""Foreign templates made into ours: literal text escaped, variables declared.

Each source takes its text apart into literal pieces and slots, by its own rules;
`translated` puts them together again, so that rendering gives the same text.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from promptvault.domain.variable import Variable
from promptvault.importers.input.candidate import Draft
from promptvault.importers.input.field import fit

STDIN = "stdin"
"""Our variable for what is piped into the command."""

# Words that Jinja reads as something else than a variable, or that it brings along.
_RESERVED = frozenset(
    f"""true false none and or not in is if else self super caller loop
    range dict lipsum cycler joiner namespace {STDIN}""".split()
)
_MUSTACHE = re.compile(r"\{\{[ \t]*([^\W\d][\w.-]*)[ \t]*\}\}")
# What Jinja would take for its own, and line ends that it would change: all are made
# one, as long as there is one of Windows's.
_SPECIAL = re.compile(r"\{+[%#]|\{{2,}")
_SPECIAL_OR_RETURN = re.compile(r"\{+[%#\r]+|\{{2,}|\r+")
_ODD_LINE_END = re.compile(r"\r(?!\n)|(?<!\r)\n")
_LAST_BRACES = re.compile(r"\{+\Z")


class Slot(NamedTuple):
    """A place in a text where a value is put."""

    name: str
    """As the source calls it."""
    default: str | None = None
    choices: tuple[str, ...] = ()
    description: str = ""


class _Input(NamedTuple):
    """The place of what the source is given to work on: our standard input."""


INPUT = _Input()

Piece = str | Slot | _Input


class Wording(NamedTuple):
    """A text as the vault keeps it."""

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


def translated(pieces: Iterable[Piece]) -> Wording:
    """Return the text that *pieces* make: literal where there is nothing to fill in.

    The same name is the same variable wherever it stands; what is known of it is
    what its slots say first. Names that ours cannot have are made fit.
    """
    parts = list(pieces)
    if all(isinstance(part, str) for part in parts):
        return Wording(fit("".join(map(str, parts))))
    slots = _merged(part for part in parts if isinstance(part, Slot))
    names = _names(slots)
    body = _body(parts, {name: f"{{{{ {ours} }}}}" for name, ours in names.items()})
    variables = (_variable(names[name], slot) for name, slot in slots.items())
    return Wording(fit(body), True, tuple(variables))


def split(
    text: str, pattern: re.Pattern[str]
) -> Iterator[tuple[str, re.Match[str] | None]]:
    """Yield each text between the matches of *pattern*, and the match behind it."""
    start = 0
    for found in pattern.finditer(text):
        yield text[start : found.start()], found
        start = found.end()
    yield text[start:], None


def mustache(text: str) -> Iterator[Piece]:
    """Yield the pieces of a text whose variables stand as ``{{name}}``.

    Anything else in double braces is not filled in by the tools that use them.
    """
    for literal, found in split(text, _MUSTACHE):
        yield literal
        if found:
            yield Slot(found[1])


def is_fit(name: str) -> bool:
    """Whether *name* can be a variable of ours, and is none that we give a sense."""
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
        body += _LAST_BRACES.sub(_quoted, text)  # or they would open the expression
        body += (
            expressions[part.name] if isinstance(part, Slot) else f"{{{{ {STDIN} }}}}"
        )
        literal = ""
    return body + special.sub(_quoted, literal)


def _quoted(found: re.Match[str]) -> str:
    escaped = found[0].replace("\r", "\\r")
    return f'{{{{ "{escaped}" }}}}'


def _names(wanted: Iterable[str]) -> dict[str, str]:
    """Return a fit name for each of the names that the source uses."""
    wanted = list(wanted)
    names = {name: name for name in wanted if is_fit(name)}
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
    return kept if is_fit(kept) else f"{kept}_"


def _merged(slots: Iterable[Slot]) -> dict[str, Slot]:
    """Return one slot for each name, with whatever any of them says first."""
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
        fit(" ".join(described.split())),
        None if default is None else fit(default),
        tuple(map(fit, slot.choices)),
        required=default is None,
    )
