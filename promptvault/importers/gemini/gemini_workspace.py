"""Chats of Gemini in Google Workspace, which Takeout puts into a file each."""

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from promptvault.importers.gemini.activity import message_id
from promptvault.importers.input.candidate import (
    Conversation,
    Draft,
    Failure,
    Items,
    unbranched,
)
from promptvault.importers.input.document import Document
from promptvault.importers.input.field import items, members, moment, text
from promptvault.importers.input.json_stream import Damaged, JsonObject, values

_ID = re.compile(r"conversation_\w+")


def is_chat(value: JsonObject) -> bool:
    """Whether *value* is a chat."""
    turns = [members(turn) for turn in items(value.get("conversation_turns"))]
    return any("user_turn" in turn or "system_turn" in turn for turn in turns)


def read(document: Document) -> Items:
    """Yield the chats in *document*, usually one."""
    with document.open() as stream:
        for number, value in enumerate(values(stream), 1):
            where = f"{document.name}, chat {number}"
            if isinstance(value, Damaged):
                yield Failure(where, value.reason)
            elif isinstance(value, dict) and is_chat(value):
                yield _conversation(value, document.name)
            else:
                yield Failure(where, "it is no chat of Gemini")


def _conversation(value: JsonObject, name: str) -> Conversation:
    stem = PurePosixPath(name).stem
    prompts = [draft for turn in _turns(value) if (draft := _draft(turn))]
    textless = sum(1 for _ in _turns(value)) - len(prompts)
    candidates = unbranched(
        prompts, stem if _ID.fullmatch(stem) else None, text(value.get("title"))
    )
    return Conversation(candidates, {"no text": textless} if textless else {})


def _turns(value: JsonObject) -> Iterator[JsonObject]:
    for turn in map(members, items(value.get("conversation_turns"))):
        if isinstance(sent := turn.get("user_turn"), dict):
            yield sent


def _draft(sent: JsonObject) -> Draft | None:
    body = text(sent.get("prompt"))
    made = moment(sent.get("turn_last_modified"))
    return Draft(body, made, message_id(body, made)) if body else None
