"""Versions from the server, and the order that numbers them equally on every device.

A version never changes. The server gives it a place, which is the same on every device.
Versions without a place come last, in the order of their creation.
"""

import json
import sqlite3
from collections.abc import Iterable
from typing import Any, NamedTuple
from uuid import UUID

from promptvault.domain.prompt import Author, Content, Version
from promptvault.domain.timestamp import from_text
from promptvault.domain.variable import variables_from_mapping, variables_to_mapping
from promptvault.errors import InvalidInputError
from promptvault.vault.prompt_row import INSERT_VERSION, version_values
from promptvault.wire.prompt_state import check_version, unreadable
from promptvault.wire.sync import VersionRead

_PLACE = """INSERT INTO sync_places (version_pk, seq, position) VALUES (?, ?, ?)
    ON CONFLICT (version_pk) DO UPDATE SET seq = excluded.seq,
        position = excluded.position"""
_FIND_PLACE = "SELECT seq, position FROM sync_places WHERE version_pk = ?"
_ORDER = """SELECT v.pk, v.number FROM versions v
    LEFT JOIN sync_places s ON s.version_pk = v.pk WHERE v.prompt_pk = ?
    ORDER BY s.seq IS NULL, s.seq, s.position, v.number"""
_NEXT = "SELECT coalesce(max(number), 0) + 1 FROM versions WHERE prompt_pk = ?"
_KNOWN = "SELECT pk FROM versions WHERE id = ?"
_OWNER = """SELECT p.id FROM versions v JOIN prompts p ON p.pk = v.prompt_pk
    WHERE v.id = ?"""
_EARLY = "INSERT OR REPLACE INTO sync_early (item, version, content) VALUES (?, ?, ?)"


class VersionPlace(NamedTuple):
    """The position of a version among those of its prompt; see `wire.sync.Place`."""

    seq: int
    position: int


class NewVersion(NamedTuple):
    """A version to insert."""

    id: str
    content: Content
    message: str
    author: tuple[str, str]
    """Name and email address."""
    created_at: str
    place: VersionPlace | None = None


def decode_version(version: VersionRead) -> NewVersion:
    """Return a version from the server; raise UnavailableError if it is malformed."""
    state = check_version(version.model_dump())
    try:
        variables = variables_from_mapping(state.variables)
    except InvalidInputError:
        raise unreadable() from None
    author = (state.author.name, state.author.email)
    content = Content(state.body.replace("\0", "\ufffd"), state.template, variables)
    place = VersionPlace(version.seq, version.position)
    return NewVersion(
        str(state.id), content, state.message, author, state.created_at, place
    )


def insert_version(
    connection: sqlite3.Connection, prompt_pk: int, number: int, new: NewVersion
) -> int:
    """Insert a version and return its key."""
    author, time = Author(*new.author), from_text(new.created_at)
    version = Version(new.id, number, new.content, new.message, author, time)
    row = version_values(version, prompt_pk)
    pk = connection.execute(INSERT_VERSION, row).lastrowid or 0
    if new.place:
        connection.execute(_PLACE, (pk, *new.place))
    return pk


def append_version(
    connection: sqlite3.Connection, prompt_pk: int, new: NewVersion
) -> int:
    """Insert a version after the others of its prompt and return its key."""
    (number,) = connection.execute(_NEXT, (prompt_pk,)).fetchone()
    return insert_version(connection, prompt_pk, number, new)


def find_version(connection: sqlite3.Connection, version_id: str) -> int | None:
    """Return the key of a version, None if it is not in the vault."""
    row = connection.execute(_KNOWN, (version_id,)).fetchone()
    return row[0] if row else None


def version_content(
    connection: sqlite3.Connection, version_id: str
) -> dict[str, Any] | None:
    """Return body, template and variables of a version, None if it is not there."""
    sql = "SELECT body, template, variables FROM versions WHERE id = ?"
    row = connection.execute(sql, (version_id,)).fetchone()
    if row is None:
        return None
    body, template, variables = row
    declared = json.loads(variables)
    return {"body": body, "template": bool(template), "variables": declared}


def set_place(
    connection: sqlite3.Connection, version_pk: int, place: VersionPlace
) -> None:
    """Store the place that the server gave a version."""
    connection.execute(_PLACE, (version_pk, *place))


def has_moved(
    connection: sqlite3.Connection, version_pk: int | None, place: VersionPlace | None
) -> bool:
    """Return True if another place than *place* is stored for a version."""
    row = connection.execute(_FIND_PLACE, (version_pk,)).fetchone()
    return row is not None and row != place


def delete_places(
    connection: sqlite3.Connection, prompt_id: str, version_ids: Iterable[UUID] = ()
) -> None:
    """Mark versions of a prompt as unsent: *version_ids*, or all if empty."""
    named = json.dumps([str(each) for each in version_ids])
    connection.execute(
        """DELETE FROM sync_places WHERE version_pk IN (
            SELECT v.pk FROM versions v JOIN prompts p ON p.pk = v.prompt_pk
            WHERE p.id = ?1 AND (?2 = '[]'
                OR v.id IN (SELECT value FROM json_each(?2))))""",
        (prompt_id, named),
    )


def renumber(connection: sqlite3.Connection, prompt_pk: int) -> list[int]:
    """Number the versions of a prompt by their places; return the keys that changed."""
    found = connection.execute(_ORDER, (prompt_pk,)).fetchall()
    moved = [(-new, pk) for new, (pk, number) in enumerate(found, 1) if number != new]
    set_number = "UPDATE versions SET number = ? WHERE pk = ?"
    connection.executemany(set_number, moved)  # numbers are unique at any time
    connection.executemany(set_number, [(-number, pk) for number, pk in moved])
    return [pk for _, pk in moved]


def is_of_other_prompt(
    connection: sqlite3.Connection, version_id: str, prompt_id: str
) -> bool:
    """Return True if the version belongs to another prompt in this vault."""
    row = connection.execute(_OWNER, (version_id,)).fetchone()
    return row is not None and row[0] != prompt_id


def add_early_versions(
    connection: sqlite3.Connection, prompt_id: str, versions: Iterable[NewVersion]
) -> None:
    """Store versions that arrive before their prompt."""
    rows = [(prompt_id, new.id, _to_json(new)) for new in versions]
    connection.executemany(_EARLY, rows)


def pop_early_versions(
    connection: sqlite3.Connection, prompt_id: str
) -> list[NewVersion]:
    """Delete and return the versions that arrived before their prompt."""
    if connection.execute("SELECT 1 FROM sync_early LIMIT 1").fetchone() is None:
        return []
    sql = "DELETE FROM sync_early WHERE item = ? RETURNING version, content"
    rows = connection.execute(sql, (prompt_id,)).fetchall()
    return [_from_json(id_, text) for id_, text in rows]


def early_version_ids(connection: sqlite3.Connection, prompt_id: str) -> set[str]:
    """Return the ids of the versions that arrived before their prompt."""
    sql = "SELECT version FROM sync_early WHERE item = ?"
    return {id_ for (id_,) in connection.execute(sql, (prompt_id,))}


def _to_json(new: NewVersion) -> str:
    body, template, variables = new.content
    wording = [body, template, variables_to_mapping(variables)]
    return json.dumps([*wording, new.message, new.author, new.created_at, new.place])


def _from_json(id_: str, text: str) -> NewVersion:
    body, template, variables, message, (name, email), time, place = json.loads(text)
    content = Content(body, template, variables_from_mapping(variables))
    return NewVersion(id_, content, message, (name, email), time, VersionPlace(*place))
