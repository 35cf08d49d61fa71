"""Kiro: sessions of its command line and of the editor, in all the forms found.

Observed in the readers of agentsview, deja-vu and tokscale. None of them was seen in a
real file of our own.

=====================  ==============================================================
lines of prompts       ``~/.kiro/sessions/cli/<id>.jsonl``: ``{kind, data}``
lines of payloads      ``~/.kiro/sessions/<workspace>/sess_<id>/messages.jsonl``
session of the editor  ``workspace-sessions/<workspace>/<id>.json``: ``{history}``
older editor           ``<workspace>/<hash>.chat``: ``{chat, metadata}``
database               ``kiro-cli/data.sqlite3``: `kiro_store`
=====================  ==============================================================
"""

import re
from pathlib import PurePosixPath

from promptvault.importers.agents import kiro_store
from promptvault.importers.conversation.block import typed_text
from promptvault.importers.conversation.session_chat import SessionChat
from promptvault.importers.input.candidate import Conversation, Failure, Items
from promptvault.importers.input.document import Document
from promptvault.importers.input.field import as_list, as_object, as_text, as_time
from promptvault.importers.input.json_stream import (
    Damaged,
    JsonObject,
    JsonValue,
    json_values,
)
from promptvault.importers.input.log_record import log_records

SOURCE = "kiro"

_LINE_KINDS = ("Prompt", "AssistantMessage", "ToolResults", "Compaction", "Clear")
_PAYLOADS = frozenset(
    """user assistant tool_call tool_result turn_start turn_end session_start
    session_metadata session_event usage_summary""".split()
)
_WANTED = re.compile(rb'"kind": ?"Prompt"|"type": ?"user"')
_SYSTEM = (
    "# System Prompt",
    "# Identity",
    "<identity>",
    "## Included Rules",
    "You are operating in a workspace",
)
_CONTEXT = re.compile(
    r"\s*<(EnvironmentContext|steering-reminder)>.*?</\1>\s*", re.DOTALL
)
_OPENING, _CLOSING = "<kiro-ide-message>", "</kiro-ide-message>"


def probe(document: Document) -> bool:
    """Return True for a session of Kiro."""
    if document.is_database:
        return kiro_store.is_store(document)
    kinds = (_is_line, _is_payload, _is_session, _is_chat)
    return any(is_kind(value) for value in document.sample for is_kind in kinds)


def read(document: Document) -> Items:
    """Yield the sessions in *document*, and what could not be read.

    Raises ImportSourceError if the file cannot be read further.
    """
    if document.is_database:
        return kiro_store.read_store(document)
    if any(_is_line(value) or _is_payload(value) for value in document.sample):
        return _read_lines(document)
    return _read_objects(document)


def _is_line(value: JsonObject) -> bool:
    data = value.get("data")
    return (
        value.get("kind") in _LINE_KINDS
        and isinstance(data, dict)
        and ("message_id" in data or "version" in value)
    )


def _is_payload(value: JsonObject) -> bool:
    payload = as_object(value.get("payload"))
    kind = payload.get("type")
    is_known = isinstance(kind, str) and kind in _PAYLOADS
    return is_known and "timestamp" in value and "type" not in value


def _is_session(value: JsonObject) -> bool:
    """Return True for a session of the editor; Continue's have no executions."""
    history = as_list(value.get("history"))
    has_execution = any("executionId" in as_object(entry) for entry in history)
    return has_execution and {"sessionId", "workspaceDirectory"} <= value.keys()


def _is_chat(value: JsonObject) -> bool:
    return isinstance(value.get("chat"), list) and "executionId" in value


def _read_lines(document: Document) -> Items:
    path = PurePosixPath(document.name)
    chat = SessionChat(path.stem if path.stem != "messages" else document.folder)
    for record in log_records(document, _WANTED):
        if isinstance(record, Failure):
            yield record
        elif _is_line(record) and record["kind"] == "Prompt":
            _add_line(chat, as_object(record["data"]))
        elif as_object(record.get("payload")).get("type") == "user":
            payload = as_object(record["payload"])
            body = _typed(payload.get("content"))
            if body is None and payload.get("images"):
                body = ""
            made, key = as_time(record.get("timestamp")), as_text(record.get("id"))
            chat.add_typed(body, made, key)
    yield chat.conversation()


def _add_line(chat: SessionChat, data: JsonObject) -> None:
    blocks: list[JsonValue] = [
        {"type": block.get("kind"), "text": block.get("data")}
        for block in map(as_object, as_list(data.get("content")))
    ]
    made = as_time(as_object(data.get("meta")).get("timestamp"))
    chat.add_typed(_typed(blocks), made, as_text(data.get("message_id")))


def _read_objects(document: Document) -> Items:
    with document.open() as stream:
        for number, value in enumerate(json_values(stream, ()), 1):
            where = f"{document.name}, session {number}"
            if isinstance(value, Damaged):
                yield Failure(where, value.reason)
            elif isinstance(value, dict) and isinstance(value.get("history"), list):
                yield _session(value)
            elif isinstance(value, dict) and isinstance(value.get("chat"), list):
                yield _chat(value)
            else:
                yield Failure(where, "it is not a session of Kiro")


def _session(session: JsonObject) -> Conversation:
    key, title = as_text(session.get("sessionId")), as_text(session.get("title"))
    chat = SessionChat(key, title)
    for entry in map(as_object, as_list(session["history"])):
        message = as_object(entry.get("message"))
        if message.get("role") == "user":
            body = _typed(message.get("content"))
            chat.add_typed(body, None, as_text(message.get("id")))
    return chat.conversation()


def _chat(session: JsonObject) -> Conversation:
    """Return a chat of the older editor, which stored one file for each answer: the
    same prompts are in several files."""
    metadata = as_object(session.get("metadata"))
    chat = SessionChat(as_text(metadata.get("workflowId")))
    chat.model = as_text(metadata.get("modelId"))
    made = as_time(metadata.get("startTime"))
    for message in map(as_object, as_list(session["chat"])):
        if message.get("role") == "human":
            body = _typed(message.get("content"))
            chat.add_typed(body, made, None)
    return chat.conversation()


def _typed(content: JsonValue) -> str | None:
    body = typed_text(content)
    if not body or body.lstrip().startswith(_SYSTEM):
        return "" if body == "" else None
    body = body.strip() if _OPENING in body else body
    body = body.removeprefix(_OPENING).removesuffix(_CLOSING)
    body = _CONTEXT.sub("", body) if _CONTEXT.match(body) else body
    return body.strip("\n") or None
