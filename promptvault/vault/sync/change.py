"""Whether there is anything to send, which every command that writes asks."""

import sqlite3


def has_changes(connection: sqlite3.Connection) -> bool:
    """Tell whether any prompt has changed since the last sync; a look at one row."""
    return _has_row(connection, "sync_changes")


def is_ahead(connection: sqlite3.Connection) -> bool:
    """Tell whether the server is to hear of something: changes, settled conflicts."""
    return has_changes(connection) or _has_row(connection, "sync_resolves")


def _has_row(connection: sqlite3.Connection, table: str) -> bool:
    row = connection.execute(f"SELECT 1 FROM {table} LIMIT 1").fetchone()
    return row is not None
