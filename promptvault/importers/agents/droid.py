"""Droid (Factory): sessions.

Observed in the readers of tokscale and cledger, whose tests have native records:
``~/.factory/sessions/<project>/<id>.jsonl``. Not seen in a real file of our own.
"""

import re
from pathlib import PurePosixPath

from promptvault.importers.conversation.block import typed_text
from promptvault.importers.conversation.session_chat import SessionChat
from promptvault.importers.input.candidate import Failure, Items, Skipped
from promptvault.importers.input.document import Document
from promptvault.importers.input.field import as_object, as_text, as_time
from promptvault.importers.input.json_stream import JsonObject
from promptvault.importers.input.log_record import log_records

SOURCE = "droid"

_WANTED = re.compile(rb'"role": ?"(?:user|assistant)"|"type": ?"session_start"')
_START_KEYS = {"owner", "hostId", "sessionTitle", "title", "cwd", "version"}
_SHOWN = (None, "both")
_PERSON = (None, "user", "human")


def probe(document: Document) -> bool:
    """Return True for a session of Droid."""
    return any(map(_is_start, document.sample))


def read(document: Document) -> Items:
    """Yield the session in *document*, after what could not be read.

    Raises ImportSourceError if the file cannot be read further.
    """
    chat = SessionChat(PurePosixPath(document.name).stem)
    is_subagent = False
    for record in log_records(document, _WANTED):
        if isinstance(record, Failure):
            yield record
        elif _is_start(record):
            chat.key = as_text(record.get("id")) or chat.key
            title = as_text(record.get("sessionTitle")) or as_text(record.get("title"))
            chat.title = title or chat.title
            is_subagent = is_subagent or bool(record.get("callingSessionId"))
        elif record.get("type") == "message":
            _add(chat, record, as_object(record.get("message")))
    prompts = max(1, chat.prompts)
    yield Skipped("subagent", prompts) if is_subagent else chat.conversation()


def _is_start(value: JsonObject) -> bool:
    is_start = value.get("type") == "session_start" and "id" in value
    return is_start and len(_START_KEYS & value.keys()) > 1


def _add(chat: SessionChat, record: JsonObject, message: JsonObject) -> None:
    if message.get("role") == "assistant":
        chat.set_model(as_text(message.get("modelId")))
        return
    if message.get("role") != "user":
        return
    is_shown = message.get("visibility") in _SHOWN and "hookEventName" not in message
    if not is_shown or message.get("userMessageSource") not in _PERSON:
        chat.not_typed += 1  # context for the model, a notice, a hook, an automation
        return
    chat.add_typed(
        typed_text(message.get("content")),
        as_time(record.get("timestamp")),
        as_text(record.get("id")),
        as_text(record.get("parentId")),
    )
