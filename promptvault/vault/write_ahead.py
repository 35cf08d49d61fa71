"""Turning SQLite's write-ahead log on, which other processes may do at that moment."""

import sqlite3
import time

_PAUSE_SECONDS = 0.01


def write_ahead(connection: sqlite3.Connection, patience: float) -> None:
    """Turn the log on, within *patience* seconds; raises sqlite3.OperationalError."""
    deadline = time.monotonic() + patience
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            # Here alone SQLite does not wait by itself.
            is_busy = error.sqlite_errorname.startswith("SQLITE_BUSY")
            if not is_busy or time.monotonic() > deadline:
                raise
            time.sleep(_PAUSE_SECONDS)
