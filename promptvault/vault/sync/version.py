"""Versions as they arrive, and the order that gives them the same numbers everywhere.

A version never changes. Its place, which the server gave it, is the same on every
device; those that have none yet follow behind, in the order they were made.
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


class Place(NamedTuple):
    """Where a version stands among those of its prompt."""

    seq: int
    position: int


class NewVersion(NamedTuple):
    """A version that is to be written."""

    id: str
    content: Content
    message: str
    author: tuple[str, str]
    created_at: str
    place: Place | None = None


def received(version: VersionRead) -> NewVersion:
    """Return a version from the wire; raises UnavailableError for what is none."""
    told = check_version(version.model_dump())
    try:
        variables = variables_from_mapping(told.variables)
    except InvalidInputError:
        raise unreadable() from None
    author = (told.author.name, told.author.email)
    content = Content(told.body.replace("\0", "\ufffd"), told.template, variables)
    place = Place(version.seq, version.position)
    return NewVersion(
        str(told.id), content, told.message, author, told.created_at, place
    )


def insert_version(
    connection: sqlite3.Connection, prompt_pk: int, number: int, new: NewVersion
) -> int:
    """Write a version and return its key."""
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
    """Write a version behind the others of its prompt and return its key."""
    (number,) = connection.execute(_NEXT, (prompt_pk,)).fetchone()
    return insert_version(connection, prompt_pk, number, new)


def find_version(connection: sqlite3.Connection, version_id: str) -> int | None:
    """Return the key of a version, None where it is not known."""
    row = connection.execute(_KNOWN, (version_id,)).fetchone()
    return row[0] if row else None


def content_of(
    connection: sqlite3.Connection, version_id: str
) -> dict[str, Any] | None:
    """Return body, template and variables of a version, None where it is not known."""
    sql = "SELECT body, template, variables FROM versions WHERE id = ?"
    row = connection.execute(sql, (version_id,)).fetchone()
    if row is None:
        return None
    body, template, variables = row
    declared = json.loads(variables)
    return {"body": body, "template": bool(template), "variables": declared}


def set_place(connection: sqlite3.Connection, version_pk: int, place: Place) -> None:
    """Note where the server has put a version."""
    connection.execute(_PLACE, (version_pk, *place))


def has_moved(
    connection: sqlite3.Connection, version_pk: int | None, place: Place | None
) -> bool:
    """Tell whether a version stands at another *place* than is known here."""
    row = connection.execute(_FIND_PLACE, (version_pk,)).fetchone()
    return row is not None and row != place


def forget_places(
    connection: sqlite3.Connection, prompt_id: str, version_ids: Iterable[UUID] = ()
) -> None:
    """Take versions for unsent: all of a prompt, or those named."""
    named = json.dumps([str(each) for each in version_ids])
    connection.execute(
        """DELETE FROM sync_places WHERE version_pk IN (
            SELECT v.pk FROM versions v JOIN prompts p ON p.pk = v.prompt_pk
            WHERE p.id = ?1 AND (?2 = '[]'
                OR v.id IN (SELECT value FROM json_each(?2))))""",
        (prompt_id, named),
    )


def renumber(connection: sqlite3.Connection, prompt_pk: int) -> list[int]:
    """Give the versions of a prompt the numbers that follow from their places.

    Returns the keys of those whose number has changed.
    """
    found = connection.execute(_ORDER, (prompt_pk,)).fetchall()
    moved = [(-new, pk) for new, (pk, number) in enumerate(found, 1) if number != new]
    set_number = "UPDATE versions SET number = ? WHERE pk = ?"
    connection.executemany(set_number, moved)  # no two may bear one, ever
    connection.executemany(set_number, [(-number, pk) for number, pk in moved])
    return [pk for _, pk in moved]


def is_foreign(connection: sqlite3.Connection, version_id: str, prompt_id: str) -> bool:
    """Tell whether another prompt has this version here."""
    row = connection.execute(_OWNER, (version_id,)).fetchone()
    return row is not None and row[0] != prompt_id


def keep_early(
    connection: sqlite3.Connection, prompt_id: str, versions: Iterable[NewVersion]
) -> None:
    """Keep versions whose prompt has not arrived yet."""
    rows = [(prompt_id, new.id, _to_json(new)) for new in versions]
    connection.executemany(_EARLY, rows)


def take_early(connection: sqlite3.Connection, prompt_id: str) -> list[NewVersion]:
    """Return and forget the versions that came before their prompt."""
    if connection.execute("SELECT 1 FROM sync_early LIMIT 1").fetchone() is None:
        return []
    sql = "DELETE FROM sync_early WHERE item = ? RETURNING version, content"
    rows = connection.execute(sql, (prompt_id,)).fetchall()
    return [_from_json(id_, text) for id_, text in rows]


def early_ids(connection: sqlite3.Connection, prompt_id: str) -> set[str]:
    """Return the versions of a prompt that came before it."""
    sql = "SELECT version FROM sync_early WHERE item = ?"
    return {id_ for (id_,) in connection.execute(sql, (prompt_id,))}


def _to_json(new: NewVersion) -> str:
    body, template, variables = new.content
    wording = [body, template, variables_to_mapping(variables)]
    return json.dumps([*wording, new.message, new.author, new.created_at, new.place])


def _from_json(id_: str, text: str) -> NewVersion:
    body, template, variables, message, (name, email), time, place = json.loads(text)
    content = Content(body, template, variables_from_mapping(variables))
    return NewVersion(id_, content, message, (name, email), time, Place(*place))
