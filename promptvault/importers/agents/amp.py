"""Amp: threads that builds until March 2026 stored on the computer, and exported ones.

Observed in the readers of agentsview and deja-vu:
``~/.local/share/amp/threads/T-<id>.json`` is ``{id, title, created, messages, env}``.
Newer builds keep threads on the server. Not seen in a real file of our own.
"""

import re

from promptvault.importers.conversation.block import typed_text
from promptvault.importers.conversation.session_chat import SessionChat
from promptvault.importers.input.candidate import Conversation, Failure, Items
from promptvault.importers.input.document import Document
from promptvault.importers.input.field import as_list, as_object, as_text, as_time
from promptvault.importers.input.json_stream import Damaged, JsonObject, json_values

SOURCE = "amp"

_KEY = re.compile(r"T-[\w-]+")


def probe(document: Document) -> bool:
    """Return True for a thread of Amp."""
    return any(map(_is_thread, document.sample))


def read(document: Document) -> Items:
    """Yield the threads in *document*, and what could not be read."""
    with document.open() as stream:
        for number, value in enumerate(json_values(stream, ()), 1):
            where = f"{document.name}, thread {number}"
            if isinstance(value, Damaged):
                yield Failure(where, value.reason)
            elif isinstance(value, dict) and isinstance(value.get("messages"), list):
                yield _thread(value)
            else:
                yield Failure(where, "it is not a thread of Amp")


def _is_thread(value: JsonObject) -> bool:
    """Return True if *value* is a thread: its id or its parts are only Amp's."""
    if not {"id", "created", "messages"} <= value.keys():
        return False
    if not isinstance(value["messages"], list):
        return False
    initial = as_object(as_object(value.get("env")).get("initial"))
    return bool(_KEY.fullmatch(str(value["id"]))) or "trees" in initial


def _thread(thread: JsonObject) -> Conversation:
    chat = SessionChat(as_text(thread.get("id")), as_text(thread.get("title")))
    began = as_time(thread.get("created"))
    for message in map(as_object, as_list(thread.get("messages"))):
        usage = as_object(message.get("usage"))
        if message.get("role") == "assistant":
            chat.set_model(as_text(usage.get("model")))
        elif message.get("role") == "user":
            sent = as_time(as_object(message.get("meta")).get("sentAt"))
            number = message.get("messageId")
            key = str(number) if isinstance(number, int) else as_text(message.get("id"))
            chat.add_typed(typed_text(message.get("content")), sent or began, key)
    return chat.conversation()
