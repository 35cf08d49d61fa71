"""The files that imports have read: as long as they do not change, once is enough."""

import json
import sqlite3
from collections import defaultdict
from typing import NamedTuple

from promptvault.importers.input.document import Fingerprint
from promptvault.services.imports.report import Options

_FILES = """SELECT f.path, f.size, f.modified, f.inode, f.source, f.conversations,
        f.found, i.pk, i.options
    FROM import_files f JOIN imports i ON i.pk = f.import_pk
    WHERE f.path = ? AND i.undone_at IS NULL ORDER BY i.pk DESC"""
_NOTE = """INSERT INTO import_files
    (import_pk, path, size, modified, inode, source, conversations, found)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?)"""


class Content(NamedTuple):
    """What an import found of one source in a file."""

    source: str
    conversations: int
    found: int
    """Prompts."""


class KnownFiles:
    """Tells whether an import that stands has read all of a file.

    That import must have taken at least what *options* ask for.
    """

    def __init__(self, connection: sqlite3.Connection, options: Options) -> None:
        self._connection = connection
        self._options = options

    def __call__(self, file: Fingerprint) -> bool:
        """Tell whether there is nothing new in *file*."""
        return bool(self.contents(file))

    def contents(self, file: Fingerprint) -> list[Content]:
        """Return what was found in *file*, none where it is not known."""
        if self._options.again:
            return []
        found: dict[int, list[Content]] = defaultdict(list)
        for row in self._connection.execute(_FILES, (file.path,)):
            *place, source, conversations, prompts, pk, options = row
            if Fingerprint(*place) == file and self._options.are_covered_by(
                json.loads(options)
            ):
                found[pk].append(Content(source, conversations, prompts))
        return next(iter(found.values()), [])


class ReadFiles:
    """The files that an import under way reads, and what it finds in them."""

    def __init__(self) -> None:
        self._found: dict[Fingerprint, list[Content]] = defaultdict(list)
        self._spoilt: set[Fingerprint] = set()

    def add(self, file: Fingerprint | None, content: Content) -> None:
        """Note what was found in *file*, or in one of the files in that archive."""
        if file:
            self._found[file].append(content)

    def spoil(self, file: Fingerprint | None) -> None:
        """Note that *file* could not be read to its end: that may be better later."""
        if file:
            self._spoilt.add(file)

    def write(self, connection: sqlite3.Connection, import_pk: int) -> None:
        """Write them into the ledger."""
        rows = (
            (import_pk, *file, *content)
            for file, contents in self._found.items()
            if file not in self._spoilt
            for content in _by_source(contents)
        )
        connection.executemany(_NOTE, rows)


def _by_source(contents: list[Content]) -> list[Content]:
    totals: dict[str, Content] = {}
    for each in contents:
        before = totals.get(each.source, Content(each.source, 0, 0))
        totals[each.source] = Content(
            each.source,
            before.conversations + each.conversations,
            before.found + each.found,
        )
    return list(totals.values())
