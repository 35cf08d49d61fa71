"""The database of OpenCode and Kilo, since February 2026.

Answers and the output of tools are nearly all of it, so that only the parts of messages
that a person sent are read.
"""

import json
import sqlite3
from collections.abc import Iterator
from itertools import groupby
from typing import NamedTuple

from promptvault.importers.input.candidate import Failure, Items
from promptvault.importers.input.database import open_database, parse_json, tables_in
from promptvault.importers.input.document import Document
from promptvault.importers.input.field import as_object, sanitized
from promptvault.importers.input.json_stream import JsonObject
from promptvault.importers.opencode.session import (
    Message,
    OpenCodeChat,
    Session,
    session_of,
)

_COLUMNS = {
    "session": {"id", "parent_id", "title", "time_created"},
    "message": {"id", "session_id", "time_created", "data"},
    "part": {"id", "message_id", "data"},
}
_NEXT = {"id", "session_id", "type", "time_created", "data"}
_OPTIONAL = ("share_url", "revert", "model")
"""Columns that newer schemas have."""
# The places of the values in their order, oldest session first: to sort the values
# themselves would copy them. A message that a person went back to may be an agent's.
_PLACES = """SELECT (SELECT time_created FROM session WHERE id = m.session_id),
    m.session_id, m.time_created, m.id, p.id, m.rowid, p.rowid
    FROM message m LEFT JOIN part p ON p.message_id = m.id
    WHERE (instr(m.data, '"user"') OR m.id IN (SELECT value FROM json_each(:undone)))"""
# The table of a later program, in which a person's message has one text. While both
# programs are in use, a message may be in both tables.
_NEXT_PLACES = """UNION ALL
    SELECT (SELECT time_created FROM session WHERE id = n.session_id),
    n.session_id, n.time_created, n.id, NULL, NULL, n.rowid
    FROM session_message n
    WHERE n.type = 'user' AND n.id NOT IN (SELECT id FROM message)"""
_ORDER = "ORDER BY 1, 2, 3, 4, 5"
_OF_SESSION = "AND {}.session_id = :session"
_DAMAGE = (sqlite3.Error, ValueError)


class _Place(NamedTuple):
    """The rows of a message and of one of its parts; a row is None if missing."""

    begun: int | float | None
    session: object
    created: int | float | None
    message: object
    part: object
    message_row: int | None
    part_row: int | None


def is_database(document: Document) -> bool:
    """Return True for a database with sessions."""
    tables = tables_in(document)
    return all(
        tables.get(table, frozenset()) >= columns for table, columns in _COLUMNS.items()
    )


def read_database(document: Document) -> Items:
    """Yield the sessions in *document*. A damaged message becomes a Failure.

    Raises ImportSourceError if the list of sessions is damaged.
    """
    tables = tables_in(document)
    columns = tables.get("session", frozenset())
    has_next = tables.get("session_message", frozenset()) >= _NEXT
    with open_database(document) as connection:
        yield from _Reader(connection, document.name).all(columns, has_next)


class _Reader:
    """One open database."""

    def __init__(self, connection: sqlite3.Connection, name: str) -> None:
        self._connection = connection
        self._name = name
        self._failures: list[Failure] = []

    def all(self, columns: frozenset[str], has_next: bool) -> Items:
        """Yield every session that has messages."""
        sessions = dict(self._sessions(columns))
        undone = [each.undone_message for each in sessions.values()]
        values: dict[str, object] = {"undone": json.dumps(list(filter(None, undone)))}
        places = self._places(list(sessions), values, has_next)
        for key, group in groupby(places, key=lambda place: place.session):
            session = sessions.get(key, Session(_text(key)))
            yield from self._session(session, group)
        yield from self._failures

    def _places(
        self, sessions: list[object], values: dict[str, object], has_next: bool
    ) -> Iterator[_Place]:
        """Yield the places in order; if the list is damaged, those of each session."""
        next_places = _NEXT_PLACES if has_next else ""
        sql = f"{_PLACES} {next_places} {_ORDER}"
        try:
            yield from (_Place(*row) for row in self._connection.execute(sql, values))
            return
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError) or not sessions:
                raise  # no damage, but too long a query
        of_next = f"{next_places} {_OF_SESSION.format('n')}" if has_next else ""
        sql = f"{_PLACES} {_OF_SESSION.format('m')} {of_next} {_ORDER}"
        for key in sessions:
            try:
                rows = self._connection.execute(sql, {**values, "session": key})
                yield from (_Place(*row) for row in rows)
            except sqlite3.DatabaseError as error:
                where = f"{self._name}, session {_text(key)}"
                self._failures.append(Failure(where, str(error)))

    def _sessions(self, columns: frozenset[str]) -> Iterator[tuple[object, Session]]:
        extra = ", ".join(name if name in columns else "NULL" for name in _OPTIONAL)
        sql = f"SELECT id, parent_id, title, {extra} FROM session"
        for key, parent, title, url, revert, model in self._connection.execute(sql):
            yield (
                key,
                session_of(
                    _text(key),
                    {
                        "parentID": parent,
                        "title": title,
                        "share": {"url": url},
                        "revert": _object_or_empty(revert),
                        "model": _object_or_empty(model),
                    },
                ),
            )

    def _session(self, session: Session, places: Iterator[_Place]) -> Items:
        chat = OpenCodeChat(session)
        for key, group in groupby(places, key=lambda place: place.message):
            try:
                message = self._message(list(group))
            except _DAMAGE as error:
                yield Failure(f"{self._name}, message {_text(key)}", str(error))
            else:
                yield from chat.add(message)
        yield from chat.finish()

    def _message(self, places: list[_Place]) -> Message:
        """Return a message. Raises ValueError or sqlite3.Error if it is damaged."""
        first = places[0]
        key = _text(first.message)
        if first.message_row is None:
            return self._next_message(key, first)
        data = self._object("message", first.message_row)
        info: JsonObject = {"time": {"created": first.created}, **data}
        parts = [
            (_text(place.part), self._object("part", place.part_row))
            for place in places
            if place.part_row is not None and info.get("role") == "user"
        ]
        return Message(key, info, parts)

    def _next_message(self, key: str, place: _Place) -> Message:
        data = self._object("session_message", place.part_row)
        info: JsonObject = {"role": "user", "time": {"created": place.created}}
        parts: list[tuple[str, JsonObject]] = [
            ("", {"type": "text", "text": data.get("text")})
        ]
        if data.get("files"):
            parts.append(("", {"type": "file"}))
        return Message(key, info, parts)

    def _object(self, table: str, row: int | None) -> JsonObject:
        sql = f"SELECT data FROM {table} WHERE rowid = ?"
        found = self._connection.execute(sql, (row,)).fetchone()
        return as_object(parse_json(found[0] if found else None))


def _text(value: object) -> str:
    return sanitized(value if isinstance(value, str) else str(value))


def _object_or_empty(value: object) -> JsonObject:
    try:
        return as_object(parse_json(value))
    except ValueError:
        return {}
