"""What a person typed in a session of OpenCode, wherever the session is stored.

A session has messages, and a message has parts: texts, files, tool calls. The objects
have the same fields in the database, in the older files and in an export. The format is
observed in databases and in the program's public source; it is not documented.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from promptvault.importers.conversation.command import (
    SLASH_COMMAND,
    is_bare_command,
    is_command,
)
from promptvault.importers.conversation.linear_chat import LinearChat
from promptvault.importers.input.candidate import NO_TEXT, Draft, Items
from promptvault.importers.input.field import as_list, as_object, as_text, as_time
from promptvault.importers.input.json_stream import JsonObject, JsonValue

_UNTITLED = re.compile(r"(?:New|Child) session - \d{4}-\d\d-\d\dT[\d:.]+Z")


class Session(NamedTuple):
    """What is stored about one session."""

    key: str
    title: str = ""
    url: str | None = None
    """Address of the page, if the session is shared."""
    model: str | None = None
    is_child: bool = False
    """True if an agent began it, not a person."""
    undone_message: str | None = None
    """Id of the first message that was undone, None if none is."""
    undone_part: str | None = None
    """Id of the first part of that message that was undone, None for all of it."""


class Message(NamedTuple):
    """One message of a session."""

    key: str
    info: JsonObject
    """Its role, its time and its model."""
    parts: list[tuple[str, JsonObject]]
    """Id and content of each part, in order."""


def session_of(key: str, info: JsonObject) -> Session:
    """Return the session *key* that the object *info* describes."""
    title = as_text(info.get("title")) or ""
    revert = as_object(info.get("revert"))
    return Session(
        key,
        "" if _UNTITLED.fullmatch(title) else title,
        as_text(as_object(info.get("share")).get("url")),
        as_text(as_object(info.get("model")).get("id")),
        bool(as_text(info.get("parentID"))),
        as_text(revert.get("messageID")),
        as_text(revert.get("partID")),
    )


def message_of(info: JsonObject, parts: JsonValue) -> Message:
    """Return a message whose parts are objects with their ids."""
    found = [(as_text(each.get("id")) or "", each) for each in _objects(parts)]
    return Message(as_text(info.get("id")) or "", info, found)


def _objects(values: JsonValue) -> Iterator[JsonObject]:
    return (each for each in as_list(values) if isinstance(each, dict))


class OpenCodeChat:
    """Finds the prompts in the messages of one session, which come in order."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._chat = LinearChat(session.key, session.title, url=session.url)
        self._is_undone = False

    def add(self, message: Message) -> Items:
        """Read the next message; yield the prompts that are complete."""
        kept = self._kept_parts(message)
        if message.info.get("role") == "user":
            self._add_prompt(message, kept)
        elif model := as_text(message.info.get("modelID")):
            self._chat.set_model(model)
        yield from self._chat.take_complete()

    def finish(self) -> Items:
        """Yield the last prompt, and the counts of what was left out."""
        yield from self._chat.finish()

    def _kept_parts(self, message: Message) -> list[tuple[str, JsonObject]]:
        """Return the parts of *message* that the person did not undo."""
        if self._is_undone:
            return []
        if not message.key or message.key != self._session.undone_message:
            return message.parts
        self._is_undone = True
        keys = [key for key, _ in message.parts]
        if self._session.undone_part not in keys:
            return []
        return message.parts[: keys.index(self._session.undone_part)]

    def _add_prompt(self, message: Message, kept: list[tuple[str, JsonObject]]) -> None:
        body = _typed(kept)
        reason = self._skip_reason(message, body)
        if reason:
            self._chat.skipped[reason] += 1
        elif body:
            self._chat.add(self._draft(message, body))
        else:
            self._chat.not_typed += 1

    def _skip_reason(self, message: Message, body: str | None) -> str | None:
        """Return why *message* holds no prompt; None also for a machine's message."""
        if self._session.is_child:
            return "subagent"
        if not body and _typed(message.parts):
            return "abandoned branch" if self._is_undone else None
        if body:
            return SLASH_COMMAND if is_bare_command(body) else None
        return NO_TEXT if any(map(_is_file, message.parts)) else None

    def _draft(self, message: Message, body: str) -> Draft:
        info = message.info
        older = as_object(as_object(info.get("metadata")).get("time"))
        made = as_object(info.get("time")).get("created") or older.get("created")
        model = as_text(as_object(info.get("model")).get("modelID"))
        return Draft(
            body,
            as_time(made),
            message.key or None,
            model or as_text(info.get("modelID")) or self._session.model,
            is_command=is_command(body),
        )


def _typed(parts: list[tuple[str, JsonObject]]) -> str | None:
    """Return the texts that a person typed; the program adds others to a message."""
    texts = (
        as_text(part.get("text"))
        for _, part in parts
        if part.get("type") == "text"
        and not part.get("synthetic")
        and not part.get("ignored")
    )
    return "\n".join(filter(None, texts)) or None


def _is_file(part: tuple[str, JsonObject]) -> bool:
    return part[1].get("type") == "file"
