"""The activity database: runs, optimizations, evaluations, and the cost of requests.

It is separate from the vault's database, so that commands that only read prompts can
write it while an import holds the vault. It refers to prompts and versions by id, so it
stays valid if the vault is rebuilt from its history.
"""

import contextlib
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

from promptvault.errors import VaultError

_BUSY_TIMEOUT_SECONDS = 30.0

_STEPS = (
    (
        # The cost of each request; if not `settled`, the maximum that is reserved.
        """CREATE TABLE requests (
            pk INTEGER NOT NULL PRIMARY KEY,
            month VARCHAR NOT NULL,
            created_at VARCHAR NOT NULL,
            command VARCHAR NOT NULL,
            endpoint VARCHAR NOT NULL,
            model VARCHAR NOT NULL,
            input_tokens INTEGER NOT NULL,
            output_tokens INTEGER NOT NULL,
            cost REAL NOT NULL,
            settled BOOLEAN NOT NULL
        )""",
        "CREATE INDEX requests_month ON requests (month, cost)",
        """CREATE TABLE runs (
            pk INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
            prompt_id VARCHAR NOT NULL,
            version_id VARCHAR NOT NULL,
            version INTEGER NOT NULL,
            system_version_id VARCHAR,
            created_at VARCHAR NOT NULL,
            status VARCHAR NOT NULL,
            error VARCHAR,
            model VARCHAR NOT NULL,
            endpoint VARCHAR NOT NULL,
            cached BOOLEAN NOT NULL,
            is_cut BOOLEAN NOT NULL,
            input_tokens INTEGER NOT NULL,
            output_tokens INTEGER NOT NULL,
            tokens_estimated BOOLEAN NOT NULL,
            cost REAL,
            seconds REAL NOT NULL,
            first_seconds REAL,
            output VARCHAR NOT NULL
        )""",
        "CREATE INDEX runs_prompt ON runs (prompt_id)",
        """CREATE TABLE optimizations (
            pk INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
            prompt_id VARCHAR NOT NULL,
            version_id VARCHAR NOT NULL,
            version INTEGER NOT NULL,
            new_version_id VARCHAR,
            new_version INTEGER,
            created_at VARCHAR NOT NULL,
            model VARCHAR NOT NULL,
            judge VARCHAR NOT NULL,
            goal VARCHAR NOT NULL,
            before_points REAL NOT NULL,
            after_points REAL,
            scores JSON NOT NULL,
            candidates JSON NOT NULL,
            requests INTEGER NOT NULL,
            cached INTEGER NOT NULL,
            input_tokens INTEGER NOT NULL,
            output_tokens INTEGER NOT NULL,
            cost REAL,
            seconds REAL NOT NULL
        )""",
        "CREATE INDEX optimizations_prompt ON optimizations (prompt_id)",
        """CREATE TABLE evaluations (
            pk INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
            prompt_id VARCHAR NOT NULL,
            version_id VARCHAR NOT NULL,
            version INTEGER NOT NULL,
            against_version INTEGER,
            system_version_id VARCHAR,
            created_at VARCHAR NOT NULL,
            model VARCHAR NOT NULL,
            judge VARCHAR NOT NULL,
            cases_digest VARCHAR NOT NULL,
            passed BOOLEAN NOT NULL,
            results JSON NOT NULL,
            requests INTEGER NOT NULL,
            cached INTEGER NOT NULL,
            input_tokens INTEGER NOT NULL,
            output_tokens INTEGER NOT NULL,
            cost REAL,
            seconds REAL NOT NULL
        )""",
        "CREATE INDEX evaluations_prompt ON evaluations (prompt_id)",
    ),
    (
        "ALTER TABLE optimizations ADD COLUMN cases JSON NOT NULL DEFAULT 'null'",
        "ALTER TABLE optimizations ADD COLUMN doubt VARCHAR NOT NULL DEFAULT ''",
    ),
)


@contextlib.contextmanager
def open_activity(path: Path) -> Iterator[sqlite3.Connection]:
    """Open the database in autocommit mode, created if needed; raises VaultError."""
    with _translated(path):
        _make_folder(path.parent)
        with contextlib.closing(_connect(path.absolute().as_uri())) as connection:
            _prepare(connection)
            yield connection


@contextlib.contextmanager
def open_activity_to_read(path: Path) -> Iterator[sqlite3.Connection]:
    """Open the database for reading, also on a read-only disk.

    Raises VaultError.
    """
    with _translated(path), contextlib.closing(_connect_to_read(path)) as connection:
        yield connection


def _connect_to_read(path: Path) -> sqlite3.Connection:
    place = path.absolute().as_uri()
    connection = _connect(place)
    try:
        _prepare(connection)
        return connection
    except sqlite3.OperationalError as error:
        connection.close()
        # A WAL database needs its shared memory, which cannot be created here. The file
        # alone is complete if the log is empty, and immutable on a read-only disk.
        log = path.with_name(f"{path.name}-wal")
        if not _is_unwritable(error) or (log.exists() and log.stat().st_size):
            raise
    return _connect(f"{place}?mode=ro&immutable=1")


def _connect(place: str) -> sqlite3.Connection:
    return sqlite3.connect(
        place, timeout=_BUSY_TIMEOUT_SECONDS, isolation_level=None, uri=True
    )


def _is_unwritable(error: sqlite3.Error) -> bool:
    return error.sqlite_errorname.startswith(_UNWRITABLE)


@contextlib.contextmanager
def immediate(connection: sqlite3.Connection) -> Iterator[None]:
    """Run the block as one transaction that holds the write lock from its start."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # a full disk ends it
            connection.execute("ROLLBACK")
        raise


@contextlib.contextmanager
def _translated(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        name = getattr(error, "sqlite_errorname", "") or ""
        reason = next((r for code, r in _REASONS.items() if name.startswith(code)), "")
        message = f"The activity database {path} cannot be used"
        raise VaultError(f"{message}{reason}.") from error


_UNWRITABLE = ("SQLITE_FULL", "SQLITE_IOERR", "SQLITE_READONLY", "SQLITE_CANTOPEN")
_DAMAGED = ": it is damaged; 'promptvault doctor --repair' replaces it"
_REASONS = {
    "SQLITE_BUSY": ": another program has locked it; try again",
    "SQLITE_FULL": ": the disk is full",
    "SQLITE_IOERR": ": the disk cannot be written (it is full, or failing)",
    "SQLITE_READONLY": ": check its permissions",
    "SQLITE_PERM": ": check its permissions",
    "SQLITE_CANTOPEN": ": check the permissions of its folder",
    "SQLITE_CORRUPT": _DAMAGED,
    "SQLITE_NOTADB": _DAMAGED,
}


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise VaultError(f"{folder} cannot be created: {error.strerror}.") from error


def _prepare(connection: sqlite3.Connection) -> None:
    version = _version(connection)
    if version < len(_STEPS):
        enable_write_ahead_log(connection, _BUSY_TIMEOUT_SECONDS)
        with immediate(connection):
            for step in _STEPS[_version(connection) :]:
                for statement in step:
                    connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {len(_STEPS)}")
    elif version > len(_STEPS):
        raise VaultError(
            "The activity database is from a newer PromptVault; update the program."
        )
    # A power failure may lose the last rows, but does not damage the file.
    connection.execute("PRAGMA synchronous = NORMAL")


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


_PAUSE_SECONDS = 0.01


def enable_write_ahead_log(connection: sqlite3.Connection, patience: float) -> None:
    """Switch to WAL mode within *patience* seconds; raises sqlite3.OperationalError."""
    deadline = time.monotonic() + patience
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            # For this statement SQLite ignores its busy timeout.
            is_busy = error.sqlite_errorname.startswith("SQLITE_BUSY")
            if not is_busy or time.monotonic() > deadline:
                raise
            time.sleep(_PAUSE_SECONDS)
