"""The database schema, step by step; ``user_version`` counts the steps done."""

import importlib
import sqlite3

from promptvault.errors import VaultError

STEPS = (
    "m001_prompts",
    "m002_imports",
    "m003_secrets",
    "m004_growth",
    "m005_sync",
    "m006_growth_version",
    "m007_sync_storage",
    "m008_marks",
    "m009_sync_shortfalls",
    "m010_search",
    "m011_teams",
)
"""The module of each step, imported only if the step is due."""
LATEST = len(STEPS)


def version_of(connection: sqlite3.Connection) -> int:
    """Return the number of steps done; raises VaultError if it is from the future."""
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if version > LATEST:
        raise VaultError(
            f"This vault was written by a newer PromptVault (schema {version}, this"
            f" program knows {LATEST}). Update PromptVault; nothing was changed."
        )
    return version


def migrate(connection: sqlite3.Connection) -> None:
    """Bring the database to the latest schema, all steps in one transaction.

    *connection* must be in autocommit mode. A step that fails leaves the database as
    it was, and many processes may call this at once.
    """
    if version_of(connection) == LATEST:
        return
    connection.execute("BEGIN EXCLUSIVE")
    try:
        for step in STEPS[version_of(connection) :]:
            run_step(connection, step)
        connection.execute(f"PRAGMA user_version = {LATEST}")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def run_step(connection: sqlite3.Connection, step: str) -> None:
    """Run one step, given by the name of its module."""
    importlib.import_module(f"{__name__}.{step}").upgrade(connection)
