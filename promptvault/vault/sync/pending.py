"""Whether there is anything to send: asked by every command that writes.

It is a module of its own so that those commands import nothing else of sync.
"""

import sqlite3


def has_changes(connection: sqlite3.Connection) -> bool:
    """Return True if a prompt has changed since the last sync; reads one row."""
    return _has_row(connection, "sync_changes")


def is_ahead(connection: sqlite3.Connection) -> bool:
    """Return True if a change or a resolved conflict is not sent yet."""
    return has_changes(connection) or _has_row(connection, "sync_resolves")


def _has_row(connection: sqlite3.Connection, table: str) -> bool:
    row = connection.execute(f"SELECT 1 FROM {table} LIMIT 1").fetchone()
    return row is not None
