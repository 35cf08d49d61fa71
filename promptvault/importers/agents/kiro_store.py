"""The database of Kiro's command line, and of Amazon Q's before it.

Observed in the reader of aws-bench and tokscale: table ``conversations_v2`` (before,
``conversations``), whose `value` is a JSON object with a `history`.
"""

import sqlite3
from collections.abc import Iterator

from promptvault.errors import ImportSourceError
from promptvault.importers.conversation.block import typed_text
from promptvault.importers.conversation.session_chat import SessionChat
from promptvault.importers.input.candidate import Conversation, Failure, Items
from promptvault.importers.input.database import (
    column_names,
    open_database,
    table_names,
)
from promptvault.importers.input.document import Document
from promptvault.importers.input.field import as_list, as_object, as_text, as_time
from promptvault.importers.input.json_stream import Damaged, JsonObject
from promptvault.importers.input.lines import parse_json_line

_NEWER, _OLDER = "conversations_v2", "conversations"
_COLUMNS = {"key", "value"}


def is_store(document: Document) -> bool:
    """Return True for a database of Kiro's or Amazon Q's command line."""
    names = table_names(document)
    if _NEWER not in names:
        return {_OLDER, "auth_kv"} <= names
    try:
        with open_database(document) as connection:
            return column_names(connection, _NEWER) >= _COLUMNS
    except ImportSourceError:
        return False


def read_store(document: Document) -> Items:
    """Yield each conversation in *document*.

    Raises ImportSourceError if the database cannot be read.
    """
    with open_database(document) as connection:
        for number, (key, value) in enumerate(_rows(connection), 1):
            data = value.encode(errors="replace") if isinstance(value, str) else value
            found = parse_json_line(number, data if isinstance(data, bytes) else b"")
            where = f"{document.name}, conversation {number}"
            if isinstance(found, Damaged):
                yield Failure(where, found.reason)
            else:
                yield _conversation(as_object(found), as_text(key))


def _rows(connection: sqlite3.Connection) -> Iterator[tuple[object, object]]:
    for table in (_NEWER, _OLDER):
        columns = column_names(connection, table)
        if columns >= _COLUMNS:
            key = "conversation_id" if "conversation_id" in columns else "NULL"
            yield from connection.execute(f"SELECT {key}, value FROM {table}")


def _conversation(value: JsonObject, key: str | None) -> Conversation:
    chat = SessionChat(key or as_text(value.get("conversation_id")))
    chat.model = as_text(as_object(value.get("model_info")).get("model_id"))
    for entry in map(as_object, as_list(value.get("history"))):
        user = as_object(entry.get("user"))
        prompt = as_object(as_object(user.get("content")).get("Prompt"))
        request = as_object(entry.get("request_metadata"))
        started = request.get("request_start_timestamp_ms")
        made = as_time(user.get("timestamp")) or as_time(started)
        chat.add_typed(typed_text(prompt.get("prompt")), made, None)
    return chat.conversation()
