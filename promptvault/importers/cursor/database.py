"""Reads Cursor's state databases (state.vscdb) of every era: chats, and nothing else.

They also hold access tokens: no key is read but those named here.
"""

import contextlib
import sqlite3
from collections.abc import Callable, Container, Iterator
from functools import partial

from promptvault.domain.digest import digest
from promptvault.errors import ImportSourceError
from promptvault.importers.cursor import cursor_panel
from promptvault.importers.cursor.chat import Chat
from promptvault.importers.cursor.composer import (
    Head,
    Turn,
    add_bubble,
    chat_of,
    has_text,
    id_of,
    is_subagent,
    parsed,
    subagents_of,
    turns,
    user_bubble,
)
from promptvault.importers.cursor.cursor_table import Table
from promptvault.importers.input.candidate import Conversation, Failure, Items, Skipped
from promptvault.importers.input.database import opened, tables
from promptvault.importers.input.document import Document
from promptvault.importers.input.field import fit, items, members, moment, text
from promptvault.importers.input.json_stream import JsonObject

_STORE, _ITEMS, _CATALOG = "cursorDiskKV", "ItemTable", "composerHeaders"
_CHAT, _BUBBLE = "composerData", "bubbleId"
_LISTS = ("composer.composerData", "composer.composerHeaders")
_PANEL = "workbench.panel.aichat.view.aichat.chatdata"
_PROMPTS, _GENERATIONS = "aiService.prompts", "aiService.generations"
_DAMAGE = (sqlite3.Error, ValueError)


def probe(document: Document) -> bool:
    """Whether *document* is a database in which Cursor keeps chats or prompts."""
    names = tables(document)
    if _STORE in names or _ITEMS not in names:
        return _STORE in names
    try:
        with opened(document) as connection:  # other editors have such a table too
            table = Table(connection, _ITEMS)
            marks = (_PANEL, _PROMPTS, _GENERATIONS, *_LISTS)
            return any(table.value(key) is not None for key in marks)
    except ImportSourceError:
        return False


def read(document: Document) -> Items:
    """Yield the chats in *document*, then the prompts that no chat of it holds.

    What is damaged comes as a Failure. Raises ImportSourceError where no part of
    the database can be read.
    """
    with opened(document) as connection:
        connection.text_factory = bytes
        yield from _Reader(connection, document.name, tables(document)).all()


class _Reader:
    """One open database; each part is read for itself, as any may be damaged."""

    def __init__(
        self, connection: sqlite3.Connection, name: str, names: frozenset[str]
    ) -> None:
        self._connection = connection
        self._name = name
        self._has_catalog = _CATALOG in names
        self._store = Table(connection, _STORE) if _STORE in names else None
        self._items = Table(connection, _ITEMS) if _ITEMS in names else None
        self._heads: dict[str, Head] = {}
        self._inline: list[JsonObject] = []
        self._agents: set[str] = set()
        self._live: set[str] = set()
        self._told: set[bytes] = set()

    def all(self) -> Items:
        if self._has_catalog:
            yield from self._noted(_CATALOG, self._note_catalog)
        if self._items:
            for key in _LISTS:
                yield from self._noted(key, partial(self._note_list, self._items, key))
        if self._store:
            yield from self._chats(self._store)
        for data in self._inline:
            key = text(data.get("composerId")) or ""
            if key not in self._live:
                yield from self._chat(key, data)
        if self._items:
            yield from self._part(_PANEL, self._panel(self._items))
            yield from self._part(_PROMPTS, self._history(self._items))

    def _part(self, what: str, found: Items) -> Items:
        """Yield what is *found* up to where the database is damaged."""
        try:
            yield from found
        except _DAMAGE as error:
            yield Failure(fit(f"{self._name}, {what}"), str(error))

    def _noted(self, what: str, note: Callable[[], None]) -> Items:
        try:
            note()
        except _DAMAGE as error:
            yield Failure(fit(f"{self._name}, {what}"), str(error))

    def _note_catalog(self) -> None:
        """Note what the table of chats says, which there is since Cursor 3."""
        rows = self._connection.execute(f"SELECT * FROM {_CATALOG}")
        columns = [column[0] for column in rows.description]
        for row in rows:
            cells = dict(zip(columns, row, strict=True))
            data = members(parsed(cells.get("value") or b"{}"))
            if isinstance(key := cells.get("composerId"), bytes):
                data["composerId"] = key.decode(errors="replace")
            data["isSubagent"] = bool(data.get("isSubagent") or cells.get("isSubagent"))
            self._note(data)

    def _note_list(self, table: Table, key: str) -> None:
        if (value := table.value(key)) is None:
            return
        for data in map(members, items(members(parsed(value)).get("allComposers"))):
            self._note(data)
            if data.get("conversation") or data.get("conversationMap"):
                self._inline.append(data)

    def _note(self, data: JsonObject) -> None:
        if key := text(data.get("composerId")):
            known = self._heads.get(key, Head())
            name = text(data.get("name")) or known.name
            self._heads[key] = Head(name, moment(data.get("createdAt")) or known.made)
            if is_subagent(key, data):
                self._agents.add(key)

    def _chats(self, store: Table) -> Items:
        keys: dict[str, None] = {}  # a damaged index may list one again and again
        yield from self._noted(
            "list of chats", lambda: keys.update(dict.fromkeys(store.below(_CHAT)))
        )
        for key in keys:
            with contextlib.suppress(*_DAMAGE):  # which is told of when it is read
                self._agents.update(subagents_of(store.value(f"{_CHAT}:{key}")))
        for key in keys:
            yield from self._part(f"chat {key}", self._stored_chat(store, key))
        yield from self._part("its messages", self._deleted(store))

    def _stored_chat(self, store: Table, key: str) -> Items:
        value = store.value(f"{_CHAT}:{key}")
        if value is None:
            return
        self._live.add(key)
        data: JsonObject = {}
        try:
            data = members(parsed(value))
        except ValueError as error:
            yield Failure(fit(f"{self._name}, chat {key}"), str(error))
        yield from self._chat(key, data)

    def _chat(self, key: str, data: JsonObject) -> Items:
        listed = turns(data)
        if key in self._agents or is_subagent(key, data):
            if number := sum(turn.is_user is True for turn in listed):
                yield Skipped("subagent", number)
            return
        chat = chat_of(key, data, self._heads.get(key, Head()))
        order = listed or [Turn(name) for name in self._bubbles(key, by_age=True)]
        elsewhere = self._elsewhere(key, order)
        for turn in order:
            name = elsewhere.get(turn.id, turn.id)
            take = partial(self._take, chat, key, turn, name)
            yield from self._noted(f"chat {key}, message {turn.id}", take)
        taken = {turn.id for turn in order} | {*elsewhere.values()}
        chat.skipped["abandoned branch"] += self._left(key, taken)
        yield from self._tell(chat.conversation())

    def _elsewhere(self, key: str, order: list[Turn]) -> dict[str | None, str]:
        """Return the keys of messages that bear the id listed, but lie elsewhere."""
        rows = set(self._bubbles(key))
        listed = {turn.id for turn in order if turn.is_user is not False}
        if not (lost := listed - rows - {None}):
            return {}
        others = sorted(rows.difference(turn.id for turn in order))
        found = {id_of(self._bubble(key, name)): name for name in others}
        return {name: found[name] for name in lost if name in found}

    def _take(self, chat: Chat, key: str, turn: Turn, name: str | None) -> None:
        if turn.is_user is False:
            return
        bubble = turn.bubble if turn.is_user else None
        if (value := self._bubble(key, name)) is not None:
            bubble = user_bubble(value, is_known=bool(turn.is_user))
        elif turn.is_user and bubble is None:
            chat.skipped["text not in the database"] += 1
        if bubble is not None:
            add_bubble(chat, turn.id, bubble)

    def _bubble(self, key: str, name: str | None) -> object:
        if not self._store or not name:
            return None
        return self._store.value(f"{_BUBBLE}:{key}:{name}")

    def _bubbles(self, key: str, *, by_age: bool = False) -> Iterator[str]:
        if self._store:
            yield from self._store.below(f"{_BUBBLE}:{key}", by_age=by_age)

    def _left(self, key: str, listed: Container[str | None] = ()) -> int:
        """Count the person's messages that are no longer, or not yet, in a chat."""
        left = (name for name in self._bubbles(key) if name not in listed)
        return sum(has_text(self._bubble(key, name)) for name in left)

    def _deleted(self, store: Table) -> Items:
        """Count what is left of chats that are gone; their order is not known."""
        gone = (key for key in store.parts(_BUBBLE) if key not in self._live)
        if number := sum(map(self._left, gone)):
            yield Skipped("deleted chat", number)

    def _panel(self, table: Table) -> Items:
        if (value := table.value(_PANEL)) is not None:
            for conversation in cursor_panel.conversations(parsed(value)):
                yield from self._tell(conversation)

    def _history(self, table: Table) -> Items:
        """Yield the log of prompts, which names no chat, as far as it is new."""
        prompts, generations = map(table.value, (_PROMPTS, _GENERATIONS))
        yield from self._tell(
            cursor_panel.history(
                parsed(prompts or b"[]"), parsed(generations or b"[]"), self._told
            )
        )

    def _tell(self, conversation: Conversation) -> Items:
        bodies = (each.drafts[-1].body for each in conversation.candidates)
        self._told.update(map(digest, bodies))
        if conversation.candidates or conversation.skipped:
            yield conversation
