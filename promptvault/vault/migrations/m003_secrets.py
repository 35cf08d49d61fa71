"""Which versions hold likely secrets, and which files an import has read."""

import sqlite3

from promptvault.vault.secret_flags import update_secret_flags

STATEMENTS = (
    "ALTER TABLE versions ADD COLUMN secrets JSON NOT NULL DEFAULT '[]'",
    "ALTER TABLE prompts ADD COLUMN secrets_allowed BOOLEAN NOT NULL DEFAULT 0",
    "CREATE INDEX versions_secrets ON versions (prompt_pk) WHERE secrets != '[]'",
    """CREATE TABLE import_files (
        pk INTEGER NOT NULL PRIMARY KEY,
        import_pk INTEGER NOT NULL REFERENCES imports (pk) ON DELETE CASCADE,
        path VARCHAR NOT NULL,
        size INTEGER NOT NULL,
        modified INTEGER NOT NULL,
        inode INTEGER NOT NULL,
        source VARCHAR NOT NULL,
        conversations INTEGER NOT NULL,
        found INTEGER NOT NULL
    )""",
    "CREATE INDEX import_files_path ON import_files (path)",
    "CREATE INDEX import_files_import ON import_files (import_pk)",
)


def upgrade(connection: sqlite3.Connection) -> None:
    """Add the marks of secrets, and look through every text for some."""
    for statement in STATEMENTS:
        connection.execute(statement)
    update_secret_flags(connection)
