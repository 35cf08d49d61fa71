"""The search index filled by one statement, where many prompts are added at once."""

import sqlite3

_TRIGGER = "SELECT sql FROM sqlite_master WHERE name = 'search_insert'"
_LAST = "SELECT coalesce(max(pk), 0) FROM prompts"
_INDEX = """INSERT INTO search (rowid, name, title, description, tags, body)
    SELECT * FROM documents WHERE pk > ?"""


class LaterIndex:
    """Keeps prompts that are added out of the search index until the end.

    One statement fills the index ten times as quickly as a trigger for every row.
    Dropping the trigger is part of the transaction under way, like all the rest.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        (self._trigger,) = connection.execute(_TRIGGER).fetchone()
        connection.execute("DROP TRIGGER search_insert")
        self.last_pk = self._last()
        """The last prompt that the index has."""

    def _last(self) -> int:
        return int(self._connection.execute(_LAST).fetchone()[0])

    def catch_up(self) -> None:
        """Bring the index up to the prompts added so far."""
        self._connection.execute(_INDEX, (self.last_pk,))
        self.last_pk = self._last()

    def finish(self) -> None:
        """Bring the index up to date, and let it follow every row again."""
        self.catch_up()
        self._connection.execute(self._trigger)
