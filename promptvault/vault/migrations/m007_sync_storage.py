"""How far a long history was read, and what the account on the server stores."""

import sqlite3

STATEMENTS = (
    # The last version that was read of a prompt of which more are to come, as JSON.
    "ALTER TABLE sync_link ADD COLUMN part JSON",
    "ALTER TABLE sync_link ADD COLUMN storage_limit INTEGER",
    "ALTER TABLE sync_link ADD COLUMN storage_used INTEGER",
)


def upgrade(connection: sqlite3.Connection) -> None:
    """Add the columns, which are empty until the server has said something."""
    for statement in STATEMENTS:
        connection.execute(statement)
