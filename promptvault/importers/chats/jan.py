"""Threads that Jan stores: `threads/<id>/thread.json` and `messages.jsonl`.

Both follow the objects of OpenAI's Assistants API. Jan's source code says what they
hold; a list of attached files in a message is written by Jan.
"""

import json
import re
from typing import NamedTuple

from promptvault.importers.conversation import turn_list
from promptvault.importers.conversation.message_file import read_messages
from promptvault.importers.conversation.message_list import SystemPrompts, join_parts
from promptvault.importers.conversation.turn_list import Turn
from promptvault.importers.input.candidate import Candidate, Conversation, Draft, Items
from promptvault.importers.input.document import Document
from promptvault.importers.input.field import as_list, as_object, as_text, as_time
from promptvault.importers.input.json_stream import JsonObject

SOURCE = "jan"

_MESSAGE = "thread.message"
_LARGEST_THREAD = 1 << 20
_FILES, _FILES_END = "[ATTACHED_FILES]", "[/ATTACHED_FILES]"
# How the instructions begin that Jan gives to its own assistant.
_UNWRITTEN = re.compile(
    "You are a helpful AI assistant. Your primary goal is to assist users with|"
    "You have access to a set of tools to help you answer the user"
)


class _Thread(NamedTuple):
    """What is known about a thread."""

    key: str | None
    title: str | None
    model: str | None


def probe(document: Document) -> bool:
    """Return True for the messages of a thread, and for the thread itself."""
    return any(_is_message(each) or _is_thread(each) for each in document.sample)


def read(document: Document) -> Items:
    """Yield the messages in *document*, or the instructions, and then what could not be
    read.

    Raises ImportSourceError if the file cannot be read further.
    """
    if any(map(_is_thread, document.sample)):
        yield _instructions(document)
        return
    messages, failures = read_messages(document)
    if messages or not failures:
        yield _conversation(messages, _thread_of(document))
    yield from failures


def _is_message(value: JsonObject) -> bool:
    return value.get("object") == _MESSAGE and "thread_id" in value


def _is_thread(value: JsonObject) -> bool:
    return value.get("object") == "thread" and isinstance(value.get("assistants"), list)


def _instructions(document: Document) -> Conversation:
    """Return the instructions of the thread's assistants."""
    system_prompts = SystemPrompts()
    found: list[Candidate] = []
    for thread in document.sample:
        for assistant in map(as_object, as_list(thread.get("assistants"))):
            body = as_text(assistant.get("instructions"))
            title = as_text(assistant.get("assistant_name"))
            if body and not _UNWRITTEN.match(body):
                found += system_prompts.candidates([body], title)
    return Conversation(tuple(found))


def _conversation(messages: list[JsonObject], thread: _Thread) -> Conversation:
    ordered = turn_list.in_order(
        (as_time(message.get("created_at")), message) for message in messages
    )
    keys = (as_text(message.get("thread_id")) for message in ordered)
    return turn_list.build_conversation(
        (_turn(message, thread.model) for message in ordered),
        key=next(filter(None, keys), thread.key),
        title=thread.title,
    )


def _turn(message: JsonObject, model: str | None) -> Turn:
    if turn_list.is_deleted(message):
        return None
    body = _typed(join_parts(message.get("content")) or "")
    made = as_time(message.get("created_at"))
    return [Draft(body, made, as_text(message.get("id")), model)] if body else []


def _typed(content: str) -> str | None:
    """Return *content* without the list of files at its end."""
    text, _, rest = content.partition(_FILES)
    return as_text(text.rstrip() if _FILES_END in rest else content)


def _thread_of(document: Document) -> _Thread:
    """Return what the file next to the messages says about their thread."""
    if not document.path:
        return _Thread(None, None, None)
    try:
        with document.path.with_name("thread.json").open("rb") as stream:
            thread = as_object(json.loads(stream.read(_LARGEST_THREAD)))
    except (OSError, ValueError, RecursionError):
        thread = {}
    assistants = [as_object(each) for each in as_list(thread.get("assistants"))]
    model = as_object(assistants[0].get("model")) if assistants else {}
    return _Thread(
        as_text(thread.get("id")),
        as_text(thread.get("title")),
        as_text(model.get("id")),
    )
