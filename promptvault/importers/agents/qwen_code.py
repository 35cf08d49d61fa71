"""Qwen Code: sessions, in which a rewind keeps what it takes back.

Observed in QwenLM/qwen-code (`chatRecordingService.ts`):
``~/.qwen/projects/<project>/chats/<id>.jsonl``. The envelope is Claude Code's, the
messages are Gemini's.
"""

import re
from pathlib import PurePosixPath

from promptvault.importers.conversation.block import without_reminders
from promptvault.importers.conversation.command import is_bare_command
from promptvault.importers.conversation.session_chat import SessionChat
from promptvault.importers.gemini.cli_text import typed_text
from promptvault.importers.input.candidate import Failure, Items, Skipped
from promptvault.importers.input.document import Document
from promptvault.importers.input.field import as_list, as_object, as_text, as_time
from promptvault.importers.input.json_stream import JsonObject, JsonValue
from promptvault.importers.input.log_record import log_records

SOURCE = "qwen-code"

_KINDS = ("user", "assistant", "tool_result", "system")
_WANTED = re.compile(
    rb'"type": ?"(?:user|assistant)"'
    rb'|"subtype": ?"(?:slash_command|custom_title|rewind|session_model)"'
)
_TYPED = (None, "mid_turn_user_message")
_PERSON = (None, "real_user")


def probe(document: Document) -> bool:
    """Return True for a session of Qwen Code."""
    return any(map(_is_record, document.sample))


def read(document: Document) -> Items:
    """Yield the session in *document*, after what could not be read.

    Raises ImportSourceError if the file cannot be read further.
    """
    path = PurePosixPath(document.name)
    session = _Session(path.stem)
    session.is_subagent = path.name.startswith("agent-") or "subagents" in path.parts
    for record in log_records(document, _WANTED):
        if isinstance(record, Failure):
            yield record
        elif _is_record(record):
            session.add(record)
    yield from session.items()


def _is_record(value: JsonObject) -> bool:
    """Return True for a record; one of Claude Code has `content` in its message."""
    if value.get("type") not in _KINDS or not {"uuid", "sessionId"} <= value.keys():
        return False
    message = value.get("message")
    if isinstance(message, dict):
        return isinstance(message.get("parts"), list)
    return value["type"] == "system" and "systemPayload" in value


class _Session:
    """Builds the conversation of one file."""

    def __init__(self, key: str) -> None:
        self.is_subagent = False
        self._chat = SessionChat(key)
        self._expansion: str | None = None
        """A command whose text the next message has in full."""

    def items(self) -> Items:
        """Yield the session, or the number of prompts that an agent wrote."""
        if self.is_subagent:
            yield Skipped("subagent", max(1, self._chat.prompts))
        else:
            yield self._chat.conversation()

    def add(self, record: JsonObject) -> None:
        """Read one record."""
        self._chat.key = as_text(record["sessionId"]) or self._chat.key
        payload = as_object(record.get("systemPayload"))
        match record["type"]:
            case "user":
                self._add_message(record, payload)
            case "assistant":
                self._chat.set_model(as_text(record.get("model")))
            case "system":
                self._add_note(record, payload)

    def _add_message(self, record: JsonObject, payload: JsonObject) -> None:
        if record.get("isSidechain") or record.get("agentId"):
            if not self.is_subagent:
                self._chat.skipped["subagent"] += 1
                return
        is_typed = record.get("subtype") in _TYPED
        if not is_typed or record.get("provenance") not in _PERSON:
            self._chat.not_typed += 1
            return
        body = _typed(record, payload)
        if body and self._expansion:
            body, self._expansion = self._expansion, None
        self._chat.add_typed(
            body,
            as_time(record.get("timestamp")),
            as_text(record["uuid"]),
            as_text(record.get("parentUuid")),
        )

    def _add_note(self, record: JsonObject, payload: JsonObject) -> None:
        match record.get("subtype"):
            case "custom_title":
                title = as_text(payload.get("customTitle"))
                self._chat.title = title or self._chat.title
            case "session_model":
                model = as_text(payload.get("modelId"))
                self._chat.model = model or self._chat.model
            case "rewind":
                self._chat.go_to(as_text(record.get("parentUuid")) or "")
            case "slash_command" if payload.get("phase") == "invocation":
                self._add_command(record, payload)

    def _add_command(self, record: JsonObject, payload: JsonObject) -> None:
        command = as_text(payload.get("rawCommand"))
        if command and payload.get("sentToModel") and not is_bare_command(command):
            self._expansion = command
        elif command:
            made, uuid = as_time(record.get("timestamp")), as_text(record["uuid"])
            self._chat.add_typed(command, made, uuid)


def _typed(record: JsonObject, payload: JsonObject) -> str | None:
    """Return what the person saw when typing, if it is there: the rest has files
    added."""
    if shown := as_text(payload.get("displayText")):
        return shown
    parts = as_list(as_object(record.get("message")).get("parts"))
    return typed_text(list(map(_without_reminders, parts)))


def _without_reminders(part: JsonValue) -> JsonValue:
    fields = as_object(part)
    text = fields.get("text")
    return (
        {**fields, "text": without_reminders(text)} if isinstance(text, str) else part
    )
