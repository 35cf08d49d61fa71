"""Zed's text threads: files named `*.zed.json`, in which one text holds all turns.

Observed in the editor's public source. Each message has the offset in bytes at which
it begins, and the commands that inserted text have their ranges.
"""

from collections.abc import Iterator

from promptvault.importers.conversation.session_chat import SessionChat
from promptvault.importers.input.candidate import Items
from promptvault.importers.input.document import Document
from promptvault.importers.input.field import as_list, as_object, as_text, sanitized
from promptvault.importers.input.json_stream import JsonObject, JsonValue

_KIND = "context"


def is_text_thread(document: Document) -> bool:
    """Return True for a text thread, whatever its version."""
    values = document.sample
    return len(values) == 1 and _is_thread(values[0])


def read_text_thread(document: Document) -> Items:
    """Yield the thread in *document*, which has no times."""
    thread = document.sample[0] if document.sample else {}
    key = as_text(thread.get("id"))
    chat = SessionChat(key, as_text(thread.get("summary")))
    for number, body in _typed(thread):
        chat.add_typed(body, None, f"{key}/{number}")
    yield chat.conversation()


def _is_thread(value: JsonObject) -> bool:
    return (
        value.get("zed") == _KIND
        and isinstance(value.get("text"), str)
        and isinstance(value.get("messages"), list)
    )


def _typed(thread: JsonObject) -> Iterator[tuple[int, str]]:
    """Yield the number and the text of each message of the person."""
    data = str(thread.get("text")).encode(errors="replace")
    messages = [as_object(each) for each in as_list(thread.get("messages"))]
    starts = [_offset(each.get("start")) for each in messages]
    ends = [*starts[1:], len(data)]
    inserted = list(_inserted(thread))
    for number, message in enumerate(messages):
        if _role(thread, message) == "user":
            found = _without(data, starts[number], ends[number], inserted)
            yield number, sanitized(found.decode(errors="replace")).strip()


def _role(thread: JsonObject, message: JsonObject) -> str:
    """Return the role of a message; before version 0.4 it is stored apart."""
    apart = as_object(thread.get("message_metadata"))
    about = message.get("metadata") or apart.get(str(message.get("id")))
    return str(as_object(about).get("role")).lower()


def _inserted(thread: JsonObject) -> Iterator[tuple[int, int]]:
    for each in as_list(thread.get("slash_command_output_sections")):
        place = as_object(as_object(each).get("range"))
        yield _offset(place.get("start")), _offset(place.get("end"))


def _without(
    data: bytes, start: int, end: int, inserted: list[tuple[int, int]]
) -> bytes:
    """Return the bytes from *start* to *end* without those that were inserted."""
    kept = []
    for first, last in sorted(inserted):
        if start <= first < last <= end:
            kept.append(data[start:first])
            start = last
    return b"".join([*kept, data[start:end]])


def _offset(value: JsonValue) -> int:
    return value if isinstance(value, int) and value > 0 else 0
