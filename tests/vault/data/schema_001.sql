-- A vault as migration 1 left it: a prompt of two versions, a label, and a commit
-- that was still to be made. Never edit it: it stands for vaults that exist.
CREATE TABLE prompts (
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
);
CREATE UNIQUE INDEX prompts_name ON prompts (name) WHERE deleted_at IS NULL;
CREATE INDEX prompts_version ON prompts (version_pk);
CREATE INDEX prompts_leaf ON prompts (leaf);
CREATE TABLE versions (
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
);
CREATE INDEX versions_digest ON versions (digest);
CREATE TABLE labels (
    prompt_pk INTEGER NOT NULL REFERENCES prompts (pk) ON DELETE CASCADE,
    name VARCHAR NOT NULL,
    version_pk INTEGER NOT NULL REFERENCES versions (pk),
    PRIMARY KEY (prompt_pk, name)
);
CREATE TABLE outbox (
    pk INTEGER NOT NULL PRIMARY KEY,
    id VARCHAR NOT NULL UNIQUE,
    author_name VARCHAR NOT NULL,
    author_email VARCHAR NOT NULL,
    message VARCHAR NOT NULL,
    created_at VARCHAR NOT NULL
);
CREATE TABLE outbox_files (
    pk INTEGER NOT NULL PRIMARY KEY,
    outbox_pk INTEGER NOT NULL REFERENCES outbox (pk) ON DELETE CASCADE,
    path VARCHAR NOT NULL,
    header VARCHAR,
    version_pk INTEGER REFERENCES versions (pk) ON DELETE SET NULL
);
CREATE INDEX outbox_files_outbox ON outbox_files (outbox_pk);
CREATE VIEW documents AS
    SELECT p.pk, p.name, p.title, p.description, p.tags, v.body
    FROM prompts p JOIN versions v ON v.pk = p.version_pk
    WHERE p.deleted_at IS NULL;
CREATE VIRTUAL TABLE search USING fts5 (
    name, title, description, tags, body,
    content = 'documents', content_rowid = 'pk',
    tokenize = "unicode61 remove_diacritics 2"
);
CREATE TRIGGER search_insert AFTER INSERT ON prompts
    WHEN new.deleted_at IS NULL BEGIN
    INSERT INTO search (rowid, name, title, description, tags, body)
    SELECT * FROM documents WHERE pk = new.pk;
END;
CREATE TRIGGER search_remove AFTER UPDATE
    OF name, title, description, tags, version_pk, deleted_at ON prompts
    WHEN old.deleted_at IS NULL BEGIN
    INSERT INTO search (search, rowid, name, title, description, tags, body)
    VALUES ('delete', old.pk, old.name, old.title, old.description, old.tags,
        (SELECT body FROM versions WHERE pk = old.version_pk));
    INSERT INTO search (rowid, name, title, description, tags, body)
    SELECT * FROM documents WHERE pk = new.pk;
END;
CREATE TRIGGER search_restore AFTER UPDATE OF deleted_at ON prompts
    WHEN old.deleted_at IS NOT NULL AND new.deleted_at IS NULL BEGIN
    INSERT INTO search (rowid, name, title, description, tags, body)
    SELECT * FROM documents WHERE pk = new.pk;
END;
CREATE TRIGGER search_delete BEFORE DELETE ON prompts
    WHEN old.deleted_at IS NULL BEGIN
    INSERT INTO search (search, rowid, name, title, description, tags, body)
    VALUES ('delete', old.pk, old.name, old.title, old.description, old.tags,
        (SELECT body FROM versions WHERE pk = old.version_pk));
END;
INSERT INTO versions VALUES (1, '11111111-1111-4111-8111-111111111111', 1, 1,
    'Review this.', 0, '{}', X'9605103f6c4761200e1201cfd339f4c1', 'Add coding/review',
    'Ada Lovelace', 'ada@example.org', '2025-01-02T03:04:05.006Z', NULL);
INSERT INTO versions VALUES (2, '22222222-2222-4222-8222-222222222222', 1, 2,
    'Review this code: {{ code }}', 1, '{"code": {"description": "what"}}',
    X'd6edacb958fd37704b65bf5b46a56e6d', 'Ask for code',
    'Ada Lovelace', 'ada@example.org', '2025-02-03T04:05:06.007Z', NULL);
INSERT INTO prompts VALUES (1, '33333333-3333-4333-8333-333333333333',
    'coding/review', 'review', 'Review', 'Finds mistakes', '["code", "work"]', 1,
    'local', 2, '2025-01-02T03:04:05.006Z', '2025-02-03T04:05:06.007Z', NULL);
INSERT INTO labels VALUES (1, 'production', 1);
INSERT INTO outbox VALUES (1, '44444444-4444-4444-8444-444444444444',
    'Ada Lovelace', 'ada@example.org', 'Ask for code', '2025-02-03T04:05:06.007Z');
INSERT INTO outbox_files VALUES (1, 1, 'coding/review.md', '---
title: Review
---
', 2);
PRAGMA user_version = 1;
