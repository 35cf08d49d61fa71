"""The list of links that Claude.ai offers in place of an export, since August 2026.

Anybody who has a link can download the chats, so only names of files are shown.
"""

import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

from promptvault.errors import ImportSourceError
from promptvault.importers.input.candidate import Failure
from promptvault.importers.input.document import Document
from promptvault.importers.input.field import as_object
from promptvault.importers.input.json_stream import JsonObject, JsonValue

_LINK = "export_url"
_FILE = re.compile(r"[\w() .-]{1,100}\.(?:zip|json)")
_OF_CLAUDE = re.compile(
    r"(?:conversations|projects|design_chats|memories|users)\b.*", re.IGNORECASE
)
_COPY = re.compile(r" ?\(\d+\)(?=\.|\Z)")
"""What a browser adds to the name of a second download."""


def is_manifest(value: JsonObject) -> bool:
    """Return True for a list of links to the archives of an export."""
    entries = list(_entries(value))
    return any(_LINK in as_object(entry) for entry in entries) or any(
        _OF_CLAUDE.fullmatch(name) for name in filter(None, map(_name, entries))
    )


def missing_archives(manifest: JsonObject, document: Document) -> Iterator[Failure]:
    """Compare *manifest* with the files around it.

    Raises ImportSourceError if there are none: then it says what to download.
    """
    names = list(dict.fromkeys(filter(None, map(_name, _entries(manifest)))))
    if len(document.siblings) <= 1:
        raise ImportSourceError(
            "it only lists the links of an export: open each in a browser, save "
            f"{', '.join(names)}, and import the folder they are in"
        )
    present = {
        _COPY.sub("", part)
        for sibling in document.siblings
        for part in PurePosixPath(sibling).parts
    }
    missing = [n for n in names if not {n, n.removesuffix(".zip")} & present]
    if missing:
        reason = f"the export lists files that are not here: {', '.join(missing)}"
        yield Failure(document.name, reason)


def _entries(value: JsonObject) -> Iterator[JsonValue]:
    """Yield what is in the lists and objects of *value*."""
    for inner in value.values():
        if isinstance(inner, list):
            yield from inner
        elif isinstance(inner, dict):
            yield from inner.values()


def _name(entry: JsonValue) -> str | None:
    """Return the name of the file that *entry* links to, None if it is no link."""
    values = (entry, *as_object(entry).values())
    texts = [value for value in values if isinstance(value, str)]
    links = [text for text in texts if text.startswith(("https://", "http://"))]
    if not links:
        return None
    named = [text for text in texts if _FILE.fullmatch(text)]
    return next(filter(None, [*named, *map(_file_of, links)]), None)


def _file_of(link: str) -> str | None:
    """Return the last part of the path of *link*, if that is a file's name."""
    try:
        name = PurePosixPath(unquote(urlsplit(link).path)).name
    except ValueError:
        return None
    return name if _FILE.fullmatch(name) else None
