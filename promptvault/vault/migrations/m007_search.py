"""Tags in the search index as they are spelt, not as JSON escapes them."""

import sqlite3

_COLUMNS = "name, title, description, tags, body"
_WITHDRAW = f"""INSERT INTO search (search, rowid, {_COLUMNS})
    SELECT 'delete', pk, {_COLUMNS} FROM documents WHERE instr(tags, '\\')"""
_ENTER = f"""INSERT INTO search (rowid, {_COLUMNS})
    SELECT * FROM documents
    WHERE pk IN (SELECT pk FROM prompts WHERE instr(tags, '\\'))"""
_REBUILD = "INSERT INTO search (search) VALUES ('rebuild')"


def _spelt(tags: str) -> str:
    """Return the SQL for the text of the JSON array *tags*."""
    listed = f"(SELECT group_concat(value, ' ') FROM json_each({tags}))"
    return f"CASE {tags} WHEN '[]' THEN '' ELSE {listed} END"


_REMOVE_OLD = f"""INSERT INTO search (search, rowid, {_COLUMNS})
        VALUES ('delete', old.pk, old.name, old.title, old.description,
            {_spelt("old.tags")},
            (SELECT body FROM versions WHERE pk = old.version_pk));"""

_STATEMENTS = (
    "DROP TRIGGER search_remove",
    "DROP TRIGGER search_delete",
    "DROP VIEW documents",
    f"""CREATE VIEW documents AS
        SELECT p.pk, p.name, p.title, p.description, {_spelt("p.tags")} AS tags, v.body
        FROM prompts p JOIN versions v ON v.pk = p.version_pk
        WHERE p.deleted_at IS NULL""",
    f"""CREATE TRIGGER search_remove AFTER UPDATE
        OF name, title, description, tags, version_pk, deleted_at ON prompts
        WHEN old.deleted_at IS NULL BEGIN
        {_REMOVE_OLD}
        INSERT INTO search (rowid, {_COLUMNS})
        SELECT * FROM documents WHERE pk = new.pk;
    END""",
    f"""CREATE TRIGGER search_delete BEFORE DELETE ON prompts
        WHEN old.deleted_at IS NULL BEGIN
        {_REMOVE_OLD}
    END""",
)


def upgrade(connection: sqlite3.Connection) -> None:
    """Index the spelling of tags.

    Other tags are the same words with and without JSON's brackets and quotes, so only
    prompts with escapes in their tags are indexed again.
    """
    try:
        connection.execute(_WITHDRAW)
        is_sound = True
    except sqlite3.DatabaseError:  # the index was damaged before
        is_sound = False
    for statement in _STATEMENTS:
        connection.execute(statement)
    connection.execute(_ENTER if is_sound else _REBUILD)
