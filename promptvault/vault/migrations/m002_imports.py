"""The import ledger, and where each prompt came from."""

import sqlite3

STATEMENTS = (
    """CREATE TABLE imports (
        pk INTEGER NOT NULL PRIMARY KEY,
        created_at VARCHAR NOT NULL,
        undone_at VARCHAR,
        paths JSON NOT NULL,
        options JSON NOT NULL,
        report JSON NOT NULL
    )""",
    """CREATE TABLE origins (
        pk INTEGER NOT NULL PRIMARY KEY,
        prompt_pk INTEGER NOT NULL REFERENCES prompts (pk) ON DELETE CASCADE,
        version_pk INTEGER REFERENCES versions (pk) ON DELETE SET NULL,
        import_pk INTEGER REFERENCES imports (pk),
        source VARCHAR NOT NULL,
        conversation_id VARCHAR,
        conversation_title VARCHAR,
        message_id VARCHAR,
        model VARCHAR,
        created_at VARCHAR,
        url VARCHAR
    )""",
    "CREATE INDEX origins_prompt ON origins (prompt_pk)",
    "CREATE INDEX origins_version ON origins (version_pk)",
    "CREATE INDEX origins_message ON origins (message_id, source)",
    "ALTER TABLE versions ADD COLUMN import_pk INTEGER REFERENCES imports (pk)",
    "CREATE INDEX versions_import ON versions (import_pk)",
    "ALTER TABLE prompts ADD COLUMN import_pk INTEGER REFERENCES imports (pk)",
)


def upgrade(connection: sqlite3.Connection) -> None:
    """Add the import ledger."""
    for statement in STATEMENTS:
        connection.execute(statement)
