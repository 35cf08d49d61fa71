"""What a vault remembers so that a server that goes back in time takes nothing back."""

import sqlite3

STATEMENTS = (
    # The server's mark in its last answer: it knows it, or it went back in time since.
    "ALTER TABLE sync_link ADD COLUMN mark VARCHAR",
    # Revisions of which only the id is known: a device reads the newest, not each.
    "ALTER TABLE sync_revs ADD COLUMN known BOOLEAN NOT NULL DEFAULT 1",
    # What the server had acknowledged before everything is read again.
    "CREATE TABLE sync_acked (id VARCHAR NOT NULL PRIMARY KEY) WITHOUT ROWID",
    # Resolved conflict copies: a server that offers one has lost the resolution.
    "CREATE TABLE sync_settled (side VARCHAR NOT NULL PRIMARY KEY) WITHOUT ROWID",
)


def upgrade(connection: sqlite3.Connection) -> None:
    """Add the columns and tables."""
    for statement in STATEMENTS:
        connection.execute(statement)
