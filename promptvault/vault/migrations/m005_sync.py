"""What a vault knows of the server that it is synced with."""

import sqlite3

_IS_SYNCED = "EXISTS (SELECT 1 FROM sync_link)"


def _marking(event: str, table: str, item: str) -> str:
    """Return a trigger that notes the prompt *item* when *event* happens to *table*."""
    name = f"sync_{table}_{event.partition(' ')[0].lower()}"
    return f"""CREATE TRIGGER {name} AFTER {event} ON {table}
        WHEN {_IS_SYNCED} BEGIN
        INSERT OR IGNORE INTO sync_changes (item) {item};
    END"""


_OWNER = "SELECT id FROM prompts WHERE pk = {}.prompt_pk"

STATEMENTS = (
    # One row once the vault is synced: with which server, and how far it was read.
    """CREATE TABLE sync_link (
        vault VARCHAR NOT NULL PRIMARY KEY,
        server VARCHAR NOT NULL,
        device VARCHAR NOT NULL,
        epoch VARCHAR,
        seq INTEGER NOT NULL DEFAULT 0,
        boot INTEGER,
        since INTEGER,
        resync VARCHAR,
        digest BLOB NOT NULL,
        prompt_limit INTEGER,
        prompt_count INTEGER
    )""",
    # Prompts that changed since they were last given a revision, in their order.
    "CREATE TABLE sync_changes (pk INTEGER PRIMARY KEY, item VARCHAR NOT NULL UNIQUE)",
    # A prompt as the server knows it (`base_rev`), and as it is here (`local_rev`).
    """CREATE TABLE sync_items (
        pk INTEGER NOT NULL PRIMARY KEY,
        item VARCHAR NOT NULL UNIQUE,
        local_rev VARCHAR NOT NULL,
        base_rev VARCHAR,
        base_live BOOLEAN NOT NULL DEFAULT 0,
        hold VARCHAR
    )""",
    """CREATE INDEX sync_items_dirty ON sync_items (pk)
        WHERE local_rev IS NOT base_rev AND hold IS NULL""",
    "CREATE INDEX sync_items_held ON sync_items (hold) WHERE hold IS NOT NULL",
    # What a prompt was at each revision, without its texts, which are versions. One
    # with `upto` brings the versions so far only: a history may be too long for one
    # request.
    """CREATE TABLE sync_revs (
        item_pk INTEGER NOT NULL REFERENCES sync_items (pk) ON DELETE CASCADE,
        rev VARCHAR NOT NULL,
        number INTEGER NOT NULL,
        parent VARCHAR,
        deleted BOOLEAN NOT NULL,
        upto VARCHAR,
        state JSON,
        PRIMARY KEY (item_pk, rev)
    ) WITHOUT ROWID""",
    # The position of a version in its prompt, the same on every device; one without
    # a place has not been sent.
    """CREATE TABLE sync_places (
        version_pk INTEGER NOT NULL PRIMARY KEY
            REFERENCES versions (pk) ON DELETE CASCADE,
        seq INTEGER NOT NULL,
        position INTEGER NOT NULL
    )""",
    # Versions with likely secrets that no change may allow to be sent.
    """CREATE TABLE sync_private (
        version_pk INTEGER NOT NULL PRIMARY KEY
            REFERENCES versions (pk) ON DELETE CASCADE
    )""",
    # What could not be merged, beside the prompt: `status` is "waiting" until the
    # server has it, then "open"; "held" when it does not take it.
    """CREATE TABLE sync_sides (
        rev VARCHAR NOT NULL PRIMARY KEY,
        item VARCHAR NOT NULL,
        base VARCHAR,
        status VARCHAR NOT NULL,
        mine BOOLEAN NOT NULL,
        state JSON NOT NULL
    ) WITHOUT ROWID""",
    "CREATE INDEX sync_sides_item ON sync_sides (item)",
    """CREATE TABLE sync_resolves (
        item VARCHAR NOT NULL,
        side VARCHAR NOT NULL,
        PRIMARY KEY (item, side)
    ) WITHOUT ROWID""",
    # Versions that arrived before their prompt did.
    """CREATE TABLE sync_early (
        item VARCHAR NOT NULL,
        version VARCHAR NOT NULL,
        content JSON NOT NULL,
        PRIMARY KEY (item, version)
    ) WITHOUT ROWID""",
    # Changes that the server has sent since it is read from the beginning.
    "CREATE TABLE sync_seen (id VARCHAR NOT NULL PRIMARY KEY) WITHOUT ROWID",
    _marking("INSERT", "prompts", "VALUES (new.id)"),
    _marking("UPDATE", "prompts", "VALUES (new.id)"),
    _marking("DELETE", "prompts", "VALUES (old.id)"),
    _marking("INSERT", "labels", _OWNER.format("new")),
    _marking("UPDATE", "labels", _OWNER.format("new")),
    _marking("DELETE", "labels", _OWNER.format("old")),
    _marking("INSERT", "origins", _OWNER.format("new")),
    _marking("DELETE", "origins", _OWNER.format("old")),
    _marking("UPDATE OF secrets", "versions", _OWNER.format("new")),
)


def upgrade(connection: sqlite3.Connection) -> None:
    """Add the tables of sync; their triggers rest until the vault is synced."""
    for statement in STATEMENTS:
        connection.execute(statement)
