"""pi: sessions, whose records form a tree; other agents built on pi write the same.

Observed in the readers of agentsview and deja-vu, and in pi's documentation:
``~/.pi/agent/sessions/<project>/<time>_<id>.jsonl``. Not seen in a real file of our
own.
"""

import re
from pathlib import PurePosixPath

from promptvault.importers.conversation.block import typed_text
from promptvault.importers.conversation.session_chat import SessionChat
from promptvault.importers.input.candidate import Failure, Items
from promptvault.importers.input.document import Document
from promptvault.importers.input.field import as_object, as_text, as_time
from promptvault.importers.input.json_stream import JsonObject
from promptvault.importers.input.log_record import log_records

SOURCE = "pi"

_NOTES = rb"session|model_change|thinking_level_change|session_info|label|custom"
_WANTED = re.compile(
    rb'"role": ?"(?:user|assistant|bashExecution)"|"type": ?"(?:%s)"' % _NOTES
)
_FILE = re.compile(r'\s*<file name="[^"\n]*">')
_FILE_END = "</file>"
_SKILL = re.compile(r'\s*<skill name="([^"\n]+)"[^>\n]*>')
_SKILL_END = "</skill>"


def probe(document: Document) -> bool:
    """Return True for a session of pi."""
    return any(map(_is_header, document.sample))


def read(document: Document) -> Items:
    """Yield the session in *document*, after what could not be read.

    Raises ImportSourceError if the file cannot be read further.
    """
    session = _Session(PurePosixPath(document.name).stem.rpartition("_")[2])
    for record in log_records(document, _WANTED):
        if isinstance(record, Failure):
            yield record
        else:
            session.add(record)
    yield session.chat.conversation()


def _is_header(value: JsonObject) -> bool:
    if value.get("type") != "session" or not isinstance(value.get("cwd"), str):
        return False
    return "timestamp" in value and ("version" in value or "id" in value)


class _Session:
    """Builds the conversation of one file."""

    def __init__(self, key: str) -> None:
        self.chat = SessionChat(key)
        self._notes: dict[str, str] = {}
        """Record that is no message, to the message before it."""

    def add(self, record: JsonObject) -> None:
        """Read one record."""
        key, parent = as_text(record.get("id")), as_text(record.get("parentId"))
        parent = self._notes.get(parent, parent) if parent else None
        match record.get("type"):
            case "session":
                self.chat.key = key or self.chat.key
                return
            case "message":
                message = as_object(record.get("message"))
                self._add_message(record, message, parent)
                return
            case "model_change":
                model = as_text(record.get("modelId"))
                self.chat.model = model or self.chat.model
            case "session_info":
                self.chat.title = as_text(record.get("name")) or self.chat.title
        if key and parent:
            self._notes[key] = parent

    def _add_message(
        self, record: JsonObject, message: JsonObject, parent: str | None
    ) -> None:
        match message.get("role"):
            case "user":
                body = typed_text(message.get("content"))
                made = as_time(record.get("timestamp") or message.get("timestamp"))
                typed = _without_expansion(body) if body else body
                self.chat.add_typed(typed, made, as_text(record.get("id")), parent)
            case "assistant":
                self.chat.set_model(as_text(message.get("model")))
            case "bashExecution":
                self.chat.skipped["shell command"] += 1


def _without_expansion(body: str) -> str:
    """Return *body* as it was typed: a command instead of a skill's text, and without
    the files named on the command line."""
    if skill := _SKILL.match(body):
        _, _, arguments = body.partition(_SKILL_END)
        return f"/skill:{skill[1]} {arguments.strip()}".rstrip()
    start = 0
    while found := _FILE.match(body, start):
        end = body.find(_FILE_END, found.end())
        if end < 0:
            break
        start = end + len(_FILE_END)
    return body[start:].strip("\n") if start else body
