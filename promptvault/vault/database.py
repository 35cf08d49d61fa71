"""Opening the vault's SQLite files, and SQLite's errors in the vault's own words."""

import contextlib
import os
import sqlite3
import time
from collections.abc import Iterator

from promptvault.errors import VaultError
from promptvault.vault.migrations import LATEST, migrate, version_of

StrPath = str | os.PathLike[str]

BUSY_TIMEOUT_SECONDS = 60.0
_PAUSE_SECONDS = 0.01

_CACHE_KIB = 24 * 1024
"""Less makes a large import write pages twice; more counts against its memory."""

_USAGE_TABLE = """CREATE TABLE IF NOT EXISTS usage.uses (
    prompt_id VARCHAR NOT NULL PRIMARY KEY,
    uses INTEGER NOT NULL,
    used_at VARCHAR NOT NULL
) WITHOUT ROWID"""


def is_lost(database: StrPath) -> bool:
    """Return True if the database file is missing or empty."""
    return not _exists(database) or not os.path.getsize(database)


def refuse_lost(database: StrPath, history: StrPath) -> None:
    """Raise VaultError if the vault has a history but no database.

    With an empty vault in its place, every prompt would seem to be deleted.
    """
    with translated_errors():
        lost = is_lost(database) and _exists(history)
    if lost:
        raise VaultError(
            f"The vault's database is not there ({os.fspath(database)}), but its"
            " history is."
            " 'promptvault doctor --repair' rebuilds it."
        )


def open_writable(database: StrPath) -> sqlite3.Connection:
    """Open the vault for writing, created or migrated if need be, in autocommit mode.

    Write-ahead logging lets readers go on while one process writes; FULL makes a
    commit survive a power cut. Raises VaultError.
    """
    with translated_errors():
        _make_folder(database)
        connection = sqlite3.connect(
            database,
            timeout=BUSY_TIMEOUT_SECONDS,
            isolation_level=None,
            check_same_thread=False,
        )
        try:
            # Set for a new file only: a page that holds a whole prompt makes a large
            # import a tenth quicker.
            connection.execute("PRAGMA page_size = 16384")
            version_of(connection)  # a newer vault is refused before it is touched
            _log_ahead(connection)
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
            migrate(connection)
            connection.execute("PRAGMA foreign_keys = ON")
            # With triggers, SQLite keeps the pages that each statement changes until
            # it ends: on disk, an insert of a prompt would write each page once more.
            connection.execute("PRAGMA temp_store = MEMORY")
            _attach_no_usage(connection)
        except BaseException:
            connection.close()
            raise
        return connection


def _log_ahead(connection: sqlite3.Connection) -> None:
    """Turn on write-ahead logging, which stays on for the file.

    SQLite does not wait for other processes that make the same change: this does. A
    file system without shared memory keeps the journal that SQLite chooses for it.
    """
    end = time.monotonic() + BUSY_TIMEOUT_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            is_busy = error.sqlite_errorname.startswith("SQLITE_BUSY")
            if not is_busy or time.monotonic() > end:
                raise
            time.sleep(_PAUSE_SECONDS)
        else:
            return


@contextlib.contextmanager
def connected(database: StrPath) -> Iterator[sqlite3.Connection]:
    """Open the vault for writing, and close it; raises VaultError."""
    connection = open_writable(database)
    with contextlib.closing(connection):
        yield connection


@contextlib.contextmanager
def bulk_transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Run the block as one transaction; raises VaultError, nothing is saved then."""
    with translated_errors():
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise


def open_read_only(database: StrPath, usage: StrPath) -> sqlite3.Connection:
    """Open the vault for reading, with the usage counts attached as ``usage``.

    A vault that is not there yet reads as an empty one; one of an older schema is
    migrated first. Raises VaultError.
    """
    with translated_errors():
        connection = connect_read_only(database)
        _attach_usage(connection, usage)
        return connection


def connect_read_only(database: StrPath) -> sqlite3.Connection:
    if not _exists(database):
        connection = sqlite3.connect(":memory:", isolation_level=None, uri=True)
        migrate(connection)
        return connection
    connection = _connect_uri(database, "mode=ro")
    try:
        current = version_of(connection)
    except sqlite3.OperationalError:
        # In a folder that cannot be written, WAL's shared memory cannot be made. No
        # other process can write there either, so the file may be read directly.
        connection.close()
        log = f"{os.fspath(database)}-wal"
        if _exists(log) and os.path.getsize(log):
            raise  # the last saves lie in it, and immutable would not see them
        connection = _connect_uri(database, "mode=ro&immutable=1")
        current = version_of(connection)
    if current < LATEST:
        connection.close()
        open_writable(database).close()
        connection = _connect_uri(database, "mode=ro")
    return connection


def _connect_uri(database: StrPath, options: str) -> sqlite3.Connection:
    return sqlite3.connect(
        f"{_uri(database)}?{options}",
        uri=True,
        timeout=BUSY_TIMEOUT_SECONDS,
        isolation_level=None,
    )


def _uri(path: StrPath) -> str:
    whole = os.fsencode(path)
    if not os.path.isabs(whole):  # the working directory may have been removed
        whole = os.path.join(os.getcwdb(), whole)
    escaped = (chr(byte) if byte in _PLAIN else f"%{byte:02X}" for byte in whole)
    return f"file:{''.join(escaped)}"


_PLAIN = frozenset(
    b"/-_.ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
)
"""Bytes that mean themselves in a URI."""


def _attach_usage(connection: sqlite3.Connection, usage: StrPath) -> None:
    if os.path.exists(usage):
        try:
            connection.execute("ATTACH ? AS usage", (_uri(usage),))
            connection.execute("SELECT 1 FROM usage.uses LIMIT 1").fetchone()
        except sqlite3.Error:  # counts are not worth an error: read as unused
            with contextlib.suppress(sqlite3.Error):
                connection.execute("DETACH usage")
        else:
            return
    _attach_no_usage(connection)


def _attach_no_usage(connection: sqlite3.Connection) -> None:
    # The reader's queries join the counts. A writer must not hold the real file: its
    # transaction would lock that too, and every `get` would lose its count.
    connection.execute("ATTACH ':memory:' AS usage")
    connection.execute(_USAGE_TABLE)


def open_usage(usage: StrPath) -> sqlite3.Connection:
    """Open the usage counts for writing; a damaged file is replaced by an empty one.

    They are statistics of this machine: nothing waits for the disk, and a caller
    that cannot write them goes on without. Raises sqlite3.Error or OSError.
    """
    _make_folder(usage)
    try:
        return _connect_usage(usage)
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorname not in {"SQLITE_NOTADB", "SQLITE_CORRUPT"}:
            raise
        os.unlink(usage)
        return _connect_usage(usage)


def _connect_usage(usage: StrPath) -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:", timeout=0.2, isolation_level=None)
    connection.execute("ATTACH ? AS usage", (os.fspath(usage),))
    connection.execute("PRAGMA usage.synchronous = OFF")
    connection.execute("PRAGMA usage.journal_mode = MEMORY")
    connection.execute(_USAGE_TABLE)
    return connection


def _make_folder(file: StrPath) -> None:
    """Make the folder of *file*, if it is missing."""
    folder = os.path.dirname(file)
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
    except OSError as error:
        raise VaultError(
            f"The folder {folder} cannot be made: {error.strerror}."
        ) from error


def _exists(path: StrPath) -> bool:
    """Return True if *path* exists; raises OSError if that cannot be seen."""
    try:
        os.stat(path)
    except FileNotFoundError:
        return False
    return True


@contextlib.contextmanager
def translated_errors() -> Iterator[None]:
    """Turn sqlite3's errors into VaultError with a message a person can use."""
    try:
        yield
    except sqlite3.Error as error:
        raise VaultError(_explain(error)) from error
    except PermissionError as error:
        raise VaultError(_EXPLANATIONS["SQLITE_PERM"]) from error
    except NotADirectoryError as error:
        raise no_folder(os.path.dirname(error.filename)) from error


def no_folder(folder: StrPath) -> VaultError:
    """Return the error for a *folder* of the vault that is a file, or is in one."""
    return VaultError(
        f"There can be no vault in {os.fspath(folder)}: it is a file, or a part of"
        " that path is."
    )


_EXPLANATIONS = {
    "SQLITE_BUSY": "Another program holds the vault for too long; try again.",
    "SQLITE_FULL": "The disk is full; nothing of this command was saved.",
    "SQLITE_IOERR": "The disk does not take the write (full, or failing);"
    " nothing of this command was saved.",
    "SQLITE_READONLY": "The vault cannot be written: check its permissions.",
    "SQLITE_PERM": "The vault cannot be opened: check its permissions.",
    "SQLITE_CANTOPEN": "The vault cannot be opened: check its folder's permissions.",
    "SQLITE_CORRUPT": "The vault is damaged; 'promptvault doctor --repair' mends it.",
    "SQLITE_NOTADB": "The vault's file is no database."
    " 'promptvault doctor --repair' rebuilds it from the history.",
    "SQLITE_TOOBIG": "The prompt is too large for the vault.",
}


def _explain(error: sqlite3.Error) -> str:
    name = getattr(error, "sqlite_errorname", "") or ""
    for code, explanation in _EXPLANATIONS.items():
        if name.startswith(code):
            return explanation
    return f"The vault cannot be used ({name or type(error).__name__})."
