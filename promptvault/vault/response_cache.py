"""Answers of models, kept to be given again: a file that may be deleted any time."""

import contextlib
import json
import sqlite3
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from promptvault.domain.chat import Usage
from promptvault.domain.timestamp import to_text

MAX_BYTES = 256 * 1024 * 1024
"""Of answers; from there on those not used for longest go."""

_SCHEMA = """CREATE TABLE IF NOT EXISTS responses (
    key VARCHAR NOT NULL PRIMARY KEY,
    model VARCHAR NOT NULL,
    answer JSON NOT NULL,
    created_at VARCHAR NOT NULL,
    used_at VARCHAR NOT NULL,
    uses INTEGER NOT NULL
) WITHOUT ROWID"""
_FAILURES = (sqlite3.Error, OSError, ValueError, TypeError, KeyError)


class Cached(NamedTuple):
    """An answer as the cache keeps it."""

    text: str
    usage: Usage
    cost: float | None
    seconds: float
    is_cut: bool = False


class CacheStatistics(NamedTuple):
    """What the cache holds."""

    answers: int
    size: int
    """Bytes of the file."""
    uses: int
    """How often an answer was given again."""
    saved: float
    """US dollars that this spared, as far as prices were known."""


class ResponseCache:
    """The cache. Where its file cannot be used, it is as if it were empty."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def find(self, key: str, now: datetime) -> Cached | None:
        """Return the answer kept under *key*, None without one."""
        with contextlib.suppress(*_FAILURES), self._open() as connection:
            row = connection.execute(_FIND, (to_text(now), key)).fetchone()
            if row is not None:
                values = json.loads(row[0])
                return Cached(**values | {"usage": Usage(*values["usage"])})
        return None

    def keep(self, key: str, model: str, answer: Cached, now: datetime) -> None:
        """Keep *answer* under *key*."""
        time = to_text(now)
        row = (key, model, json.dumps(answer._asdict()), time, time)
        with contextlib.suppress(*_FAILURES), self._open() as connection:
            connection.execute(_KEEP, row)
            if self._path.stat().st_size > MAX_BYTES:
                connection.execute(_DROP_OLDEST)
                connection.execute("VACUUM")

    def clear(self) -> int:
        """Remove every answer and return how many there were."""
        number = self.statistics().answers
        for path in self._path.parent.glob(f"{self._path.name}*"):
            path.unlink(missing_ok=True)
        return number

    def statistics(self) -> CacheStatistics:
        """Return what the cache holds."""
        if self._path.exists():
            with contextlib.suppress(*_FAILURES), self._open() as connection:
                answers, uses, saved = connection.execute(_STATISTICS).fetchone()
                size = self._path.stat().st_size
                return CacheStatistics(answers, size, uses, saved)
        return CacheStatistics(0, 0, 0, 0.0)

    @contextlib.contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        connection = sqlite3.connect(self._path, timeout=5, isolation_level=None)
        with contextlib.closing(connection):
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = OFF")
            connection.execute(_SCHEMA)
            yield connection


_FIND = "UPDATE responses SET used_at = ?, uses = uses + 1 WHERE key = ?"
_FIND += " RETURNING answer"
_KEEP = "INSERT OR REPLACE INTO responses VALUES (?, ?, ?, ?, ?, 0)"
_DROP_OLDEST = """DELETE FROM responses WHERE key IN (SELECT key FROM responses
    ORDER BY used_at LIMIT (SELECT 1 + count(*) / 4 FROM responses))"""
_STATISTICS = """SELECT count(*), coalesce(sum(uses), 0),
    coalesce(sum(uses * json_extract(answer, '$.cost')), 0.0) FROM responses"""
