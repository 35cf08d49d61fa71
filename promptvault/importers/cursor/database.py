"""Cursor's state databases (state.vscdb) of every era: its chats, and nothing else.

They also hold access tokens, so no key is read but those named here.
"""

import contextlib
import sqlite3
from collections.abc import Callable, Container, Iterator
from functools import partial

from promptvault.domain.digest import digest
from promptvault.errors import ImportSourceError
from promptvault.importers.cursor.chat import CursorChat
from promptvault.importers.cursor.composer import (
    ChatEntry,
    ChatHeader,
    add_bubble,
    bubble_id,
    chat_entries,
    has_text,
    is_subagent,
    new_chat,
    rich_text,
    subagent_ids,
    user_bubble,
)
from promptvault.importers.cursor.envelope import parse_message
from promptvault.importers.input.candidate import (
    NO_TEXT,
    Conversation,
    Failure,
    Items,
    Skipped,
)
from promptvault.importers.input.database import (
    open_database,
    parse_json,
    table_names,
)
from promptvault.importers.input.document import Document
from promptvault.importers.input.field import (
    as_list,
    as_object,
    as_text,
    as_time,
    sanitized,
)
from promptvault.importers.input.json_stream import JsonObject, JsonValue

_STORE, _ITEMS, _CATALOG = "cursorDiskKV", "ItemTable", "composerHeaders"
_CHAT, _BUBBLE = "composerData", "bubbleId"
_LISTS = ("composer.composerData", "composer.composerHeaders")
_PANEL = "workbench.panel.aichat.view.aichat.chatdata"
_PROMPTS, _GENERATIONS = "aiService.prompts", "aiService.generations"
_UNTITLED = "Chat"
_HISTORY = "Prompt history"
_ASKED = ("composer", "chat", "cmdk", None)
"""Kinds of generation that a prompt began; "apply" and others name an action."""
_DAMAGE = (sqlite3.Error, ValueError)


class _KeyValueTable:
    """One key-value table of a connection that returns text as bytes.

    Ranges of keys are read from the index alone: most values are large answers that are
    not needed. Every method raises sqlite3.Error if the database is damaged.
    """

    def __init__(self, connection: sqlite3.Connection, name: str) -> None:
        self._connection = connection
        self._value = f"SELECT value FROM {name} WHERE key = ?"
        self._range = f"SELECT key FROM {name} WHERE key >= ? AND key < ?"

    def value(self, key: str) -> object:
        """Return the value under *key*, text as bytes; None if there is none."""
        row = self._connection.execute(self._value, (key,)).fetchone()
        return row[0] if row else None

    def below(self, path: str, *, by_age: bool = False) -> Iterator[str]:
        """Yield the rest of each key that begins with "path:", by key or by age."""
        sql = f"{self._range} ORDER BY {'rowid' if by_age else 'key'}"
        start = len(path) + 1
        for (key,) in self._connection.execute(sql, (f"{path}:", f"{path};")):
            yield _decoded(key)[start:]

    def parts(self, path: str) -> Iterator[str]:
        """Yield each distinct part after "path:" in a key, up to the next colon."""
        sql = f"{self._range} ORDER BY key LIMIT 1"
        position, end = f"{path}:", f"{path};"
        while row := self._connection.execute(sql, (position, end)).fetchone():
            part = _decoded(row[0])[len(path) + 1 :].partition(":")[0]
            yield part
            following = f"{path}:{part};"
            if following.encode() <= position.encode():
                return  # the key is not text
            position = following


def probe(document: Document) -> bool:
    """Return True for a database in which Cursor stores chats or prompts."""
    names = table_names(document)
    if _STORE in names or _ITEMS not in names:
        return _STORE in names
    try:
        with open_database(document) as connection:  # other editors have this table too
            table = _KeyValueTable(connection, _ITEMS)
            marks = (_PANEL, _PROMPTS, _GENERATIONS, *_LISTS)
            return any(table.value(key) is not None for key in marks)
    except ImportSourceError:
        return False


def read(document: Document) -> Items:
    """Yield the chats in *document*, then the prompts that are in none of them.

    A damaged part becomes a Failure. Raises ImportSourceError if no part of the
    database can be read.
    """
    with open_database(document) as connection:
        connection.text_factory = bytes
        yield from _Reader(connection, document.name, table_names(document)).all()


class _Reader:
    """One open database. Each part is read on its own, as any may be damaged."""

    def __init__(
        self, connection: sqlite3.Connection, name: str, names: frozenset[str]
    ) -> None:
        self._connection = connection
        self._name = name
        self._has_catalog = _CATALOG in names
        self._store = _KeyValueTable(connection, _STORE) if _STORE in names else None
        self._items = _KeyValueTable(connection, _ITEMS) if _ITEMS in names else None
        self._headers: dict[str, ChatHeader] = {}
        self._inline: list[JsonObject] = []
        self._agents: set[str] = set()
        self._live: set[str] = set()
        self._bodies: set[bytes] = set()

    def all(self) -> Items:
        if self._has_catalog:
            yield from self._attempt(_CATALOG, self._read_catalog)
        if self._items:
            for key in _LISTS:
                yield from self._attempt(
                    key, partial(self._read_list, self._items, key)
                )
        if self._store:
            yield from self._chats(self._store)
        for data in self._inline:
            key = as_text(data.get("composerId")) or ""
            if key not in self._live:
                yield from self._chat(key, data)
        if self._items:
            yield from self._part(_PANEL, self._panel(self._items))
            yield from self._part(_PROMPTS, self._history(self._items))

    def _part(self, what: str, found: Items) -> Items:
        """Yield what is *found*, and a Failure if the database is damaged there."""
        try:
            yield from found
        except _DAMAGE as error:
            yield Failure(sanitized(f"{self._name}, {what}"), str(error))

    def _attempt(self, what: str, note: Callable[[], None]) -> Items:
        try:
            note()
        except _DAMAGE as error:
            yield Failure(sanitized(f"{self._name}, {what}"), str(error))

    def _read_catalog(self) -> None:
        """Store the headers in the table of chats, which exists since Cursor 3."""
        rows = self._connection.execute(f"SELECT * FROM {_CATALOG}")
        columns = [column[0] for column in rows.description]
        for row in rows:
            cells = dict(zip(columns, row, strict=True))
            data = as_object(parse_json(cells.get("value") or b"{}"))
            if isinstance(key := cells.get("composerId"), bytes):
                data["composerId"] = key.decode(errors="replace")
            data["isSubagent"] = bool(data.get("isSubagent") or cells.get("isSubagent"))
            self._add_header(data)

    def _read_list(self, table: _KeyValueTable, key: str) -> None:
        if (value := table.value(key)) is None:
            return
        for data in map(
            as_object, as_list(as_object(parse_json(value)).get("allComposers"))
        ):
            self._add_header(data)
            if data.get("conversation") or data.get("conversationMap"):
                self._inline.append(data)

    def _add_header(self, data: JsonObject) -> None:
        if key := as_text(data.get("composerId")):
            known = self._headers.get(key, ChatHeader())
            name = as_text(data.get("name")) or known.name
            self._headers[key] = ChatHeader(
                name, as_time(data.get("createdAt")) or known.made
            )
            if is_subagent(key, data):
                self._agents.add(key)

    def _chats(self, store: _KeyValueTable) -> Items:
        keys: dict[str, None] = {}  # a damaged index may list a key repeatedly
        yield from self._attempt(
            "list of chats", lambda: keys.update(dict.fromkeys(store.below(_CHAT)))
        )
        for key in keys:
            with contextlib.suppress(*_DAMAGE):  # it is reported when the chat is read
                self._agents.update(subagent_ids(store.value(f"{_CHAT}:{key}")))
        for key in keys:
            yield from self._part(f"chat {key}", self._stored_chat(store, key))
        yield from self._part("its messages", self._count_deleted(store))

    def _stored_chat(self, store: _KeyValueTable, key: str) -> Items:
        value = store.value(f"{_CHAT}:{key}")
        if value is None:
            return
        self._live.add(key)
        data: JsonObject = {}
        try:
            data = as_object(parse_json(value))
        except ValueError as error:
            yield Failure(sanitized(f"{self._name}, chat {key}"), str(error))
        yield from self._chat(key, data)

    def _chat(self, key: str, data: JsonObject) -> Items:
        listed = chat_entries(data)
        if key in self._agents or is_subagent(key, data):
            if number := sum(turn.is_user is True for turn in listed):
                yield Skipped("subagent", number)
            return
        chat = new_chat(key, data, self._headers.get(key, ChatHeader()))
        order = listed or [ChatEntry(name) for name in self._bubbles(key, by_age=True)]
        elsewhere = self._moved_keys(key, order)
        for turn in order:
            name = elsewhere.get(turn.id, turn.id)
            take = partial(self._add_message, chat, key, turn, name)
            yield from self._attempt(f"chat {key}, message {turn.id}", take)
        taken = {turn.id for turn in order} | {*elsewhere.values()}
        chat.skipped["abandoned branch"] += self._count_unlisted(key, taken)
        yield from self._emit(chat.conversation())

    def _moved_keys(self, key: str, order: list[ChatEntry]) -> dict[str | None, str]:
        """Return the keys of listed messages that are stored under another key."""
        rows = set(self._bubbles(key))
        listed = {turn.id for turn in order if turn.is_user is not False}
        if not (lost := listed - rows - {None}):
            return {}
        others = sorted(rows.difference(turn.id for turn in order))
        found = {bubble_id(self._bubble(key, name)): name for name in others}
        return {name: found[name] for name in lost if name in found}

    def _add_message(
        self, chat: CursorChat, key: str, turn: ChatEntry, name: str | None
    ) -> None:
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

    def _count_unlisted(self, key: str, listed: Container[str | None] = ()) -> int:
        """Count the person's messages that are no longer, or not yet, in a chat."""
        left = (name for name in self._bubbles(key) if name not in listed)
        return sum(has_text(self._bubble(key, name)) for name in left)

    def _count_deleted(self, store: _KeyValueTable) -> Items:
        """Count the messages of deleted chats; their order is not known."""
        gone = (key for key in store.parts(_BUBBLE) if key not in self._live)
        if number := sum(map(self._count_unlisted, gone)):
            yield Skipped("deleted chat", number)

    def _panel(self, table: _KeyValueTable) -> Items:
        if (value := table.value(_PANEL)) is not None:
            for conversation in _panel_chats(parse_json(value)):
                yield from self._emit(conversation)

    def _history(self, table: _KeyValueTable) -> Items:
        """Yield the prompts of the log that are in no chat; it names no chats."""
        prompts, generations = map(table.value, (_PROMPTS, _GENERATIONS))
        yield from self._emit(
            _prompt_history(
                parse_json(prompts or b"[]"),
                parse_json(generations or b"[]"),
                self._bodies,
            )
        )

    def _emit(self, conversation: Conversation) -> Items:
        bodies = (each.drafts[-1].body for each in conversation.candidates)
        self._bodies.update(map(digest, bodies))
        if conversation.candidates or conversation.skipped:
            yield conversation


def _panel_chats(data: JsonValue) -> Iterator[Conversation]:
    """Yield the chat in each tab of the panel that Cursor had in 2023 and 2024."""
    for tab in map(as_object, as_list(as_object(data).get("tabs"))):
        key = as_text(tab.get("tabId")) or as_text(tab.get("id"))
        name = as_text(tab.get("chatTitle")) or as_text(tab.get("title"))
        chat = CursorChat(key, name or _UNTITLED, as_time(tab.get("createdAt")))
        for bubble in map(as_object, as_list(tab.get("bubbles"))):
            if bubble.get("type") == "user":
                made = as_time(bubble.get("createdAt") or bubble.get("timestamp"))
                chat.add(parse_message(_said(bubble)), as_text(bubble.get("id")), made)
        yield chat.conversation()


def _prompt_history(
    prompts: JsonValue, generations: JsonValue, known: Container[bytes]
) -> Conversation:
    """Return the logged prompts whose digests are not *known*, oldest first.

    The log of prompts has no times; that of generations has, but not for every prompt.
    """
    asked = [each for each in map(as_object, as_list(generations)) if _is_asked(each)]
    texts = [as_text(each.get("text")) for each in map(as_object, as_list(prompts))]
    described = [as_text(each.get("textDescription")) for each in asked]
    times = dict(
        zip(described, (as_time(each.get("unixMs")) for each in asked), strict=True)
    )
    bodies = dict.fromkeys(filter(None, [*texts, *described]))
    chat = CursorChat(None, _HISTORY)
    chat.skipped[NO_TEXT] = sum(body is None for body in texts)
    for body in bodies:
        if digest(body) not in known:
            chat.add(parse_message(body), made=times.get(body))
    found = chat.conversation()  # which of them began a chat is not known
    logged = (each._replace(opening=False) for each in found.candidates)
    return Conversation(tuple(logged), found.skipped)


def _said(bubble: JsonObject) -> str:
    said = as_text(bubble.get("text")) or as_text(bubble.get("rawText"))
    return said or rich_text(bubble.get("initText")) or ""


def _is_asked(generation: JsonObject) -> bool:
    return generation.get("type") in _ASKED


def _decoded(key: object) -> str:
    return key.decode(errors="replace") if isinstance(key, bytes) else ""
