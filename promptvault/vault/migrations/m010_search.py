"""Tags as they are spelt, not with JSON's escapes, which the search index took in."""

import sqlite3

_SPELL = r"""UPDATE prompts
    SET tags = (SELECT json_group_array(value) FROM json_each(prompts.tags))
    WHERE instr(tags, '\')"""
_TRIGGER = "SELECT sql FROM sqlite_master WHERE name = 'search_remove'"
_LAST_CHANGE = "SELECT coalesce(max(pk), 0) FROM sync_changes"


def upgrade(connection: sqlite3.Connection) -> None:
    """Write tags without escapes; the index's triggers follow.

    FTS5 scans its content without virtual tables, so a view cannot spell them.
    """
    (last,) = connection.execute(_LAST_CHANGE).fetchone()
    try:
        connection.execute(_SPELL)
    except sqlite3.DatabaseError:  # the index was damaged before
        (trigger,) = connection.execute(_TRIGGER).fetchone()
        connection.execute("DROP TRIGGER search_remove")
        connection.execute(_SPELL)
        connection.execute(trigger)
        connection.execute("INSERT INTO search (search) VALUES ('rebuild')")
    # The tags are the same to every other device.
    connection.execute("DELETE FROM sync_changes WHERE pk > ?", (last,))
