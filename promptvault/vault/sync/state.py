"""Prompts and versions read from the tables in the form in which they are sent."""

import json
import sqlite3
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from promptvault.domain.name import own_name
from promptvault.domain.prompt import Content, Details
from promptvault.domain.variable import variables_from_mapping, variables_to_mapping
from promptvault.secret_scan import (
    details_text,
    may_hold_secrets,
    redacted,
    redacted_content,
    redacted_details,
    redacted_name,
    types_in,
)
from promptvault.vault.sync.item import State

_STATES = """
    SELECT p.id, p.pk, p.name, p.title, p.description, p.tags, p.favourite, p.source,
        v.id, p.secrets_allowed, p.created_at, p.updated_at, p.deleted_at,
        v.secrets != '[]' AND NOT p.secrets_allowed,
        (SELECT json_group_object(l.name, n.id) FROM labels l
            JOIN versions n ON n.pk = l.version_pk WHERE l.prompt_pk = p.pk),
        (SELECT json_group_array(json_array(o.source, o.conversation_id,
                o.conversation_title, o.message_id, o.model, o.created_at, o.url, n.id))
            FROM (SELECT * FROM origins WHERE prompt_pk = p.pk ORDER BY pk) o
            LEFT JOIN versions n ON n.pk = o.version_pk)
    FROM json_each(?) w CROSS JOIN prompts p ON p.id = w.value
    JOIN versions v ON v.pk = p.version_pk
"""
ORIGIN_FIELDS = (
    *("source", "conversation_id", "conversation_title", "message_id", "model"),
    *("created_at", "url", "version"),
)

_UNSENT = """FROM json_each(?) w CROSS JOIN prompts p ON p.id = w.value
    JOIN versions v ON v.prompt_pk = p.pk
    LEFT JOIN sync_places s ON s.version_pk = v.pk WHERE s.version_pk IS NULL"""
_SIZES = f"""SELECT p.id, v.id, v.created_at, length(CAST(v.body AS BLOB)) {_UNSENT}
    ORDER BY w.key, v.number"""
_VERSIONS = f"""SELECT p.id, v.pk, v.id, v.body, v.template, v.variables, v.message,
        v.author_name, v.author_email, v.created_at,
        v.secrets != '[]' AND (NOT p.secrets_allowed OR EXISTS (
            SELECT 1 FROM sync_private x WHERE x.version_pk = v.pk)),
        v.pk = p.version_pk OR EXISTS (
            SELECT 1 FROM labels l WHERE l.version_pk = v.pk)
    {_UNSENT} AND NOT (v.pk = p.version_pk AND v.secrets != '[]'
        AND NOT p.secrets_allowed) ORDER BY w.key, v.number"""


_LEFT_OUT = (
    "[This version is too long to be synced; it is on the device it was made on.]"
)


class StoredPrompt(NamedTuple):
    """A prompt read from the tables."""

    state: State
    deleted: bool
    is_held_back: bool
    """Whether its text, name, title, description or tags contain a likely secret that
    was not allowed to leave the vault."""


class UnsentVersion(NamedTuple):
    """A version that the server does not have, without its text."""

    id: str
    created_at: str
    size: int
    """Bytes of its text in UTF-8."""


class WireVersion(NamedTuple):
    """A version in the form in which it is sent."""

    pk: int
    id: str
    content: dict[str, Any]


def stored_prompts(
    connection: sqlite3.Connection, prompt_ids: Iterable[str]
) -> dict[str, StoredPrompt]:
    """Return the existing prompts among *prompt_ids*, by id."""
    rows = connection.execute(_STATES, (json.dumps(list(prompt_ids)),))
    return {row[0]: _stored(row) for row in rows}


def _stored(row: tuple[Any, ...]) -> StoredPrompt:
    id_, _, name, title, description, tags, favourite, source = row[:8]
    version, allowed, created_at, updated_at, deleted_at, held_back = row[8:14]
    state = {
        "name": own_name(name, id_),
        "title": title,
        "description": description,
        "tags": json.loads(tags),
        "favourite": bool(favourite),
        "source": source,
        "version": version,
        "labels": dict(sorted(json.loads(row[14]).items())),
        "sensitive_allowed": bool(allowed),
        "created_at": created_at,
        "updated_at": updated_at,
        "origins": [_origin(origin) for origin in json.loads(row[15])],
    }
    if deleted_at:
        state["deleted_at"] = deleted_at
    held_back = held_back or not (allowed or not types_in(words_of(state)))
    return StoredPrompt(state, bool(deleted_at), bool(held_back))


def words_of(state: State) -> str:
    """Return the parts of a state that people write, to be scanned for secrets."""
    words = (state["name"], state["title"], state["description"], state["tags"])
    return details_text(*words)


def redacted_state(state: State) -> State:
    """Return *state* with likely secrets redacted, unless they were allowed to leave.

    A prompt that contains a secret now is held back as a whole. This covers what is
    sent without it: conflict copies, parts of a long history, and origins.
    """
    titles = [each.get("conversation_title") or "" for each in state["origins"]]
    links = [each["url"] for each in state["origins"] if "@" in each.get("url", "")]
    all_words = "\n".join([words_of(state), *titles, *links])
    if state.get("sensitive_allowed") or not may_hold_secrets(all_words):
        return state
    details = Details(state["title"], state["description"], tuple(state["tags"]))
    clean = redacted_details(details)
    return state | {
        "name": redacted_name(state["name"]),
        "title": clean.title,
        "description": clean.description,
        "tags": list(clean.tags),
        "origins": [_redacted_origin(each) for each in state["origins"]],
    }


def _redacted_origin(origin: dict[str, Any]) -> dict[str, Any]:
    texts = ("conversation_title", "url")
    return origin | {key: redacted(origin[key]) for key in texts if origin.get(key)}


def _origin(values: list[Any]) -> dict[str, Any]:
    pairs = zip(ORIGIN_FIELDS, values, strict=True)
    return {name: value for name, value in pairs if value is not None}


def unsent_versions(
    connection: sqlite3.Connection, prompt_ids: Iterable[str]
) -> dict[str, list[UnsentVersion]]:
    """Return the versions that the server does not have, oldest first, by prompt id."""
    found: dict[str, list[UnsentVersion]] = {}
    for id_, *version in connection.execute(_SIZES, (json.dumps(list(prompt_ids)),)):
        found.setdefault(id_, []).append(UnsentVersion(*version))
    return found


def wire_versions(
    connection: sqlite3.Connection, prompt_ids: Iterable[str], longest: int
) -> Iterator[tuple[str, WireVersion]]:
    """Yield the unsent versions of prompts, each with the prompt's id, oldest first.

    In versions that are not current, likely secrets are redacted. A version of more
    than *longest* bytes as JSON is sent without its text, unless it is current or
    labelled. So the history is complete, and no secret leaves the vault.
    """
    for row in connection.execute(_VERSIONS, (json.dumps(list(prompt_ids)),)):
        id_, pk, version_id, body, template, variables, message, name, email = row[:9]
        declared = json.loads(variables)
        content = {
            "body": body,
            "template": bool(template),
            "variables": declared,
            "message": redacted(message),
            "author": {"name": name, "email": email},
            "created_at": row[9],
        }
        if row[10]:
            content |= _redacted(body, bool(template), declared)
        if not row[11] and _is_longer(content, longest):
            content |= {"body": _LEFT_OUT, "variables": {}, "left_out": True}
        yield id_, WireVersion(pk, version_id, content)


def mark_private(connection: sqlite3.Connection, prompt_id: str) -> None:
    """Mark the unsent versions with secrets, so that they are redacted when sent.

    Call this before another device's permission for the prompt's secrets replaces the
    local one: it was not given for these versions.
    """
    connection.execute(
        f"""INSERT OR IGNORE INTO sync_private SELECT v.pk {_UNSENT}
            AND v.secrets != '[]' AND NOT p.secrets_allowed""",
        (json.dumps([prompt_id]),),
    )


def is_held_back(connection: sqlite3.Connection, prompt_id: str) -> bool:
    """Return True if a prompt is held back for a likely secret."""
    found = stored_prompts(connection, [prompt_id]).get(prompt_id)
    return found is not None and found.is_held_back


def _is_longer(content: dict[str, Any], longest: int) -> bool:
    if 8 * len(content["body"]) < longest:  # a character takes at most six bytes
        return False
    return len(json.dumps(content, ensure_ascii=False).encode()) > longest


def _redacted(body: str, template: bool, declared: dict[str, Any]) -> dict[str, Any]:
    content = Content(body, template, variables_from_mapping(declared))
    clean = redacted_content(content)
    variables = variables_to_mapping(clean.variables)
    return {"body": clean.body, "variables": variables, "redacted": True}
