"""Gemini in Google Takeout: My Activity as JSON or HTML, and Workspace chats.

The formats are observed in exports; they are not documented.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import chain, islice
from pathlib import PurePosixPath
from typing import BinaryIO

from promptvault.importers.gemini import html
from promptvault.importers.gemini.activity import Activity, message_id
from promptvault.importers.gemini.verb import PromptFrame, find_frame
from promptvault.importers.input.candidate import (
    NO_TEXT,
    Candidate,
    Conversation,
    Draft,
    Failure,
    Items,
    Skipped,
    linear_candidates,
)
from promptvault.importers.input.document import Document
from promptvault.importers.input.field import as_list, as_object, as_text, as_time
from promptvault.importers.input.json_stream import Damaged, JsonObject, json_values

SOURCE = "gemini"

_PAGE = re.compile(rb"<(?:!doctype\s+html|html|div)\b", re.IGNORECASE)
_CARD = re.compile(rb"<div\b[^<>]{0,999}?\bouter-cell\b")
_REACH = 1 << 20
"""Bytes within which a page has its first card: its style sheet is large."""
_STUDIED = 200
"""Activities from which the words around a prompt are derived."""
_CHAT_ID = re.compile(r"conversation_\w+")
_NAMES = frozenset({"header", "products"})
_LAST = datetime.max.replace(tzinfo=UTC)


def probe(document: Document) -> bool:
    """Return True for a My Activity file of any product, and for a chat."""
    if any(map(_is_row, document.sample)) or _is_workspace(document):
        return True
    return _is_page(document)


def read(document: Document) -> Items:
    """Yield the prompts in *document*, by chat if the chat is known.

    Activities of other products are only counted. Raises ImportSourceError if the file
    cannot be read further.
    """
    if _is_workspace(document):
        yield from _read_workspace(document)
    else:
        yield from _read_activities(document)


def _read_activities(document: Document) -> Items:
    with document.open() as stream:
        rows = html.activities(stream) if _is_page(document) else _rows(stream)
        first = list(islice(rows, _STUDIED))
        prompts = _Prompts(_frame(first))
        for number, row in enumerate(chain(first, rows), 1):
            where = f"{document.name}, activity {number}"
            if isinstance(row, Damaged):
                prompts.failures.append(Failure(where, row.reason))
            elif row is None:
                prompts.failures.append(Failure(where, "it is not an activity"))
            elif candidate := prompts.add(row):
                yield candidate
    yield from prompts.rest()


def _is_workspace(document: Document) -> bool:
    return any(map(_is_workspace_chat, document.sample))


def _is_page(document: Document) -> bool:
    head = document.head.replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n")
    if not head.startswith(b"<") or not _PAGE.search(head[:1024]):
        return False
    if _CARD.search(head):
        return True
    with document.open() as stream:
        return bool(_CARD.search(stream.read(_REACH).replace(b"\0", b"")))


def _is_row(value: JsonObject) -> bool:
    keys = ("header", "title", "time")
    return all(isinstance(value.get(key), str) for key in keys)


def _rows(stream: BinaryIO) -> Iterator[Activity | Damaged | None]:
    for value in json_values(stream):
        if isinstance(value, Damaged):
            yield value
        else:
            is_activity = isinstance(value, dict) and _NAMES & value.keys()
            yield _row(as_object(value)) if is_activity else None


def _row(value: JsonObject) -> Activity:
    products = filter(None, map(as_text, as_list(value.get("products"))))
    details = map(as_object, as_list(value.get("details")))
    addresses = [value.get("titleUrl"), *(each.get("url") for each in details)]
    return Activity(
        header=as_text(value.get("header")) or "",
        products=tuple(products),
        title=as_text(value.get("title")) or "",
        made=as_time(value.get("time")),
        links=tuple(filter(None, map(as_text, addresses))),
        answered=bool(value.get("safeHtmlItem")),
    )


def _frame(rows: Iterable[Activity | Damaged | None]) -> PromptFrame:
    """Return what is written around the answered prompts in *rows*."""
    activities = [row for row in rows if isinstance(row, Activity)]
    return find_frame(
        each.title
        for each in activities
        if each.answered and each.is_gemini and not each.verb
    )


class _Prompts:
    """What was found so far; the rows of one chat are not next to each other."""

    def __init__(self, frame: PromptFrame) -> None:
        self.failures: list[Failure] = []
        self._frame = frame
        self._skipped: Counter[str] = Counter()
        self._chats: dict[str, list[Draft]] = defaultdict(list)
        self._begun: dict[str, datetime] = {}

    def add(self, row: Activity) -> Candidate | None:
        """Add *row*; return it if it is a prompt that belongs to no single chat."""
        if not row.is_gemini:
            self._skipped["another Google product"] += 1
            return None
        body = row.prompt(self._frame)
        if body is None:
            self._skipped["no prompt"] += 1
            return None
        if not body.strip():
            self._skipped[NO_TEXT] += 1
            return None
        draft = Draft(body, row.made, message_id(body, row.made))
        chats = row.chats
        if len(chats) == 1:
            self._chats[chats[0]].append(draft)
            return None
        for chat in chats:
            begun = draft.created_at or _LAST
            self._begun[chat] = min(begun, self._begun.get(chat, _LAST))
        return Candidate((draft,))

    def rest(self) -> Items:
        """Yield the chats, what was left out, and what could not be read."""
        for chat, drafts in self._chats.items():
            yield self._conversation(chat, drafts)
        for reason, number in self._skipped.items():
            yield Skipped(reason, number)
        yield from self.failures

    def _conversation(self, chat: str, drafts: list[Draft]) -> Conversation:
        drafts.reverse()  # rows come newest first, even within one second
        drafts.sort(key=lambda draft: draft.created_at or _LAST)
        first = drafts[0].created_at or _LAST
        opens = first <= self._begun.get(chat, _LAST)
        candidates = (
            Candidate(
                (draft,),
                opening=opens and number == 0,
                conversation_id=chat,
                url=f"https://gemini.google.com/app/{chat}",
            )
            for number, draft in enumerate(drafts)
        )
        return Conversation(tuple(candidates))


def _is_workspace_chat(value: JsonObject) -> bool:
    """Return True if *value* is a chat of Google Workspace."""
    turns = [as_object(turn) for turn in as_list(value.get("conversation_turns"))]
    return any("user_turn" in turn or "system_turn" in turn for turn in turns)


def _read_workspace(document: Document) -> Items:
    """Yield the chats in *document*, usually one."""
    with document.open() as stream:
        for number, value in enumerate(json_values(stream), 1):
            where = f"{document.name}, chat {number}"
            if isinstance(value, Damaged):
                yield Failure(where, value.reason)
            elif isinstance(value, dict) and _is_workspace_chat(value):
                yield _workspace_chat(value, document.name)
            else:
                yield Failure(where, "it is not a chat of Gemini")


def _workspace_chat(value: JsonObject, name: str) -> Conversation:
    stem = PurePosixPath(name).stem
    prompts = [
        draft for turn in _workspace_turns(value) if (draft := _workspace_draft(turn))
    ]
    textless = sum(1 for _ in _workspace_turns(value)) - len(prompts)
    candidates = linear_candidates(
        prompts, stem if _CHAT_ID.fullmatch(stem) else None, as_text(value.get("title"))
    )
    return Conversation(candidates, {NO_TEXT: textless} if textless else {})


def _workspace_turns(value: JsonObject) -> Iterator[JsonObject]:
    for turn in map(as_object, as_list(value.get("conversation_turns"))):
        if isinstance(sent := turn.get("user_turn"), dict):
            yield sent


def _workspace_draft(sent: JsonObject) -> Draft | None:
    body = as_text(sent.get("prompt"))
    made = as_time(sent.get("turn_last_modified"))
    return Draft(body, made, message_id(body, made)) if body else None
