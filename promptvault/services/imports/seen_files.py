"""Files that earlier imports have read: one that has not changed is not read again."""

import json
import os
import sqlite3
from collections import defaultdict
from pathlib import PurePosixPath
from typing import NamedTuple

from promptvault.importers import registry
from promptvault.importers.input.document import Document, Fingerprint
from promptvault.services.imports.report import ImportOptions

_SELECT_FILE = """SELECT f.path, f.size, f.modified, f.inode, f.source,
        f.conversations, f.found, i.pk, i.options
    FROM import_files f JOIN imports i ON i.pk = f.import_pk
    WHERE f.path = ? AND i.undone_at IS NULL ORDER BY i.pk DESC"""
_INSERT_FILE = """INSERT INTO import_files
    (import_pk, path, size, modified, inode, source, conversations, found)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?)"""


_SELECT_SOURCES = """SELECT DISTINCT f.source FROM import_files f
    JOIN imports i ON i.pk = f.import_pk
    WHERE f.path > ? AND f.path < ? AND i.undone_at IS NULL"""


class FileContent(NamedTuple):
    """What an import found of one source in a file."""

    source: str
    conversations: int
    found: int
    """Number of prompts."""


class KnownFiles:
    """The files that need not be read, as a predicate on fingerprints.

    A file is known if an import that is not undone read it, the file has not changed
    since, and the options of that import cover *options*.
    """

    def __init__(self, connection: sqlite3.Connection, options: ImportOptions) -> None:
        self._connection = connection
        self._options = options

    def __call__(self, file: Fingerprint) -> bool:
        """Return True if *file* need not be read."""
        return bool(self.contents(file))

    def contents(self, file: Fingerprint) -> list[FileContent]:
        """Return what the newest such import found in *file*, [] if it is not known."""
        if self._options.again:
            return []
        found: dict[int, list[FileContent]] = defaultdict(list)
        for row in self._connection.execute(_SELECT_FILE, (file.path,)):
            *fingerprint, source, conversations, prompts, pk, options = row
            if Fingerprint(*fingerprint) == file and self._options.are_covered_by(
                json.loads(options)
            ):
                found[pk].append(FileContent(source, conversations, prompts))
        return next(iter(found.values()), [])

    def has_chats_around(self, document: Document) -> bool:
        """Return True if an import found chats in the folder that holds *document*.

        It is False unless the options say `only_news`: any other import finds the other
        files of the folder itself.
        """
        if not self._options.only_news or not document.path:
            return False
        depth = len(PurePosixPath(document.name).parts)
        folder = document.path.absolute().parents[depth - 1]
        start = os.path.join(folder, "")
        end = start[:-1] + chr(ord(start[-1]) + 1)
        rows = self._connection.execute(_SELECT_SOURCES, (start, end))
        return any(not registry.is_generic(source) for (source,) in rows)


class ReadFiles:
    """The files that one import reads, and what it finds in each."""

    def __init__(self) -> None:
        self._found: dict[Fingerprint, list[FileContent]] = defaultdict(list)
        self._excluded: set[Fingerprint] = set()

    def add(self, file: Fingerprint | None, content: FileContent) -> None:
        """Add what was found in *file*, or in one file of the archive *file*."""
        if file:
            self._found[file].append(content)

    def exclude(self, file: Fingerprint | None) -> None:
        """Leave *file* out, so that the next import reads it again."""
        if file:
            self._excluded.add(file)

    def write(self, connection: sqlite3.Connection, import_pk: int) -> None:
        """Write the files to the log."""
        rows = (
            (import_pk, *file, *content)
            for file, contents in self._found.items()
            if file not in self._excluded
            for content in _by_source(contents)
        )
        connection.executemany(_INSERT_FILE, rows)


def _by_source(contents: list[FileContent]) -> list[FileContent]:
    totals: dict[str, FileContent] = {}
    for each in contents:
        before = totals.get(each.source, FileContent(each.source, 0, 0))
        totals[each.source] = FileContent(
            each.source,
            before.conversations + each.conversations,
            before.found + each.found,
        )
    return list(totals.values())
