"""Databases of Cursor's command-line agent (store.db): one for each chat."""

import contextlib
import re
import sqlite3
from typing import NamedTuple

from promptvault.domain.digest import digest
from promptvault.errors import ImportSourceError
from promptvault.importers.cursor.chat import CursorChat
from promptvault.importers.cursor.envelope import (
    SentMessage,
    content_text,
    parse_message,
)
from promptvault.importers.input.candidate import Conversation, Failure, Items, Skipped
from promptvault.importers.input.database import (
    open_database,
    parse_json,
    table_names,
)
from promptvault.importers.input.document import Document
from promptvault.importers.input.field import as_object, as_text, as_time
from promptvault.importers.input.json_stream import JsonObject

_TABLES = frozenset({"blobs", "meta"})
_USER_MARK = re.compile(rb'\A\{.*?"role"\s*:\s*"user"', re.DOTALL)
_UNNAMED = "New Agent"
_MESSAGE = b"\x0a\x20"
"""Start of a message's name in a root: field 1, the 32 bytes of a SHA-256."""


class _Message(NamedTuple):
    """What a person sent, and the id of the request."""

    key: str | None = None
    sent: SentMessage | None = None


def probe(document: Document) -> bool:
    """Return True for the database of a chat with the command-line agent."""
    if not table_names(document) >= _TABLES:
        return False
    try:
        with open_database(document) as connection:
            connection.text_factory = bytes
            return "latestRootBlobId" in _meta(connection)
    except (ImportSourceError, ValueError):
        return False


def read(document: Document) -> Items:
    """Yield the chat in *document*. Raises ImportSourceError if it is damaged."""
    with open_database(document) as connection:
        connection.text_factory = bytes
        try:
            meta = _meta(connection)
        except ValueError as error:
            raise ImportSourceError(f"what it says of the chat: {error}") from error
        root = _blob(connection, as_text(meta.get("latestRootBlobId")) or "")
        yield from _chat(connection, document.name, meta, _listed(root))


def _meta(connection: sqlite3.Connection) -> JsonObject:
    """Return the one record about the chat: JSON in hexadecimal digits."""
    row = connection.execute("SELECT value FROM meta WHERE key = '0'").fetchone()
    value = row[0] if row else None
    if not isinstance(value, bytes):
        raise ValueError("it has no record of it")
    return as_object(parse_json(bytes.fromhex(value.decode(errors="replace"))))


def _blob(connection: sqlite3.Connection, key: str) -> bytes:
    sql = "SELECT data FROM blobs WHERE id = ?"
    row = connection.execute(sql, (key,)).fetchone()
    return row[0] if row and isinstance(row[0], bytes) else b""


def _listed(root: bytes) -> list[str]:
    """Return the ids of the current messages: field 1 of a protocol buffer,
    repeated."""
    found = []
    start = 0
    while root.startswith(_MESSAGE, start) and len(root) >= start + 34:
        found.append(root[start + 2 : start + 34].hex())
        start += 34
    return found


def _chat(
    connection: sqlite3.Connection, name: str, meta: JsonObject, listed: list[str]
) -> Items:
    title = as_text(meta.get("name"))
    chat = CursorChat(
        as_text(meta.get("agentId")),
        None if title == _UNNAMED else title,
        as_time(meta.get("createdAt")),
        as_text(meta.get("lastUsedModel")),
    )
    every = _keys(connection)
    for key in listed or every:
        try:
            message = _message(connection, key)
        except ValueError as error:
            yield Failure(f"{name}, message {key}", str(error))
        else:
            chat.add(message.sent, message.key)
    found = chat.conversation()
    known = {digest(each.drafts[-1].body) for each in found.candidates}
    unlisted = set(every).difference(listed) if listed else ()
    left = sum(_is_new(connection, key, known) for key in unlisted)
    if as_object(meta.get("subagentInfo")):
        yield Skipped("subagent", len(found.candidates))
    else:
        skipped = found.skipped | ({"abandoned branch": left} if left else {})
        yield Conversation(found.candidates, skipped)


def _keys(connection: sqlite3.Connection) -> list[str]:
    """Return the ids of all blobs, oldest first."""
    rows = connection.execute("SELECT id FROM blobs ORDER BY rowid")
    return [row[0].decode(errors="replace") for row in rows if row[0]]


def _message(connection: sqlite3.Connection, key: str) -> _Message:
    """Return a person's message; an empty one for any other, which is not parsed."""
    data = _blob(connection, key)
    if not _USER_MARK.match(data):
        return _Message()
    message = as_object(parse_json(data))
    if message.get("role") != "user":
        return _Message()
    options = as_object(as_object(message.get("providerOptions")).get("cursor"))
    sent = parse_message(content_text(message.get("content")))
    return _Message(as_text(options.get("requestId")), sent)


def _is_new(connection: sqlite3.Connection, key: str, known: set[bytes]) -> bool:
    with contextlib.suppress(ValueError):
        sent = _message(connection, key).sent
        return bool(sent and sent.body and digest(sent.body) not in known)
    return False
