"""SQLite databases of other programs, read without a lock, a write or a trace."""

import contextlib
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path

from promptvault.errors import ImportSourceError
from promptvault.importers.input.document import Document

_JOURNAL = "-journal"
_LOGS = ("-wal", _JOURNAL)
_CACHE_KIB = 8 << 10
_ATTEMPTS = 5
# Not views, which may be queries without end, nor tables with columns that are
# calculated, to any length. SQLite writes the first words so.
_TABLES = """SELECT name FROM sqlite_master m WHERE sql LIKE 'CREATE TABLE %'
    AND NOT EXISTS (SELECT 1 FROM pragma_table_xinfo(m.name) WHERE hidden > 1)"""
_LARGEST_VALUE = 1 << 26
_STEPS = 1_000_000
_STEPS_A_BYTE = 20
_STRIDE = 10_000
_LARGEST_PAGE = 1 << 16
# A message about damage may quote damaged bytes, which sqlite3 then fails to decode.
_DAMAGE = (sqlite3.Error, UnicodeDecodeError)


def tables(document: Document) -> frozenset[str]:
    """Return the names of the tables in *document*; none where it is no database."""
    if not document.is_database:
        return frozenset()
    if names := _names_in(document.head):
        return names
    try:
        with opened(document) as connection:
            return _names(connection)
    except ImportSourceError:
        return frozenset()


@contextlib.contextmanager
def opened(document: Document) -> Iterator[sqlite3.Connection]:
    """Open the database in *document* for reading; text that is no UTF-8 is bent.

    The file is opened as one that nobody changes, which takes no lock and leaves
    nothing beside it. What a log beside it still holds would then be missed: so with
    one, both are copied to a temporary folder and read there. Raises
    ImportSourceError, also when a query in the block fails, and at the end of the
    block when the file was written meanwhile.
    """
    with contextlib.ExitStack() as stack:
        try:
            path = _resolved(document)
            before = _state(path) if path else ()
            uri = _place(document, path, stack)
            connection = sqlite3.connect(uri, uri=True)
            stack.callback(connection.close)
            connection.text_factory = _bent
            connection.execute("PRAGMA trusted_schema = OFF")
            connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
            _limit(connection, document.size + sum(map(_size, _beside(path))))
            yield connection
        except (*_DAMAGE, OSError) as error:
            raise ImportSourceError(
                f"the database cannot be read: {error}; "
                "close the program that it belongs to and try again"
            ) from error
        if path and uri.endswith("immutable=1") and _state(path) != before:
            raise ImportSourceError(
                "the database was written while it was read, so some may be missing; "
                "close the program that it belongs to and try again"
            )


def _limit(connection: sqlite3.Connection, size: int) -> None:
    """End what a database of *size* bytes cannot need: a page of a hostile one may be
    listed in itself a thousand times."""
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LARGEST_VALUE)
    most = (_STEPS + _STEPS_A_BYTE * size) // _STRIDE
    strides = count()
    connection.set_progress_handler(lambda: next(strides) > most, _STRIDE)


def _bent(data: bytes) -> str:
    return data.decode(errors="replace")


def _names(connection: sqlite3.Connection) -> frozenset[str]:
    return frozenset(str(row[0]) for row in connection.execute(_TABLES))


def _names_in(head: bytes) -> frozenset[str]:
    """Read the tables from the first pages alone, as a probe must not copy a database.

    Returns none where the list of them goes on in pages that are not among these.
    """
    page = int.from_bytes(head[16:18], "big")
    page = _LARGEST_PAGE if page == 1 else page
    count = len(head) // page if page else 0
    if not count:
        return frozenset()
    pages = bytearray(head[: count * page])
    pages[18:20] = b"\1\1"  # no log: it could not be opened in memory with one
    pages[28:32] = count.to_bytes(4, "big")
    with contextlib.closing(sqlite3.connect(":memory:")) as connection:
        connection.text_factory = _bent
        try:
            connection.deserialize(bytes(pages))
            return _names(connection)
        except (*_DAMAGE, AttributeError):  # not every build of SQLite can do it
            return frozenset()


def _resolved(document: Document) -> Path | None:
    """Return where the database itself lies: beside that, not a link, is its log."""
    return document.path.resolve() if document.path else None


def _place(document: Document, path: Path | None, stack: contextlib.ExitStack) -> str:
    """Return the URI by which the database, or a copy of it, can be opened."""
    if path and not any(map(_size, _beside(path))):
        return f"{path.as_uri()}?mode=ro&immutable=1"
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    copy = folder / "copy.db"
    if path:
        _copy_with_log(path, copy)
    else:
        with document.open() as stream, copy.open("wb") as out:
            shutil.copyfileobj(stream, out, 1 << 20)
    return f"{copy.absolute().as_uri()}?mode=rw"


def _beside(path: Path | None) -> list[str]:
    return [f"{path}{log}" for log in _LOGS] if path else []


def _size(name: str) -> int:
    try:
        return os.stat(name).st_size
    except FileNotFoundError:
        return 0


def _copy_with_log(path: Path, copy: Path) -> None:
    """Copy a database, then its log, as they were at one moment.

    What is added to a log meanwhile does no harm; a change of the database does.
    """
    for _ in range(_ATTEMPTS):
        before = _state(path)
        shutil.copyfile(path, copy)
        for log in _LOGS:
            target = Path(f"{copy}{log}")
            target.unlink(missing_ok=True)
            with contextlib.suppress(FileNotFoundError):
                shutil.copyfile(f"{path}{log}", target)
        if _state(path) == before:
            return
    raise OSError("it is being written all the time")


def _state(path: Path) -> tuple[tuple[int, int] | None, ...]:
    """Return what changes when the database itself is written, or is about to be."""
    return tuple(map(_size_and_time, (str(path), f"{path}{_JOURNAL}")))


def _size_and_time(name: str) -> tuple[int, int] | None:
    try:
        status = os.stat(name)
    except FileNotFoundError:
        return None
    return status.st_size, status.st_mtime_ns
