"""Cursor's files: databases, exports and agents' transcripts."""

import codecs
import re
from collections.abc import Callable
from pathlib import PurePosixPath

from promptvault.importers.cursor import database, markdown, store
from promptvault.importers.cursor.chat import CursorChat
from promptvault.importers.cursor.envelope import (
    SentMessage,
    content_text,
    parse_message,
)
from promptvault.importers.input.candidate import Failure, Items, Skipped
from promptvault.importers.input.document import Document
from promptvault.importers.input.field import as_object, sanitized
from promptvault.importers.input.json_stream import Damaged, JsonObject
from promptvault.importers.input.lines import json_lines, read_lines

SOURCE = "cursor"

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_AGENTS = "subagents"
_ROLES = ("user", "assistant", "system", "tool")
# Keys in other agents' logs, whose lines have a role and a message too.
_OTHERS = frozenset({"uuid", "parentUuid", "sessionId", "type", "id", "timestamp"})
_TURN = re.compile(r"(user|assistant|A|tool|system):\s*")
_FIRST_TURN = re.compile(r"\s*user:\s*\n.*<user_query>", re.DOTALL)
_OPEN, _CLOSE = "<user_query>", "</user_query>"
_HALF_TAG = re.compile(r"\n</?[a-z_]*\Z")


def probe(document: Document) -> bool:
    """Return True for a database, an export or a transcript of Cursor's."""
    if document.is_database:
        return database.probe(document) or store.probe(document)
    if any(map(_is_message, document.sample)):
        return True
    return _is_plain(head := _text(document.head)) or markdown.probe(head)


def read(document: Document) -> Items:
    """Yield the chats in *document*.

    Raises ImportSourceError if nothing in a database can be read, or a file cannot be
    read further.
    """
    yield from _reader(document)(document)


def _reader(document: Document) -> Callable[[Document], Items]:
    if document.is_database:
        is_store = store.probe(document)
        return store.read if is_store else database.read
    head = _text(document.head)
    if markdown.probe(head):
        return markdown.read
    return _read_plain if _is_plain(head) else _read_lines


def _text(head: bytes) -> str:
    is_wide = head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    decoded = head.decode("utf-16" if is_wide else "utf-8-sig", errors="replace")
    return decoded.replace("\r\n", "\n")


def _is_message(value: JsonObject) -> bool:
    message = as_object(value.get("message"))
    return (
        value.get("role") in _ROLES
        and isinstance(message.get("content"), list | str)
        and not _OTHERS & value.keys()
    )


def _is_plain(head: str) -> bool:
    """Return True if it begins like the plain-text transcripts of 2025."""
    return bool(_FIRST_TURN.match(head))


def _read_lines(document: Document) -> Items:
    """Read a transcript with one JSON object a line, without ids; times are in the
    text."""
    chat = _chat(document)
    with document.open() as stream:
        for number, value in json_lines(stream, _may_be_user):
            if isinstance(value, Damaged):
                yield Failure(f"{document.name}, line {number}", value.reason)
            elif as_object(value).get("role") == "user":
                message = as_object(as_object(value).get("message"))
                chat.add(parse_message(content_text(message.get("content"))))
    yield from _finished(document, chat)


def _may_be_user(line: bytes) -> bool:
    return b'"role"' in line and b'"user"' in line


def _read_plain(document: Document) -> Items:
    chat = _chat(document)
    said: list[str] = []
    is_user = is_open = False
    with document.open() as stream:
        for line in read_lines(stream):
            decoded = sanitized(line.decode(errors="replace"))
            found = None if is_open else _TURN.fullmatch(decoded)
            if found:
                chat.add(_query(said))
                is_user, said = found[1] == "user", []
            elif is_user:
                said.append(decoded)
                is_open = (is_open or _OPEN in decoded) and _CLOSE not in decoded
    chat.add(_query(said))
    yield from _finished(document, chat)


def _query(said: list[str]) -> SentMessage | None:
    """Return what a person typed in a turn; without a query it is a tool's output."""
    raw = "\n".join(said)
    return parse_message(_HALF_TAG.sub("", raw)) if _OPEN in raw else None


def _chat(document: Document) -> CursorChat:
    """Return the chat of a transcript: its file or its folder has the chat's id."""
    name = PurePosixPath(document.name).stem
    for part in (name, document.folder):
        if _UUID.fullmatch(part):
            return CursorChat(part.lower(), None)
    return CursorChat(None, name)


def _finished(document: Document, chat: CursorChat) -> Items:
    found = chat.conversation()
    if document.folder != _AGENTS:
        yield found
    else:
        yield Skipped("subagent", len(found.candidates) or 1)
