"""What `opencode export` writes: one session with all of its messages."""

import json
import re
from itertools import islice
from typing import BinaryIO, NamedTuple, cast

from promptvault.importers.input.attachment import without_files
from promptvault.importers.input.candidate import Failure, Items
from promptvault.importers.input.document import Document
from promptvault.importers.input.field import as_object, as_text
from promptvault.importers.input.json_stream import (
    Damaged,
    JsonObject,
    JsonValue,
    json_values,
)
from promptvault.importers.opencode.session import (
    SessionChat,
    message_of,
    session_of,
)

_KEY = re.compile(r"ses_\w+")
_MESSAGES = re.compile(rb',\s*(?="messages"\s*:\s*\[)')

_TRIES = 5


class _Header(NamedTuple):
    """The fields before the messages, and where the messages begin."""

    session: JsonObject
    end: int
    """Bytes before the key "messages"; 0 if the session before it is long."""


def is_export(document: Document) -> bool:
    """Return True for an exported session."""
    return _header(document) is not None


def session_version(document: Document) -> str:
    """Return the version of the program that wrote the session, '' if unknown."""
    header = _header(document)
    return as_text(header.session.get("version")) or "" if header else ""


def read_export(document: Document) -> Items:
    """Yield the session in *document*; a damaged message becomes a Failure."""
    header = _header(document) or _Header({}, 0)
    chat = SessionChat(
        session_of(as_text(header.session.get("id")) or "", header.session)
    )
    with document.open() as stream:
        rest = cast("BinaryIO", _Rest(without_files(stream), header.end))
        for position, value in enumerate(json_values(rest, ("messages",)), 1):
            if isinstance(value, Damaged) or not _is_message(value):
                yield _failure(document, position, value)
            else:
                fields = as_object(value)
                info = as_object(fields.get("info"))
                yield from chat.add(message_of(info, fields.get("parts")))
    yield from chat.finish()


def _header(document: Document) -> _Header | None:
    """Return the header of an export, which begins with the session."""
    starts = document.head.lstrip().startswith(b"{")
    lists = _MESSAGES.finditer(document.head) if starts else ()
    for found in islice(lists, _TRIES):
        try:
            fields = json.loads(document.head[: found.start()] + b"}")
        except (ValueError, RecursionError):
            continue  # a list of that name within the session
        return _checked(as_object(fields), found.end())
    whole = document.sample[0] if document.sample else {}
    return _checked(whole, 0) if isinstance(whole.get("messages"), list) else None


def _checked(fields: JsonObject, end: int) -> _Header | None:
    session = as_object(fields.get("info"))
    key = as_text(session.get("id")) or ""
    return _Header(session, end) if _KEY.fullmatch(key) else None


def _is_message(value: JsonValue) -> bool:
    fields = as_object(value)
    return isinstance(fields.get("info"), dict) and isinstance(
        fields.get("parts"), list
    )


def _failure(document: Document, position: int, value: JsonValue | Damaged) -> Failure:
    reason = value.reason if isinstance(value, Damaged) else "it is not a message"
    return Failure(f"{document.name}, message {position}", reason)


class _Rest:
    """The messages in a stream, as an object of their own."""

    def __init__(self, stream: BinaryIO, before: int) -> None:
        self._stream = stream
        self._before = before
        self._held = b"{" if before else b""

    def read(self, size: int) -> bytes:
        """Return the next bytes; b"" at the end."""
        while self._before > 0 and (skipped := self._stream.read(self._before)):
            self._held += skipped[self._before :]
            self._before -= min(len(skipped), self._before)
        held, self._held = self._held, b""
        return held or self._stream.read(size)
