"""SQLite databases of other programs, read without locks or writes."""

import contextlib
import json
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator, Mapping
from itertools import count
from pathlib import Path

from promptvault.errors import ImportSourceError
from promptvault.importers.input.document import Document
from promptvault.importers.input.json_stream import JsonValue

_JOURNAL = "-journal"
_LOGS = ("-wal", _JOURNAL)
_CACHE_KIB = 8 << 10
_ATTEMPTS = 5
# Not views, which may be endless queries, nor tables with generated columns, which may
# be of any size. SQLite itself writes these first words.
_TABLES = """SELECT m.name, x.name FROM sqlite_master m, pragma_table_xinfo(m.name) x
    WHERE m.sql LIKE 'CREATE TABLE %'
    AND NOT EXISTS (SELECT 1 FROM pragma_table_xinfo(m.name) WHERE hidden > 1)"""
_LARGEST_VALUE = 1 << 26
_STEPS = 1_000_000
_STEPS_A_BYTE = 20
_STRIDE = 10_000
_LARGEST_PAGE = 1 << 16
_DECODER = json.JSONDecoder(strict=False)  # to make one takes as long as to use it
# An error message may quote damaged bytes, which sqlite3 then cannot decode.
_DAMAGE = (sqlite3.Error, UnicodeDecodeError)


Tables = Mapping[str, frozenset[str]]
"""The names of the tables in a database, each with those of its columns."""


def table_names(document: Document) -> frozenset[str]:
    """Return the names of the tables in *document*; none if it is no database."""
    return frozenset(tables_in(document))


def tables_in(document: Document) -> Tables:
    """Return the tables in *document*; none if it is no database."""
    if not document.is_database:
        return {}
    if found := _tables_in_head(document.head):
        return found
    try:
        with open_database(document) as connection:
            return _tables(connection)
    except ImportSourceError:
        return {}


def parse_json(value: object) -> JsonValue:
    """Return the JSON in the text or the bytes of a column.

    Raises ValueError with a message that quotes no text.
    """
    if isinstance(value, bytes):
        value = _decode(value)
    if not isinstance(value, str):
        raise ValueError("it is neither text nor bytes")
    try:
        found: JsonValue = _DECODER.decode(value)
    except json.JSONDecodeError as error:
        raise ValueError(error.msg) from error
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    return found


@contextlib.contextmanager
def open_database(document: Document) -> Iterator[sqlite3.Connection]:
    """Open the database in *document* for reading.

    Bytes that are not UTF-8 become U+FFFD. The file is opened as immutable, which takes
    no lock and writes nothing next to it. That ignores a write-ahead log, so a database
    with one is copied with its log to a temporary folder. Raises ImportSourceError,
    also if a query in the block fails, and at the end of the block if the file was
    written meanwhile.
    """
    with contextlib.ExitStack() as stack:
        try:
            path = _resolved(document)
            before = _state(path) if path else ()
            uri = _uri(document, path, stack)
            connection = sqlite3.connect(uri, uri=True)
            stack.callback(connection.close)
            connection.text_factory = _decode
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
    """Interrupt a query that a database of *size* bytes cannot need.

    A page of a hostile database may be listed a thousand times.
    """
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LARGEST_VALUE)
    most = (_STEPS + _STEPS_A_BYTE * size) // _STRIDE
    strides = count()
    connection.set_progress_handler(lambda: next(strides) > most, _STRIDE)


def _decode(data: bytes) -> str:
    return data.decode(errors="replace")


def _tables(connection: sqlite3.Connection) -> Tables:
    columns: dict[str, set[str]] = {}
    for table, column in connection.execute(_TABLES):
        columns.setdefault(str(table), set()).add(str(column))
    return {table: frozenset(names) for table, names in columns.items()}


def _tables_in_head(head: bytes) -> Tables:
    """Return the tables found in the first pages, as a probe must not copy a database.

    Return none if the schema continues in other pages.
    """
    page = int.from_bytes(head[16:18], "big")
    page = _LARGEST_PAGE if page == 1 else page
    count = len(head) // page if page else 0
    if not count:
        return {}
    pages = bytearray(head[: count * page])
    pages[18:20] = b"\1\1"  # no write-ahead log, which a database in memory cannot have
    pages[28:32] = count.to_bytes(4, "big")
    with contextlib.closing(sqlite3.connect(":memory:")) as connection:
        connection.text_factory = _decode
        try:
            connection.deserialize(bytes(pages))
            return _tables(connection)
        except (*_DAMAGE, AttributeError):  # not every build of SQLite has deserialize
            return {}


def _resolved(document: Document) -> Path | None:
    """Return the path of the database itself: its log is next to that, not to a
    link."""
    return document.path.resolve() if document.path else None


def _uri(document: Document, path: Path | None, stack: contextlib.ExitStack) -> str:
    """Return the URI of the database, or of a copy of it."""
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
    """Copy a database and then its log, both from the same moment.

    Additions to the log meanwhile do no harm; a change of the database does.
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
    """Return a value that changes if the database is written, or is about to be."""
    return tuple(map(_size_and_time, (str(path), f"{path}{_JOURNAL}")))


def _size_and_time(name: str) -> tuple[int, int] | None:
    try:
        status = os.stat(name)
    except FileNotFoundError:
        return None
    return status.st_size, status.st_mtime_ns
