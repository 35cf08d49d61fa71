"""What sync has to know besides texts: restored prompts, names of devices."""

import sqlite3

STATEMENTS = (
    # Prompts that were taken out of the trash since the server last agreed with them.
    # A copy of what others deleted looks the same, and the clocks of two devices cannot
    # tell the two apart.
    "CREATE TABLE sync_restored (item VARCHAR NOT NULL PRIMARY KEY) WITHOUT ROWID",
    """CREATE TRIGGER sync_prompts_restored AFTER UPDATE OF deleted_at ON prompts
        WHEN old.deleted_at IS NOT NULL AND new.deleted_at IS NULL BEGIN
        INSERT OR IGNORE INTO sync_restored VALUES (new.id);
    END""",
    """CREATE TRIGGER sync_prompts_trashed AFTER UPDATE OF deleted_at ON prompts
        WHEN old.deleted_at IS NULL AND new.deleted_at IS NOT NULL BEGIN
        DELETE FROM sync_restored WHERE item = new.id;
    END""",
    # The name of the device that wrote what the server has: '' for this one, NULL
    # if it is not known.
    "ALTER TABLE sync_items ADD COLUMN writer VARCHAR",
    "ALTER TABLE sync_sides ADD COLUMN writer VARCHAR",
    """CREATE TRIGGER sync_prompts_gone AFTER DELETE ON prompts BEGIN
        DELETE FROM sync_restored WHERE item = old.id;
    END""",
)


def upgrade(connection: sqlite3.Connection) -> None:
    """Add it; of what was done before, nothing is known."""
    for statement in STATEMENTS:
        connection.execute(statement)
