"""Upkeep of what was done with models: its check, its copies, what is forgotten."""

import contextlib
import sqlite3
from collections.abc import Iterable
from pathlib import Path

from promptvault.vault.activity.database import immediate, open_activity


def is_damaged(path: Path) -> bool:
    """Tell whether there is a file that cannot be read as the records."""
    if not path.exists():
        return False
    try:
        with contextlib.closing(sqlite3.connect(path)) as connection:
            found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
            return bool(found != "ok")
    except sqlite3.Error:
        return True


def copy_activity(path: Path, target: Path) -> None:
    """Copy the records as they are now, while others write; raises VaultError."""
    with (
        open_activity(path) as connection,
        contextlib.closing(sqlite3.connect(target)) as copy,
    ):
        connection.backup(copy)
        copy.execute("PRAGMA journal_mode = DELETE")


def keep_costs(path: Path, source: Path) -> None:
    """Put the costs that *source* records in the place of those at *path*.

    What was spent stays spent, whatever else is taken back. Raises VaultError.
    """
    with open_activity(source), open_activity(path) as connection:
        connection.execute("ATTACH ? AS source", (str(source),))
        with immediate(connection):
            connection.execute("DELETE FROM requests")
            connection.execute("INSERT INTO requests SELECT * FROM source.requests")


def delete_activity(path: Path, prompt_ids: Iterable[str]) -> None:
    """Remove all that was done with these prompts, but for what it cost.

    Raises VaultError.
    """
    if not path.exists():
        return
    rows = [(prompt_id,) for prompt_id in prompt_ids]
    with open_activity(path) as connection, immediate(connection):
        for table in ("runs", "optimizations", "evaluations"):
            connection.executemany(f"DELETE FROM {table} WHERE prompt_id = ?", rows)
