"""Copilot CLI: the events of a session, and the sessions of 2025 as one object.

Observed in issues of github/copilot-cli and in the readers of agentsview and deja-vu:
``~/.copilot/session-state/<id>/events.jsonl``. Copilot Chat in VS Code writes the same
events as transcripts. The older form was not seen in a real file.
"""

import re
from pathlib import PurePosixPath

from promptvault.importers.conversation.block import typed_text
from promptvault.importers.conversation.session_chat import SessionChat
from promptvault.importers.input.candidate import Conversation, Failure, Items
from promptvault.importers.input.document import Document
from promptvault.importers.input.field import as_list, as_object, as_text, as_time
from promptvault.importers.input.json_stream import JsonObject, json_values
from promptvault.importers.input.log_record import log_records

SOURCE = "copilot-cli"

_EVENT = re.compile(r"(?:session|user|assistant|tool|hook|system|subagent)\.\w+")
_WANTED = re.compile(
    rb'"type": ?"(?:user\.message'
    rb'|session\.(?:start|resume|model_change|title_changed|shutdown))"'
)
_PERSON = (None, "", "user")
_SKILL = "<skill-context"


def probe(document: Document) -> bool:
    """Return True for a session of Copilot CLI."""
    sample = document.sample
    return any(_is_event(value) or _is_session(value) for value in sample)


def read(document: Document) -> Items:
    """Yield the sessions in *document*, after what could not be read.

    Raises ImportSourceError if the file cannot be read further.
    """
    if any(map(_is_session, document.sample)):
        with document.open() as stream:
            for number, value in enumerate(json_values(stream, ()), 1):
                if isinstance(value, dict) and _is_session(value):
                    yield _old_session(value)
                else:
                    where = f"{document.name}, session {number}"
                    yield Failure(where, "it is not a session of Copilot CLI")
        return
    path = PurePosixPath(document.name)
    chat = SessionChat(path.parent.name if path.stem == "events" else path.stem)
    for event in log_records(document, _WANTED):
        if isinstance(event, Failure):
            yield event
        elif _is_event(event):
            _add(chat, event, as_object(event["data"]))
    yield chat.conversation()


def _is_event(value: JsonObject) -> bool:
    kind = value.get("type")
    return (
        isinstance(kind, str)
        and isinstance(value.get("data"), dict)
        and {"id", "timestamp"} <= value.keys()
        and _EVENT.fullmatch(kind) is not None
    )


def _is_session(value: JsonObject) -> bool:
    """Return True for a session as one object, which ended in 2025."""
    if not {"sessionId", "startTime", "chatMessages"} <= value.keys():
        return False
    return isinstance(value["chatMessages"], list)


def _add(chat: SessionChat, event: JsonObject, data: JsonObject) -> None:
    match event["type"]:
        case "session.start" | "session.resume":
            chat.key = as_text(data.get("sessionId")) or chat.key
            chat.set_model(as_text(data.get("selectedModel")))
        case "session.model_change":
            chat.model = as_text(data.get("newModel")) or chat.model
        case "session.shutdown":
            chat.set_model(chat.model or as_text(data.get("currentModel")))
        case "session.title_changed":
            chat.title = as_text(data.get("title")) or chat.title
        case "user.message":
            _add_message(chat, event, data)


def _add_message(chat: SessionChat, event: JsonObject, data: JsonObject) -> None:
    """Add the text that was typed; `transformedContent` is what the CLI made of it."""
    body = typed_text(data.get("content"))
    if event.get("agentId"):
        chat.skipped["subagent"] += 1
    elif data.get("source") not in _PERSON or (body or "").startswith(_SKILL):
        chat.not_typed += 1
    elif data.get("agentMode") == "shell":
        chat.skipped["shell command"] += 1
    else:
        if body is None and data.get("attachments"):
            body = ""
        made = as_time(event.get("timestamp"))
        chat.add_typed(body, made, as_text(event.get("id")))


def _old_session(session: JsonObject) -> Conversation:
    chat = SessionChat(as_text(session["sessionId"]))
    typed = [as_object(entry) for entry in as_list(session.get("timeline"))]
    typed = [entry for entry in typed if entry.get("type") == "user"]
    for entry in typed:
        made = as_time(entry.get("timestamp"))
        chat.add_typed(typed_text(entry.get("text")), made, as_text(entry.get("id")))
    made = as_time(session["startTime"])
    for message in [] if typed else map(as_object, as_list(session["chatMessages"])):
        if message.get("role") == "user":
            chat.add_typed(typed_text(message.get("content")), made, None)
    return chat.conversation()
