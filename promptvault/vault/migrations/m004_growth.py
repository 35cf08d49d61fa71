"""How older prompts were before an import gave them newer versions."""

import sqlite3

STATEMENTS = (
    """CREATE TABLE import_growth (
        import_pk INTEGER NOT NULL REFERENCES imports (pk) ON DELETE CASCADE,
        prompt_pk INTEGER NOT NULL REFERENCES prompts (pk) ON DELETE CASCADE,
        updated_at VARCHAR NOT NULL,
        secrets_allowed BOOLEAN NOT NULL,
        PRIMARY KEY (import_pk, prompt_pk)
    )""",
    "CREATE INDEX import_growth_prompt ON import_growth (prompt_pk)",
)


def upgrade(connection: sqlite3.Connection) -> None:
    """Add the notes by which an undo brings that state back."""
    for statement in STATEMENTS:
        connection.execute(statement)
