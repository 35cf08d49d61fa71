"""Maintenance of the activity database: check, copy, deletion."""

import contextlib
import sqlite3
from collections.abc import Iterable
from pathlib import Path

from promptvault.vault.activity.database import immediate, open_activity


def is_damaged(path: Path) -> bool:
    """Return True if the file exists and is not a readable SQLite database."""
    if not path.exists():
        return False
    try:
        with contextlib.closing(sqlite3.connect(path)) as connection:
            found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
            return bool(found != "ok")
    except sqlite3.Error:
        return True


def copy_activity(path: Path, target: Path) -> None:
    """Copy the database to *target*, even while others write; raises VaultError."""
    with (
        open_activity(path) as connection,
        contextlib.closing(sqlite3.connect(target)) as copy,
    ):
        connection.backup(copy)
        copy.execute("PRAGMA journal_mode = DELETE")


def keep_costs(path: Path, source: Path) -> None:
    """Replace the costs in the database *path* with those in *source*.

    A restored backup must not reset the money that was spent since. Raises VaultError.
    """
    with open_activity(source), open_activity(path) as connection:
        connection.execute("ATTACH ? AS source", (str(source),))
        with immediate(connection):
            connection.execute("DELETE FROM requests")
            connection.execute("INSERT INTO requests SELECT * FROM source.requests")


def delete_activity(path: Path, prompt_ids: Iterable[str]) -> None:
    """Delete the runs, optimizations and evaluations of these prompts.

    Their costs are kept. Raises VaultError.
    """
    if not path.exists():
        return
    rows = [(prompt_id,) for prompt_id in prompt_ids]
    with open_activity(path) as connection, immediate(connection):
        for table in ("runs", "optimizations", "evaluations"):
            connection.executemany(f"DELETE FROM {table} WHERE prompt_id = ?", rows)
