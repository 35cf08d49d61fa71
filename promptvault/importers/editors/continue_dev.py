"""Continue's sessions: `~/.continue/sessions/<id>.json`.

The types are in `core/index.d.ts` of Continue's source. The list of all sessions,
`sessions.json`, has no messages.
"""

import re
from collections.abc import Iterator
from functools import partial
from pathlib import PurePosixPath
from typing import BinaryIO

from promptvault.domain.digest import digest
from promptvault.importers.conversation.command import (
    SLASH_COMMAND,
    is_bare_command,
    is_command,
)
from promptvault.importers.conversation.linear_chat import LinearChat
from promptvault.importers.conversation.message_list import is_message, message_text
from promptvault.importers.input.attachment import without_files
from promptvault.importers.input.candidate import NO_TEXT, Draft, Failure, Items
from promptvault.importers.input.damaged_object import objects_with
from promptvault.importers.input.document import Document
from promptvault.importers.input.field import as_list, as_object, as_text
from promptvault.importers.input.json_stream import Damaged, JsonObject
from promptvault.importers.input.value_filter import without_values

SOURCE = "continue"

_HISTORY = "history"
_UNUSED = re.compile(
    rb'"(?:contextItems|toolCallStates|prompt|completion|appliedRules)"\s*+:'
)
"""Before files and whole requests to a model, which are many times as long as what was
typed."""
_COMMANDS = ("prompt-block", "slashcommand")
_MARKS = ("workspaceDirectory", "contextItems", "editorState", "promptLogs")


def probe(document: Document) -> bool:
    """Return True for a session of Continue."""
    return any(map(_is_session, document.sample))


def read(document: Document) -> Items:
    """Yield the prompts of each session in *document*, usually one.

    Raises ImportSourceError if the file cannot be read further.
    """
    for index, value in enumerate(objects_with(_HISTORY, partial(_open, document))):
        if isinstance(value, dict) and _HISTORY in value:
            yield from _session(value, PurePosixPath(document.name).stem)
        else:
            reason = value.reason if isinstance(value, Damaged) else "it is no session"
            yield Failure(f"{document.name}, item {index + 1}", reason)


def _open(document: Document) -> BinaryIO:
    return without_values(without_files(document.open()), _UNUSED)


def _is_session(value: JsonObject) -> bool:
    if any(map(_is_typed_step, _steps(value))):
        return True
    items = [as_object(item) for item in as_list(value.get(_HISTORY))[:5]]
    if any("executionId" in item for item in items):
        return False  # it is Kiro's, which is built on Continue
    if not any(is_message(_message(item)) for item in items):
        return False
    return any(mark in each for mark in _MARKS for each in (value, *items))


def _message(item: JsonObject) -> JsonObject:
    """Return the message of an item; older items are messages themselves."""
    return as_object(item.get("message")) or item


def _session(value: JsonObject, name: str) -> Items:
    about = as_object(value.get("session_info"))
    key = as_text(value.get("sessionId")) or as_text(about.get("session_id"))
    title = as_text(value.get("title")) or as_text(about.get("title"))
    chat = LinearChat(key or name, title or "")
    for step in filter(_is_typed_step, _steps(value)):
        _add(chat, as_text(step.get("user_input")) or as_text(step.get("description")))
    for item in map(as_object, as_list(value.get(_HISTORY))):
        _read_item(item, chat, as_text(value.get("chatModelTitle")))
    yield from chat.take_complete()
    yield from chat.finish()


def _read_item(item: JsonObject, chat: LinearChat, usual_model: str | None) -> None:
    message = _message(item)
    if message.get("role") == "user":
        _add(chat, _typed(item, message), as_text(message.get("id")))
    elif message.get("role") == "assistant":
        logs = map(as_object, as_list(item.get("promptLogs")))
        models = (as_text(each.get("modelTitle")) for each in logs)
        if model := next(filter(None, models), usual_model):
            chat.set_model(model)


def _add(chat: LinearChat, body: str | None, key: str | None = None) -> None:
    if not body:
        chat.skipped[NO_TEXT] += 1
    elif is_bare_command(body):
        chat.skipped[SLASH_COMMAND] += 1
    else:
        key = key or digest(body).hex()
        chat.add(Draft(body, message_id=key, is_command=is_command(body)))


def _typed(item: JsonObject, message: JsonObject) -> str | None:
    """Return what was typed: the message has selected code and prompt files, too."""
    nodes = as_list(as_object(item.get("editorState")).get("content"))
    lines = map(_line, map(as_object, nodes))
    found = as_text("\n".join(line for line in lines if line is not None).strip())
    return found or message_text(message)


def _line(node: JsonObject) -> str | None:
    """Return the text of a part of the editor, None for code and images."""
    if node.get("type") == "paragraph":
        return "".join(map(_inline, map(as_object, as_list(node.get("content")))))
    return _inline(node) if node.get("type") in _COMMANDS else None


def _inline(node: JsonObject) -> str:
    attributes = as_object(node.get("attrs"))
    item = as_object(attributes.get("item"))
    match node.get("type"):
        case "text":
            return as_text(node.get("text")) or " "
        case "hardBreak":
            return "\n"
        case "mention":
            shown = (attributes.get(name) for name in ("renderInlineAs", "label"))
            return next(filter(None, map(as_text, shown)), "")
        case kind if kind in _COMMANDS:
            name = as_text(item.get("name")) or as_text(attributes.get("label")) or ""
            return f"/{name.removeprefix('/')} "
        case _:
            return ""


def _steps(value: JsonObject) -> Iterator[JsonObject]:
    """Yield the steps of a session of 2023."""
    timeline = as_list(as_object(value.get(_HISTORY)).get("timeline"))
    for node in map(as_object, timeline):
        yield as_object(node.get("step"))


def _is_typed_step(step: JsonObject) -> bool:
    """Return True for a step of the person; others repeat its `user_input`."""
    return "user_input" in step and (
        step.get("class_name") == "UserInputStep" or step.get("name") == "User Input"
    )
