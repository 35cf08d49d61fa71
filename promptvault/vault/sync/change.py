"""Whether there is anything to send, which every command that writes asks."""

import sqlite3


def has_changes(connection: sqlite3.Connection) -> bool:
    """Tell whether anything changed since the last sync; a look at one row."""
    row = connection.execute("SELECT 1 FROM sync_changes LIMIT 1").fetchone()
    return row is not None
