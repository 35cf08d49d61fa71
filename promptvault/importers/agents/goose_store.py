"""The database of Goose: tables `sessions` and `messages`."""

import sqlite3
from itertools import groupby

from promptvault.importers.agents.goose_text import (
    GooseSession,
    add_message,
    session_chat,
)
from promptvault.importers.conversation.session_chat import SessionChat
from promptvault.importers.input.candidate import Failure, Items
from promptvault.importers.input.database import (
    Tables,
    open_database,
    parse_json,
    tables_in,
)
from promptvault.importers.input.document import Document
from promptvault.importers.input.field import as_object, as_text
from promptvault.importers.input.json_stream import JsonObject

_COLUMNS = {
    "sessions": {"id", "working_dir"},
    "messages": {"id", "session_id", "role", "content_json", "created_timestamp"},
}
_OPTIONAL = (
    *("name", "description", "session_type", "recipe_json"),
    "user_recipe_values_json",
)
# The values are read one by one in this order, as a result of a tool may be large.
_ORDER = """SELECT session_id, rowid FROM messages WHERE role = 'user'
    ORDER BY session_id, created_timestamp, id"""
_DAMAGE = (sqlite3.Error, ValueError)


def is_store(document: Document) -> bool:
    """Return True for a database with sessions."""
    tables = tables_in(document)
    return all(
        tables.get(table, frozenset()) >= columns for table, columns in _COLUMNS.items()
    )


def read_store(document: Document) -> Items:
    """Yield the sessions in *document*. A damaged message becomes a Failure.

    Raises ImportSourceError if the list of sessions or messages is damaged.
    """
    tables = tables_in(document)
    with open_database(document) as connection:
        sessions = _sessions(connection, tables)
        for key, group in groupby(connection.execute(_ORDER), key=lambda row: row[0]):
            session = sessions.get(key, GooseSession(as_text(key)))
            chat = session_chat(session)
            for _, row in group:
                try:
                    _add(connection, tables, row, chat, session)
                except _DAMAGE as error:
                    yield Failure(f"{document.name}, message {row}", str(error))
            yield chat.conversation()


def _sessions(
    connection: sqlite3.Connection, tables: Tables
) -> dict[object, GooseSession]:
    columns = tables.get("sessions", frozenset())
    names = ", ".join(name if name in columns else "NULL" for name in _OPTIONAL)
    rows = connection.execute(f"SELECT id, {names} FROM sessions")
    return {
        key: GooseSession(
            as_text(key),
            as_text(name) or as_text(description),
            as_text(kind),
            _object_or_empty(recipe),
            _object_or_empty(values),
        )
        for key, name, description, kind, recipe, values in rows
    }


def _add(
    connection: sqlite3.Connection,
    tables: Tables,
    row: int,
    chat: SessionChat,
    session: GooseSession,
) -> None:
    """Add a message. Raises ValueError or sqlite3.Error if it is damaged."""
    columns = tables.get("messages", frozenset())
    metadata = "metadata_json" if "metadata_json" in columns else "NULL"
    id_ = "message_id" if "message_id" in columns else "NULL"
    sql = f"""SELECT {id_}, content_json, created_timestamp, {metadata}
        FROM messages WHERE rowid = ?"""
    found = connection.execute(sql, (row,)).fetchone() or (None,) * 4
    key, contents, created, about = found
    message: JsonObject = {
        "role": "user",
        "content": parse_json(contents),
        "created": created,
    }
    number = f"{session.key}/{row}"
    add_message(chat, session, message, _object_or_empty(about), as_text(key) or number)


def _object_or_empty(value: object) -> JsonObject:
    try:
        return as_object(parse_json(value))
    except ValueError:
        return {}
