"""What `opencode export` writes: one session with all of its messages."""

import re
from typing import BinaryIO, cast

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
from promptvault.importers.input.list_header import ListHeader, find_list_header
from promptvault.importers.opencode.session import (
    OpenCodeChat,
    message_of,
    session_of,
)

_KEY = re.compile(r"ses_\w+")
_MESSAGES = "messages"


def is_export(document: Document) -> bool:
    """Return True for an exported session."""
    return _header(document) is not None


def session_version(document: Document) -> str:
    """Return the version of the program that wrote the session, '' if unknown."""
    header = _header(document)
    return as_text(_session(header).get("version")) or "" if header else ""


def read_export(document: Document) -> Items:
    """Yield the session in *document*; a damaged message becomes a Failure."""
    header = _header(document) or ListHeader({}, 0)
    session = _session(header)
    chat = OpenCodeChat(session_of(as_text(session.get("id")) or "", session))
    with document.open() as stream:
        rest = cast("BinaryIO", _Rest(without_files(stream), header.end))
        for position, value in enumerate(json_values(rest, (_MESSAGES,)), 1):
            if isinstance(value, Damaged) or not _is_message(value):
                yield _failure(document, position, value)
            else:
                fields = as_object(value)
                info = as_object(fields.get("info"))
                yield from chat.add(message_of(info, fields.get("parts")))
    yield from chat.finish()


def _header(document: Document) -> ListHeader | None:
    """Return the header of an export, which begins with the session."""
    header = find_list_header(document, _MESSAGES)
    key = as_text(_session(header).get("id")) if header else None
    return header if _KEY.fullmatch(key or "") else None


def _session(header: ListHeader) -> JsonObject:
    return as_object(header.fields.get("info"))


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
