"""A vault as a sync leaves it after a conflict: the newest version is not current."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from promptvault.vault import outbox
from tests.conftest import AUTHOR

_CHOOSE = """UPDATE prompts SET version_pk =
        (SELECT pk FROM versions v WHERE v.prompt_pk = prompts.pk AND number = ?)
    WHERE name = ? RETURNING version_pk"""


def make_current(home: Path, name: str, number: int) -> None:
    """Make version *number* of a prompt the current one; the next write commits it."""
    now = datetime.now(UTC)
    with closing(sqlite3.connect(home / "data/vault.db")) as connection, connection:
        ((version_pk,),) = connection.execute(_CHOOSE, (number, name)).fetchall()
        commit = outbox.insert_commit(connection, AUTHOR, "Sync", now)
        file = (commit, f"{name}.md", None, version_pk)
        connection.execute(outbox.INSERT_FILE, file)
