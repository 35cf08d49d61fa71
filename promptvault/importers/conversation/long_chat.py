"""A chat that may be larger than memory, read message by message."""

import codecs
import io
import json
import re
from collections.abc import Iterator

from promptvault.importers.conversation import message_list
from promptvault.importers.conversation.message_list import SystemPrompts, is_message
from promptvault.importers.input.candidate import (
    NO_TEXT,
    Candidate,
    Conversation,
    Draft,
    Item,
    Skipped,
)
from promptvault.importers.input.document import Document
from promptvault.importers.input.field import as_object, as_text
from promptvault.importers.input.json_stream import Damaged, JsonObject, json_values

MESSAGE_KEYS = (
    "messages",
    "conversations",
    "conversation",
    "items",
    "turns",
    "contents",
)
"""Keys under which a chat has its messages."""

_LONG = 4 << 20
_CHAT_KEYS = ("conversation_id", "session_id", "thread_id")
_LIST = re.compile(rb',?\s*"(?:%s)"\s*:\s*\[' % "|".join(MESSAGE_KEYS).encode())


def chat_header(document: Document) -> JsonObject | None:
    """Return the fields before the messages, if *document* is one long chat.

    Return None for any other document, and for a chat of less than 4 MiB.
    """
    start = document.head.removeprefix(codecs.BOM_UTF8).lstrip()
    if document.size <= _LONG or not start.startswith(b"{"):
        return None
    first = next(json_values(io.BytesIO(document.head), MESSAGE_KEYS), None)
    found = _LIST.search(start)
    if not found or not is_message(first) or _is_whole(document):
        return None
    try:
        return as_object(json.loads(start[: found.start()] + b"}"))
    except (ValueError, RecursionError):
        return None  # there are nested values before it


def _is_whole(document: Document) -> bool:
    """Return True if the first object ends within 4 MiB, as each of many lines does."""
    with document.open() as stream:
        start = stream.read(_LONG)
    return not isinstance(next(json_values(io.BytesIO(start), ()), None), Damaged)


class LongChat:
    """Messages in a row, which are one chat until a message names another."""

    def __init__(
        self,
        system_prompts: SystemPrompts,
        key: str | None = None,
        title: str | None = None,
        model: str | None = None,
    ) -> None:
        """Begin the chat *key*; *system_prompts* holds the system prompts seen so
        far."""
        self._system_prompts = system_prompts
        self._given = key
        self._title = title
        self._model = model
        self._key = key
        self._before: list[Candidate] = []
        self._textless = 0
        self._is_open = False

    def add(self, message: JsonObject) -> Iterator[Item]:
        """Yield what *message* holds; the first prompt is yielded as a Conversation."""
        key = self._named(message) or self._given
        if key != self._key:
            yield from self.end()
            self._key = key
        yield from self._instructions(message)
        for draft in message_list.human_drafts([message], self._model):
            yield from self._turn(draft)

    def end(self) -> Iterator[Item]:
        """Yield the rest of a chat in which no person wrote."""
        if self._before or self._textless:
            yield self._conversation([])
        if self._is_open:
            self._title = None
        self._is_open = False
        self._key = self._given

    def _named(self, message: JsonObject) -> str | None:
        keys = (as_text(message.get(name)) for name in _CHAT_KEYS)
        return next(filter(None, keys), None)

    def _instructions(self, message: JsonObject) -> Iterator[Item]:
        found = self._system_prompts.candidates(message_list.system_texts([message]))
        if self._is_open:
            yield from found
        else:
            self._before += found

    def _turn(self, draft: Draft | None) -> Iterator[Item]:
        if not draft and not self._is_open:
            self._textless += 1
        elif not draft:
            yield Skipped(NO_TEXT)
        elif self._is_open:
            yield Candidate(
                (draft,), conversation_id=self._key, conversation_title=self._title
            )
        else:
            opened = self._conversation([draft])
            self._title = opened.candidates[-1].conversation_title
            self._is_open = True
            yield opened

    def _conversation(self, said: list[Draft]) -> Conversation:
        turns = [*[None] * self._textless, *said]
        made = message_list.build_conversation(
            turns, self._before, key=self._key, title=self._title
        )
        self._before, self._textless = [], 0
        return made
