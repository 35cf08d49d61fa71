"""The database of Kiro's command line, and of Amazon Q's before it.

Observed in the reader of aws-bench and tokscale: table ``conversations_v2`` (before,
``conversations``), whose `value` is a JSON object with a `history`.
"""

import sqlite3
from collections.abc import Iterator

from promptvault.importers.conversation.block import typed_text
from promptvault.importers.conversation.session_chat import SessionChat
from promptvault.importers.input.candidate import Conversation, Failure, Items
from promptvault.importers.input.database import (
    Tables,
    open_database,
    parse_json,
    tables_in,
)
from promptvault.importers.input.document import Document
from promptvault.importers.input.field import as_list, as_object, as_text, as_time
from promptvault.importers.input.json_stream import JsonObject

_NEWER, _OLDER = "conversations_v2", "conversations"
_COLUMNS = {"key", "value"}


def is_store(document: Document) -> bool:
    """Return True for a database of Kiro's or Amazon Q's command line."""
    tables = tables_in(document)
    if _NEWER in tables:
        return tables[_NEWER] >= _COLUMNS
    return {_OLDER, "auth_kv"} <= tables.keys()


def read_store(document: Document) -> Items:
    """Yield each conversation in *document*.

    Raises ImportSourceError if the database cannot be read.
    """
    tables = tables_in(document)
    with open_database(document) as connection:
        for number, (key, value) in enumerate(_rows(connection, tables), 1):
            try:
                yield _conversation(as_object(parse_json(value)), as_text(key))
            except ValueError as error:
                yield Failure(f"{document.name}, conversation {number}", str(error))


def _rows(
    connection: sqlite3.Connection, tables: Tables
) -> Iterator[tuple[object, object]]:
    for table in (_NEWER, _OLDER):
        columns = tables.get(table, frozenset())
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
