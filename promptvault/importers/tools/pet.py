"""Snippets of pet: the commands in its snippet.toml, as templates."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

from promptvault.errors import ImportSourceError
from promptvault.importers.input.candidate import (
    NO_TEXT,
    Candidate,
    Failure,
    Item,
    Items,
    Skipped,
)
from promptvault.importers.input.document import Document
from promptvault.importers.input.encoded_text import text_start, whole_text
from promptvault.importers.input.field import as_text
from promptvault.importers.tools.template import Piece, Slot, split_at, translate

SOURCE = "pet"

_ENDINGS = ("", ".toml")  # tools and their tests quote such files in others
_TABLE = re.compile(
    r"^[ \t]*\[\[[ \t]*snippets[ \t]*\]\]", re.MULTILINE | re.IGNORECASE
)
_COMMAND = re.compile(r"^[ \t]*commands?[ \t]*=", re.MULTILINE | re.IGNORECASE)
_KEY = re.compile(r"""(?:\.[ \t]*+(?:"[^"\n]*+"|'[^'\n]*+'|[\w-]++)[ \t]*+)++""")
_DEEPEST = 1000
_PARAMETER = re.compile(r"<([^<>]*[^\s<>])>")
_CHOICES = re.compile(r"\|_(.*?)_\|")


def probe(document: Document) -> bool:
    """Return True for TOML with tables of snippets that have a command."""
    if PurePosixPath(document.name.lower()).suffix not in _ENDINGS:
        return False
    if b"s\0n\0i\0p" not in document.head and b"snippets" not in document.head.lower():
        return False
    head = text_start(document)
    return bool(_TABLE.search(head) and _COMMAND.search(head))


def read(document: Document) -> Items:
    """Yield every snippet. Raises ImportSourceError if the file is not valid TOML."""
    try:
        content = tomllib.loads(_bounded(whole_text(document)))
    except (ValueError, RecursionError) as error:
        # The message quotes nothing of the file but the position.
        place = re.search(r" \(at [^()]*\)\Z", str(error))
        reason = f"it is not valid TOML{place[0] if place else ''}"
        raise ImportSourceError(reason) from None
    seen: set[str] = set()
    for key, snippets in content.items():
        if key.lower() == "snippets" and isinstance(snippets, list):
            for index, snippet in enumerate(snippets, 1):
                where = f"{document.name}, snippet {index}"
                yield from _items(snippet, where, seen)


def _bounded(toml: str) -> str:
    """Return *toml* unchanged. Raises ValueError for a key of too many parts, because
    the time to parse one grows with their square."""
    if any(found[0].count(".") > _DEEPEST for found in _KEY.finditer(toml)):
        raise ValueError
    return toml


def _items(snippet: Any, where: str, seen: set[str]) -> Iterator[Item]:
    if not isinstance(snippet, dict):
        yield Failure(where, "it is not a snippet")
        return
    fields = {str(key).lower(): value for key, value in snippet.items()}
    several = fields.get("commands")
    commands = several if isinstance(several, list) else [fields.get("command")]
    bodies = list(filter(None, map(as_text, commands)))
    if not bodies:
        yield Skipped(NO_TEXT)
    title = as_text(fields.get("description"))
    for body in bodies:
        # A second snippet of the same name is identified by its text alone.
        key = title if title not in seen else None
        seen.update([title] if title else [])
        yield _candidate(body, title, key, _tags(fields.get("tag")))


def _candidate(
    body: str, title: str | None, key: str | None, tags: tuple[str, ...]
) -> Candidate:
    draft = translate(_pieces(body)).draft(message_id=key)
    # A slash in a description does not make a folder.
    name = title and title.replace("/", " ")
    return Candidate((draft,), title=title, name=name, tags=tags)


def _tags(value: object) -> tuple[str, ...]:
    tags = value if isinstance(value, list) else [value]
    return tuple(filter(None, map(as_text, tags)))


def _pieces(command: str) -> Iterator[Piece]:
    """Split a command at its parameters: ``<name>``, ``<name=default>`` and
    ``<name=|_one_||_two_|>``."""
    for literal, found in split_at(command, _PARAMETER):
        yield literal
        if found:
            name, equals, default = found[1].partition("=")
            choices = tuple(_CHOICES.findall(default))
            if not name.strip() or name[0].isspace():
                yield found[0]
            else:
                first = choices[0] if choices else default
                yield Slot(name, first if equals else None, choices)
