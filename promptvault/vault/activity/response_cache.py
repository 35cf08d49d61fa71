"""The response cache: a SQLite file that may be deleted at any time."""

import contextlib
import json
import sqlite3
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from promptvault.domain.chat import Usage
from promptvault.domain.timestamp import to_text
from promptvault.errors import VaultError
from promptvault.vault.activity.database import enable_write_ahead_log

MAX_BYTES = 256 * 1024 * 1024
"""Size limit of the answers; above it, the least recently used are deleted."""
_BUSY_TIMEOUT_SECONDS = 5.0

_SCHEMA = """CREATE TABLE IF NOT EXISTS responses (
    key VARCHAR NOT NULL PRIMARY KEY,
    model VARCHAR NOT NULL,
    answer JSON NOT NULL,
    created_at VARCHAR NOT NULL,
    used_at VARCHAR NOT NULL,
    uses INTEGER NOT NULL
) WITHOUT ROWID"""
_FAILURES = (sqlite3.Error, OSError, ValueError, TypeError, KeyError)
_DAMAGES = ("SQLITE_CORRUPT", "SQLITE_NOTADB")


class CachedAnswer(NamedTuple):
    """An answer as it is cached."""

    text: str
    usage: Usage
    cost: float | None
    seconds: float
    is_cut: bool = False


class CacheStatistics(NamedTuple):
    """The contents of the cache in numbers."""

    answers: int
    size: int
    """Size of the file in bytes."""
    uses: int
    """How often a cached answer was used."""
    saved: float
    """US dollars that the uses saved, as far as prices are known."""


class ResponseCache:
    """The cache. If its file cannot be used, it behaves like an empty cache."""

    def __init__(
        self,
        path: Path,
        max_bytes: int = MAX_BYTES,
        patience: float = _BUSY_TIMEOUT_SECONDS,
    ) -> None:
        self._path = path
        self._max_bytes = max_bytes
        self._patience = patience

    def find(self, key: str, now: datetime) -> CachedAnswer | None:
        """Return the answer with this *key*, None if there is none."""
        if not self._path.exists():
            return None
        with contextlib.suppress(*_FAILURES), self._open() as connection:
            row = connection.execute(_FIND, (to_text(now), key)).fetchone()
            if row is not None:
                values = json.loads(row[0])
                return CachedAnswer(**values | {"usage": Usage(*values["usage"])})
        return None

    def add(self, key: str, model: str, answer: CachedAnswer, now: datetime) -> None:
        """Store *answer* under *key*."""
        time = to_text(now)
        row = (key, model, json.dumps(answer._asdict()), time, time)
        with contextlib.suppress(*_FAILURES), self._open() as connection:
            connection.execute(_ADD, row)
            # SQLite reuses the freed pages, so the file does not grow further.
            if connection.execute(_USED_BYTES).fetchone()[0] > self._max_bytes:
                connection.execute(_DROP_OLDEST)

    def clear(self) -> int:
        """Delete all answers and return their number; raises VaultError."""
        if not self._path.exists():
            return 0
        try:
            with self._open() as connection:
                number = connection.execute("DELETE FROM responses").rowcount
                connection.execute("VACUUM")
                return number
        except (sqlite3.Error, OSError) as error:
            message = f"The cached answers in {self._path} cannot be deleted"
            raise VaultError(f"{message} ({type(error).__name__}).") from error

    def statistics(self) -> CacheStatistics:
        """Return the contents of the cache in numbers."""
        if self._path.exists():
            with contextlib.suppress(*_FAILURES), self._open() as connection:
                answers, uses, saved = connection.execute(_STATISTICS).fetchone()
                size = self._path.stat().st_size
                return CacheStatistics(answers, size, uses, saved)
        return CacheStatistics(0, 0, 0, 0.0)

    @contextlib.contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            with contextlib.closing(self._connect()) as connection:
                yield connection
        except sqlite3.DatabaseError as error:
            if getattr(error, "sqlite_errorname", "").startswith(_DAMAGES):
                self._remove()
            raise

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._path, timeout=self._patience, isolation_level=None
        )
        try:
            enable_write_ahead_log(connection, self._patience)
            connection.execute("PRAGMA synchronous = OFF")
            connection.execute(_SCHEMA)
        except BaseException:
            connection.close()
            raise
        return connection

    def _remove(self) -> None:
        for ending in ("-wal", "-shm", ""):  # a WAL file must not outlive its database
            self._path.with_name(self._path.name + ending).unlink(missing_ok=True)


_FIND = "UPDATE responses SET used_at = ?, uses = uses + 1 WHERE key = ?"
_FIND += " RETURNING answer"
_ADD = "INSERT OR REPLACE INTO responses VALUES (?, ?, ?, ?, ?, 0)"
_USED_BYTES = """SELECT (page_count - freelist_count) * page_size
    FROM pragma_page_count, pragma_freelist_count, pragma_page_size"""
_DROP_OLDEST = """DELETE FROM responses WHERE key IN (SELECT key FROM responses
    ORDER BY used_at LIMIT (SELECT 1 + count(*) / 4 FROM responses))"""
_STATISTICS = """SELECT count(*), coalesce(sum(uses), 0),
    coalesce(sum(uses * json_extract(answer, '$.cost')), 0.0) FROM responses"""
