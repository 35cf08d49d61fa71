"""Zed's agent: the threads in `threads.db`, of every version, and text threads.

Observed in the editor's public source. A row holds one thread as JSON, compressed or
not. Version 0.3 names the sender of a message by its only key, older versions by a
role; before 0.1 a message has one text.
"""

import sqlite3
from collections.abc import Iterator

from promptvault.importers.conversation.session_chat import SessionChat
from promptvault.importers.editors.zed_text import (
    is_text_thread,
    read_text_thread,
)
from promptvault.importers.input.candidate import Conversation, Failure, Items
from promptvault.importers.input.database import open_database, parse_json, tables_in
from promptvault.importers.input.document import Document
from promptvault.importers.input.field import as_list, as_object, as_text, as_time
from promptvault.importers.input.json_stream import JsonObject, JsonValue
from promptvault.importers.input.zstandard_frame import decompressed

SOURCE = "zed"

_TABLE = "threads"
_COLUMNS = {"id", "summary", "updated_at", "data_type", "data"}
_OPTIONAL = ("parent_id", "created_at")
_DAMAGE = (sqlite3.Error, ValueError)


def probe(document: Document) -> bool:
    """Return True for the database of threads, or a text thread."""
    if document.is_database:
        return tables_in(document).get(_TABLE, frozenset()) >= _COLUMNS
    return is_text_thread(document)


def read(document: Document) -> Items:
    """Yield the threads in *document*. A damaged thread becomes a Failure.

    Raises ImportSourceError if the list of threads is damaged.
    """
    return _threads(document) if document.is_database else read_text_thread(document)


def _threads(document: Document) -> Items:
    columns = tables_in(document).get(_TABLE, frozenset())
    names = ", ".join(name if name in columns else "NULL" for name in _OPTIONAL)
    with open_database(document) as connection:
        rows = connection.execute(f"SELECT rowid, id, {names} FROM {_TABLE}")
        for row, key, parent, created in rows:
            try:
                thread = _thread(connection, row)
            except _DAMAGE as error:
                yield Failure(f"{document.name}, thread {row}", str(error))
            else:
                is_child = bool(as_text(parent))
                yield _conversation(thread, as_text(key), created, is_child)


def _thread(connection: sqlite3.Connection, row: int) -> JsonObject:
    """Return one thread. Raises ValueError or sqlite3.Error if it is damaged."""
    sql = f"SELECT data_type, data FROM {_TABLE} WHERE rowid = ?"
    kind, data = connection.execute(sql, (row,)).fetchone() or ("", None)
    if kind == "zstd":
        data = decompressed(data if isinstance(data, bytes) else b"")
    elif kind != "json":
        raise ValueError("it is stored in an unknown way")
    return as_object(parse_json(data))


def _conversation(
    thread: JsonObject, key: str | None, created: object, is_child: bool
) -> Conversation:
    """Return the prompts of *thread*. Messages have no times, the thread has one."""
    title = as_text(thread.get("title")) or as_text(thread.get("summary"))
    chat = SessionChat(key, title)
    chat.set_model(as_text(as_object(thread.get("model")).get("model")))
    made = as_time(created) or as_time(thread.get("updated_at"))
    for position, message in enumerate(_by_person(thread.get("messages"))):
        body = _typed(message)
        if body and (is_child or as_object(thread.get("subagent_context"))):
            chat.skipped["subagent"] += 1
        else:
            number = as_text(message.get("id")) or f"{key}/{position}"
            chat.add_typed(body, None if position else made, number)
    return chat.conversation()


def _by_person(messages: JsonValue) -> Iterator[JsonObject]:
    """Yield the messages of the person; others are of an agent, or only a word."""
    for message in map(as_object, as_list(messages)):
        sent = message.get("User")
        if isinstance(sent, dict):
            yield sent
        elif str(message.get("role")).lower() == "user" and not message.get(
            "tool_results"
        ):
            yield message


def _typed(message: JsonObject) -> str | None:
    """Return the text of a message; "" if it is an image or a mention, None if the
    editor sent it."""
    if message.get("is_hidden") is True:
        return None
    return "\n".join(_texts(message)).strip()


def _texts(message: JsonObject) -> Iterator[str]:
    contents = message.get("content") or message.get("segments")
    for each in as_list(contents):
        part = as_object(each)
        said = as_text(part.get("Text"))
        if part.get("type") == "text":
            said = as_text(part.get("text"))
        if said:
            yield said
    if said := as_text(message.get("text")):
        yield said
