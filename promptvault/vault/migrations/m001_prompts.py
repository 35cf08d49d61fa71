"""Prompts, versions, labels, the search index and the outbox of the history."""

import sqlite3

STATEMENTS = (
    """CREATE TABLE prompts (
        pk INTEGER NOT NULL PRIMARY KEY,
        id VARCHAR NOT NULL UNIQUE,
        name VARCHAR NOT NULL,
        leaf VARCHAR NOT NULL,
        title VARCHAR NOT NULL,
        description VARCHAR NOT NULL,
        tags JSON NOT NULL,
        favourite BOOLEAN NOT NULL,
        source VARCHAR NOT NULL,
        version_pk INTEGER NOT NULL
            REFERENCES versions (pk) DEFERRABLE INITIALLY DEFERRED,
        created_at VARCHAR NOT NULL,
        updated_at VARCHAR NOT NULL,
        deleted_at VARCHAR
    )""",
    # A name is taken only while its prompt lives: the trash may hold it many times.
    "CREATE UNIQUE INDEX prompts_name ON prompts (name) WHERE deleted_at IS NULL",
    "CREATE INDEX prompts_version ON prompts (version_pk)",
    "CREATE INDEX prompts_leaf ON prompts (leaf)",
    """CREATE TABLE versions (
        pk INTEGER NOT NULL PRIMARY KEY,
        id VARCHAR NOT NULL UNIQUE,
        prompt_pk INTEGER NOT NULL
            REFERENCES prompts (pk) DEFERRABLE INITIALLY DEFERRED,
        number INTEGER NOT NULL,
        body VARCHAR NOT NULL,
        template BOOLEAN NOT NULL,
        variables JSON NOT NULL,
        digest BLOB NOT NULL,
        message VARCHAR NOT NULL,
        author_name VARCHAR NOT NULL,
        author_email VARCHAR NOT NULL,
        created_at VARCHAR NOT NULL,
        commit_id VARCHAR,
        UNIQUE (prompt_pk, number)
    )""",
    "CREATE INDEX versions_digest ON versions (digest)",
    """CREATE TABLE labels (
        prompt_pk INTEGER NOT NULL REFERENCES prompts (pk) ON DELETE CASCADE,
        name VARCHAR NOT NULL,
        version_pk INTEGER NOT NULL REFERENCES versions (pk),
        PRIMARY KEY (prompt_pk, name)
    )""",
    # One row a commit that is still to be made; `outbox_files` holds its changes.
    """CREATE TABLE outbox (
        pk INTEGER NOT NULL PRIMARY KEY,
        id VARCHAR NOT NULL UNIQUE,
        author_name VARCHAR NOT NULL,
        author_email VARCHAR NOT NULL,
        message VARCHAR NOT NULL,
        created_at VARCHAR NOT NULL
    )""",
    # `header` is the front matter as it was at the change; the body is never copied,
    # it is the one of the version, which does not change. Without header the file is
    # written as the prompt is by then; without version the file is removed.
    """CREATE TABLE outbox_files (
        pk INTEGER NOT NULL PRIMARY KEY,
        outbox_pk INTEGER NOT NULL REFERENCES outbox (pk) ON DELETE CASCADE,
        path VARCHAR NOT NULL,
        header VARCHAR,
        version_pk INTEGER REFERENCES versions (pk) ON DELETE SET NULL
    )""",
    "CREATE INDEX outbox_files_outbox ON outbox_files (outbox_pk)",
    """CREATE VIEW documents AS
        SELECT p.pk, p.name, p.title, p.description, p.tags, v.body
        FROM prompts p JOIN versions v ON v.pk = p.version_pk
        WHERE p.deleted_at IS NULL""",
    """CREATE VIRTUAL TABLE search USING fts5 (
        name, title, description, tags, body,
        content = 'documents', content_rowid = 'pk',
        tokenize = "unicode61 remove_diacritics 2"
    )""",
    """CREATE TRIGGER search_insert AFTER INSERT ON prompts
        WHEN new.deleted_at IS NULL BEGIN
        INSERT INTO search (rowid, name, title, description, tags, body)
        SELECT * FROM documents WHERE pk = new.pk;
    END""",
    """CREATE TRIGGER search_remove AFTER UPDATE
        OF name, title, description, tags, version_pk, deleted_at ON prompts
        WHEN old.deleted_at IS NULL BEGIN
        INSERT INTO search (search, rowid, name, title, description, tags, body)
        VALUES ('delete', old.pk, old.name, old.title, old.description, old.tags,
            (SELECT body FROM versions WHERE pk = old.version_pk));
        INSERT INTO search (rowid, name, title, description, tags, body)
        SELECT * FROM documents WHERE pk = new.pk;
    END""",
    """CREATE TRIGGER search_restore AFTER UPDATE OF deleted_at ON prompts
        WHEN old.deleted_at IS NOT NULL AND new.deleted_at IS NULL BEGIN
        INSERT INTO search (rowid, name, title, description, tags, body)
        SELECT * FROM documents WHERE pk = new.pk;
    END""",
    """CREATE TRIGGER search_delete BEFORE DELETE ON prompts
        WHEN old.deleted_at IS NULL BEGIN
        INSERT INTO search (search, rowid, name, title, description, tags, body)
        VALUES ('delete', old.pk, old.name, old.title, old.description, old.tags,
            (SELECT body FROM versions WHERE pk = old.version_pk));
    END""",
)


def upgrade(connection: sqlite3.Connection) -> None:
    """Create the vault."""
    for statement in STATEMENTS:
        connection.execute(statement)
