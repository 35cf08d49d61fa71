"""The columns of prompts and versions, in the order in which rows are written."""

import json
from typing import NamedTuple

from promptvault.domain.digest import digest
from promptvault.domain.prompt import Author, Content
from promptvault.domain.variable import variables_to_mapping
from promptvault.secret_scan import secret_types


class VersionValues(NamedTuple):
    """A row of `versions`; without a `pk`, SQLite assigns the next one.

    A version is written before its prompt: the search index reads the text when the
    prompt's row arrives.
    """

    pk: int | None
    id: str
    prompt_pk: int
    number: int
    body: str
    template: bool
    variables: str
    digest: bytes
    message: str
    author_name: str
    author_email: str
    created_at: str
    import_pk: int | None
    secrets: str


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
DELETE_PROMPT = (
    "DELETE FROM labels WHERE prompt_pk = ?",
    "DELETE FROM origins WHERE prompt_pk = ?",
    "DELETE FROM prompts WHERE pk = ?",
    "DELETE FROM versions WHERE prompt_pk = ?",
)
"""Statements, each for the prompt's key, that leave nothing of a prompt."""
INSERT_LABEL = "INSERT INTO labels (prompt_pk, name, version_pk) VALUES (?, ?, ?)"


def version_values(
    version_id: str,
    prompt_pk: int,
    number: int,
    content: Content,
    message: str,
    author: Author,
    created_at: str,
    *,
    pk: int | None = None,
    body_digest: bytes | None = None,
    import_pk: int | None = None,
) -> VersionValues:
    """Return the row of a version.

    *created_at* is in the vault's text form; a caller that knows the body's digest
    passes it, as hashing a long body again costs time.
    """
    variables = content.variables
    secrets = secret_types(content)
    return VersionValues(
        pk,
        version_id,
        prompt_pk,
        number,
        content.body,
        content.template,
        json.dumps(variables_to_mapping(variables)) if variables else "{}",
        body_digest or digest(content.body),
        message,
        author.name,
        author.email,
        created_at,
        import_pk,
        json.dumps(secrets) if secrets else "[]",
    )


def tags_json(tags: tuple[str, ...] | list[str]) -> str:
    """Return *tags* as they are stored: not escaped, as the search index reads them."""
    return json.dumps(tags, ensure_ascii=False) if tags else "[]"
