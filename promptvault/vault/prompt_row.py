"""The rows of a prompt and of its versions: one list of columns for all writers.

A change (`repository.py`), an import (`imports/bulk_insert.py`) and sync
(`sync/prompt_writer.py`) build their rows here.
"""

import json
from typing import NamedTuple

from promptvault.domain.prompt import ContentScan, Details, Version
from promptvault.domain.timestamp import to_text
from promptvault.domain.variable import variables_to_mapping
from promptvault.secret_scan import scan_content


class VersionValues(NamedTuple):
    """A row of `versions`; without a `pk`, SQLite assigns the next one.

    A version is inserted before its prompt, because a trigger on `prompts` reads the
    text for the search index.
    """

    pk: int | None
    id: str
    prompt_pk: int
    number: int
    body: str
    template: bool
    variables: str
    """JSON object: name to declaration."""
    digest: bytes
    message: str
    author_name: str
    author_email: str
    created_at: str
    import_pk: int | None
    secrets: str
    """JSON array of the types of likely secrets."""


class DetailsValues(NamedTuple):
    """The columns of `prompts` that hold a prompt's details."""

    title: str
    description: str
    tags: str
    """JSON array."""
    favourite: bool
    secrets_allowed: bool


class PromptValues(NamedTuple):
    """A row of `prompts`."""

    pk: int
    id: str
    name: str
    leaf: str
    title: str
    description: str
    tags: str
    favourite: bool
    source: str
    version_pk: int
    secrets_allowed: bool
    created_at: str
    updated_at: str
    deleted_at: str | None = None
    import_pk: int | None = None


def _insert_into(table: str, columns: tuple[str, ...]) -> str:
    places = ", ".join("?" * len(columns))
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({places})"


INSERT_VERSION = _insert_into("versions", VersionValues._fields)
INSERT_PROMPT = _insert_into("prompts", PromptValues._fields)
INSERT_LABEL = "INSERT INTO labels (prompt_pk, name, version_pk) VALUES (?, ?, ?)"
UPDATE_DETAILS = (
    f"UPDATE prompts SET {' = ?, '.join(DetailsValues._fields)} = ? WHERE id = ?"
)
DELETE_PROMPT = (
    "DELETE FROM labels WHERE prompt_pk = ?",
    "DELETE FROM origins WHERE prompt_pk = ?",
    "DELETE FROM prompts WHERE pk = ?",
    "DELETE FROM versions WHERE prompt_pk = ?",
)
"""Statements that delete a prompt and all that belongs to it; each takes its key."""
FIND_ORIGIN = """SELECT 1 FROM origins WHERE prompt_pk = ? AND source = ?
    AND conversation_id IS ? AND message_id IS ? LIMIT 1"""
"""Finds an origin by the prompt's key, source, conversation id and message id."""


def version_values(
    version: Version,
    prompt_pk: int,
    *,
    pk: int | None = None,
    scan: ContentScan | None = None,
    import_pk: int | None = None,
) -> VersionValues:
    """Return the row of *version*, whose `commit` is not written.

    A caller that has scanned the content passes the result, because to go through a
    long body again takes time.
    """
    content = version.content
    variables = content.variables
    body_digest, secrets = scan or scan_content(content)
    return VersionValues(
        pk,
        version.id,
        prompt_pk,
        version.number,
        content.body,
        content.template,
        json.dumps(variables_to_mapping(variables)) if variables else "{}",
        body_digest,
        version.message,
        version.author.name,
        version.author.email,
        to_text(version.created_at),
        import_pk,
        json.dumps(secrets) if secrets else "[]",
    )


def details_values(details: Details) -> DetailsValues:
    """Return the columns that hold *details*."""
    return DetailsValues(**details._asdict() | {"tags": tags_json(details.tags)})


def tags_json(tags: tuple[str, ...] | list[str]) -> str:
    """Return *tags* as a JSON array, unescaped: the search index reads it as text."""
    return json.dumps(tags, ensure_ascii=False) if tags else "[]"
