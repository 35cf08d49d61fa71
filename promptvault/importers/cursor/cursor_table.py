"""Key-value tables of Cursor's databases: single values, and ranges of keys.

Ranges are walked by key alone, which reads the index and not the values: most of
these are large answers that nobody needs here.
"""

import sqlite3
from collections.abc import Iterator


class Table:
    """One table of a connection that returns text as bytes.

    Every method raises sqlite3.Error where the database is damaged.
    """

    def __init__(self, connection: sqlite3.Connection, name: str) -> None:
        self._connection = connection
        self._value = f"SELECT value FROM {name} WHERE key = ?"
        self._range = f"SELECT key FROM {name} WHERE key >= ? AND key < ?"

    def value(self, key: str) -> object:
        """Return the value under *key*, text as bytes; None where there is none."""
        row = self._connection.execute(self._value, (key,)).fetchone()
        return row[0] if row else None

    def below(self, path: str, *, by_age: bool = False) -> Iterator[str]:
        """Yield what follows "path:" in each key that begins so, perhaps by age."""
        sql = f"{self._range} ORDER BY {'rowid' if by_age else 'key'}"
        start = len(path) + 1
        for (key,) in self._connection.execute(sql, (f"{path}:", f"{path};")):
            yield _decoded(key)[start:]

    def parts(self, path: str) -> Iterator[str]:
        """Yield each different part that follows "path:" in a key, up to a colon."""
        sql = f"{self._range} ORDER BY key LIMIT 1"
        position, end = f"{path}:", f"{path};"
        while row := self._connection.execute(sql, (position, end)).fetchone():
            part = _decoded(row[0])[len(path) + 1 :].partition(":")[0]
            yield part
            following = f"{path}:{part};"
            if following.encode() <= position.encode():
                return  # a key that is no text
            position = following


def _decoded(key: object) -> str:
    return key.decode(errors="replace") if isinstance(key, bytes) else ""
