"""A chat that may be longer than memory: its messages are taken one by one."""

import codecs
import io
import json
import re
from collections.abc import Iterator

from promptvault.importers.conversation import message_list
from promptvault.importers.conversation.message_list import Standing, is_message
from promptvault.importers.input.candidate import (
    Candidate,
    Conversation,
    Draft,
    Item,
    Skipped,
)
from promptvault.importers.input.document import Document
from promptvault.importers.input.field import members, text
from promptvault.importers.input.json_stream import Damaged, JsonObject, values

KEYS = ("messages", "conversations", "conversation", "items", "turns", "contents")
"""Keys under which a chat holds its messages."""

_LONG = 4 << 20
_CHAT_KEYS = ("conversation_id", "session_id", "thread_id")
_LIST = re.compile(rb',?\s*"(?:%s)"\s*:\s*\[' % "|".join(KEYS).encode())


def about(document: Document) -> JsonObject | None:
    """Return what *document* says before the messages of the one chat that it is.

    None for a document that holds anything else than one chat of many megabytes.
    """
    start = document.head.removeprefix(codecs.BOM_UTF8).lstrip()
    if document.size <= _LONG or not start.startswith(b"{"):
        return None
    first = next(values(io.BytesIO(document.head), KEYS), None)
    found = _LIST.search(start)
    if not found or not is_message(first) or _is_whole(document):
        return None
    try:
        return members(json.loads(start[: found.start()] + b"}"))
    except (ValueError, RecursionError):
        return None  # there is more than plain values before it


def _is_whole(document: Document) -> bool:
    """Whether the first object ends within a few megabytes, as lines of many do."""
    with document.open() as stream:
        start = stream.read(_LONG)
    return not isinstance(next(values(io.BytesIO(start), ()), None), Damaged)


class LongChat:
    """Messages in a row, which make up one chat until they name another."""

    def __init__(
        self,
        standing: Standing,
        key: str | None = None,
        title: str | None = None,
        model: str | None = None,
    ) -> None:
        """Begin the chat *key*; *standing* are the instructions that are known."""
        self._standing = standing
        self._given = key
        self._title = title
        self._model = model
        self._key = key
        self._before: list[Candidate] = []
        self._textless = 0
        self._is_open = False

    def add(self, message: JsonObject) -> Iterator[Item]:
        """Yield what *message* brings; the opening comes as a conversation."""
        key = self._named(message) or self._given
        if key != self._key:
            yield from self.end()
            self._key = key
        yield from self._instructions(message)
        for draft in message_list.drafts([message], self._model):
            yield from self._turn(draft)

    def end(self) -> Iterator[Item]:
        """Yield what is left of a chat in which nobody said anything."""
        if self._before or self._textless:
            yield self._conversation([])
        if self._is_open:
            self._title = None
        self._is_open = False
        self._key = self._given

    def _named(self, message: JsonObject) -> str | None:
        keys = (text(message.get(name)) for name in _CHAT_KEYS)
        return next(filter(None, keys), None)

    def _instructions(self, message: JsonObject) -> Iterator[Item]:
        found = self._standing.candidates(message_list.standing_bodies([message]))
        if self._is_open:
            yield from found
        else:
            self._before += found

    def _turn(self, draft: Draft | None) -> Iterator[Item]:
        if not draft and not self._is_open:
            self._textless += 1
        elif not draft:
            yield Skipped("no text")
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
        made = message_list.conversation(
            turns, self._before, key=self._key, title=self._title
        )
        self._before, self._textless = [], 0
        return made
