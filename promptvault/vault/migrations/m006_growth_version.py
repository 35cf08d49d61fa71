"""Which version of an older prompt was current before an import gave it newer ones."""

import sqlite3

_ADD = """ALTER TABLE import_growth ADD COLUMN version_pk INTEGER
    REFERENCES versions (pk) ON DELETE SET NULL"""


def upgrade(connection: sqlite3.Connection) -> None:
    """Add it, for undo: after a sync that need not be the newest of those left."""
    connection.execute(_ADD)
