"""Goose: its database since version 1.10, the older files, and exported sessions.

Observed in the program's public source: a message has a list of contents and metadata,
which says if the person sees it.
"""

import re
from pathlib import PurePosixPath

from promptvault.importers.agents.goose_store import is_store, read_store
from promptvault.importers.agents.goose_text import (
    GooseSession,
    add_message,
    session_chat,
)
from promptvault.importers.input.attachment import without_files
from promptvault.importers.input.candidate import Failure, Items
from promptvault.importers.input.document import Document
from promptvault.importers.input.field import as_list, as_object, as_text
from promptvault.importers.input.json_stream import (
    Damaged,
    JsonObject,
    JsonValue,
    json_values,
)

SOURCE = "goose"

_HEADER = {"working_dir", "description", "message_count", "total_tokens"}
_LEAST = 2
_MESSAGE = {"role", "created", "content"}
_FIELDS = _MESSAGE | {"id", "metadata", "displayContent"}
_CONVERSATION = "conversation"
_NAME = re.compile(r"\d{8}_\d+")


def probe(document: Document) -> bool:
    """Return True for the database, a session in a file, or an exported one."""
    if document.is_database:
        return is_store(document)
    rows = document.sample
    return bool(rows) and (_is_exported(rows[0]) or _is_file(rows))


def read(document: Document) -> Items:
    """Yield the sessions in *document*.

    Raises ImportSourceError if the database is damaged.
    """
    if document.is_database:
        yield from read_store(document)
        return
    session = _session(document.sample[0] if document.sample else {}, document)
    chat = session_chat(session)
    failures = []
    with document.open() as stream:
        values = json_values(without_files(stream), (_CONVERSATION,))
        for position, value in enumerate(values, 1):
            row = {} if isinstance(value, Damaged) else as_object(value)
            if _is_message(row):
                about = as_object(row.get("metadata"))
                add_message(chat, session, row, about, as_text(row.get("id")))
            elif position > 1 or not _is_header(row):
                failures.append(_failure(document, position, value))
    yield chat.conversation()
    yield from failures


def _failure(document: Document, position: int, value: JsonValue | Damaged) -> Failure:
    reason = value.reason if isinstance(value, Damaged) else "it is not a message"
    return Failure(f"{document.name}, message {position}", reason)


def _session(first: JsonObject, document: Document) -> GooseSession:
    stem = PurePosixPath(document.name).stem
    return GooseSession(
        as_text(first.get("id")) or (stem if _NAME.fullmatch(stem) else None),
        as_text(first.get("name")) or as_text(first.get("description")),
        as_text(first.get("session_type")),
        as_object(first.get("recipe")),
        as_object(first.get("user_recipe_values")),
    )


def _is_exported(row: JsonObject) -> bool:
    messages = as_list(row.get(_CONVERSATION))
    return "working_dir" in row and any(map(_is_message, map(as_object, messages[:5])))


def _is_file(rows: tuple[JsonObject, ...]) -> bool:
    if _is_header(rows[0]):
        return len(rows) == 1 or _is_message(rows[1])
    return all(_is_message(row) and row.keys() <= _FIELDS for row in rows)


def _is_header(row: JsonObject) -> bool:
    return len(_HEADER & row.keys()) >= _LEAST


def _is_message(row: JsonObject) -> bool:
    contents = row.get("content")
    return (
        row.keys() >= _MESSAGE
        and row.get("role") in ("user", "assistant")
        and type(row.get("created")) is int
        and isinstance(contents, list)
        and all(as_text(as_object(each).get("type")) for each in contents)
    )
