"""SQLite databases of other programs, read without a lock, a write or a trace."""

import contextlib
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from promptvault.errors import ImportSourceError
from promptvault.importers.document import Document

_LOGS = ("-wal", "-journal")
_CACHE_KIB = 8 << 10
_ATTEMPTS = 5


def tables(document: Document) -> frozenset[str]:
    """Return the names of the tables in *document*; none where it is no database."""
    if not document.is_database:
        return frozenset()
    try:
        with opened(document) as connection:
            sql = "SELECT name FROM sqlite_master WHERE type IN ('table', 'view')"
            return frozenset(str(row[0]) for row in connection.execute(sql))
    except ImportSourceError:
        return frozenset()


@contextlib.contextmanager
def opened(document: Document) -> Iterator[sqlite3.Connection]:
    """Open the database in *document* for reading; text that is no UTF-8 is bent.

    The file is opened as one that nobody changes, which takes no lock and leaves
    nothing beside it. What a log beside it still holds would then be missed: so with
    one, both are copied to a temporary folder and read there. Raises
    ImportSourceError, also when a query in the block fails.
    """
    with contextlib.ExitStack() as stack:
        path, immutable = _place(document, stack)
        mode = "mode=ro&immutable=1" if immutable else "mode=rw"
        uri = f"file:{quote(str(path.absolute()))}?{mode}"
        try:
            connection = sqlite3.connect(uri, uri=True)
            stack.callback(connection.close)
            connection.text_factory = lambda data: data.decode(errors="replace")
            connection.execute("PRAGMA trusted_schema = OFF")
            connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
            yield connection
        except (sqlite3.Error, OSError) as error:
            raise ImportSourceError(
                f"the database cannot be read: {error}; "
                "close the program that it belongs to and try again"
            ) from error


def _place(document: Document, stack: contextlib.ExitStack) -> tuple[Path, bool]:
    """Return where the database can be opened, and whether nobody changes it."""
    if document.path and not any(map(os.path.exists, _logs(document.path))):
        return document.path, True
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    copy = folder / "copy.db"
    try:
        if document.path:
            _copy_with_log(document.path, copy)
        else:
            with document.open() as stream, copy.open("wb") as out:
                shutil.copyfileobj(stream, out, 1 << 20)
    except OSError as error:
        raise ImportSourceError(f"the database cannot be copied: {error}") from error
    return copy, False


def _logs(path: Path) -> list[str]:
    return [f"{path}{log}" for log in _LOGS]


def _copy_with_log(path: Path, copy: Path) -> None:
    """Copy a database and its log as they were at one moment."""
    for _ in range(_ATTEMPTS):
        before = _state(path)
        shutil.copyfile(path, copy)
        for log in _LOGS:
            with contextlib.suppress(FileNotFoundError):
                shutil.copyfile(f"{path}{log}", f"{copy}{log}")
        if _state(path) == before:
            return
    raise OSError("it is being written all the time")


def _state(path: Path) -> list[tuple[int, int] | None]:
    """Return what changes whenever the database or its log is written."""
    found: list[tuple[int, int] | None] = []
    for name in (str(path), *_logs(path)):
        try:
            status = os.stat(name)
            found.append((status.st_size, status.st_mtime_ns))
        except FileNotFoundError:
            found.append(None)
    return found
