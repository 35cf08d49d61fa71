"""What a vault knows of the team that it belongs to."""

import sqlite3

STATEMENTS = (
    # One row in the vault of a team, none in a personal vault. `state` is "active", or
    # "left" if the user is not a member any more.
    """CREATE TABLE sync_team (
        slug VARCHAR NOT NULL,
        name VARCHAR NOT NULL,
        role VARCHAR NOT NULL,
        protected JSON NOT NULL,
        frozen VARCHAR,
        state VARCHAR NOT NULL
    )""",
    # In the personal vault: the server's `roster` when all vaults were last compared.
    "ALTER TABLE sync_link ADD COLUMN roster INTEGER NOT NULL DEFAULT 0",
)


def upgrade(connection: sqlite3.Connection) -> None:
    """Add the table and the column."""
    for statement in STATEMENTS:
        connection.execute(statement)
