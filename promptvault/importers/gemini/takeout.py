"""Reads Gemini's part of Google Takeout: My Activity, JSON or HTML, and chats."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import chain, islice
from typing import BinaryIO

from promptvault.importers.gemini import gemini_workspace, html
from promptvault.importers.gemini.activity import Activity, message_id
from promptvault.importers.gemini.verb import Frame, frame_of
from promptvault.importers.input.candidate import (
    Candidate,
    Conversation,
    Draft,
    Failure,
    Items,
    Skipped,
)
from promptvault.importers.input.document import Document
from promptvault.importers.input.field import items, members, moment, text
from promptvault.importers.input.json_stream import Damaged, JsonObject, values

SOURCE = "gemini"

_PAGE = re.compile(rb"<(?:!doctype\s+html|html|div)\b", re.IGNORECASE)
_CARD = re.compile(rb"<div\b[^<>]{0,999}?\bouter-cell\b")
_REACH = 1 << 20
"""Bytes of a page within which its first card comes: its style sheet is large."""
_STUDIED = 200
"""Activities from which the words around a prompt are learnt."""
_NAMES = frozenset({"header", "products"})
_LAST = datetime.max.replace(tzinfo=UTC)


def probe(document: Document) -> bool:
    """Whether *document* is a My Activity file, of whatever product, or a chat."""
    if any(map(_is_row, document.sample)) or _is_workspace(document):
        return True
    return _is_page(document)


def read(document: Document) -> Items:
    """Yield the prompts in *document*, by chat where it says which that is.

    What other products recorded is only counted.
    """
    if _is_workspace(document):
        yield from gemini_workspace.read(document)
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
    return any(map(gemini_workspace.is_chat, document.sample))


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
    for value in values(stream):
        if isinstance(value, Damaged):
            yield value
        else:
            is_activity = isinstance(value, dict) and _NAMES & value.keys()
            yield _row(members(value)) if is_activity else None


def _row(value: JsonObject) -> Activity:
    products = filter(None, map(text, items(value.get("products"))))
    details = map(members, items(value.get("details")))
    addresses = [value.get("titleUrl"), *(each.get("url") for each in details)]
    return Activity(
        header=text(value.get("header")) or "",
        products=tuple(products),
        title=text(value.get("title")) or "",
        made=moment(value.get("time")),
        links=tuple(filter(None, map(text, addresses))),
        answered=bool(value.get("safeHtmlItem")),
    )


def _frame(rows: Iterable[Activity | Damaged | None]) -> Frame:
    """Return what is written around the prompts that were answered in *rows*."""
    activities = [row for row in rows if isinstance(row, Activity)]
    return frame_of(
        each.title
        for each in activities
        if each.answered and each.is_gemini and not each.verb
    )


class _Prompts:
    """What has been found so far: chats are put together, their rows lie apart."""

    def __init__(self, frame: Frame) -> None:
        self.failures: list[Failure] = []
        self._frame = frame
        self._skipped: Counter[str] = Counter()
        self._chats: dict[str, list[Draft]] = defaultdict(list)
        self._begun: dict[str, datetime] = {}

    def add(self, row: Activity) -> Candidate | None:
        """Take in *row*; return it if it is a prompt that belongs to no one chat."""
        if not row.is_gemini:
            self._skipped["another Google product"] += 1
            return None
        body = row.prompt(self._frame)
        if body is None:
            self._skipped["no prompt"] += 1
            return None
        if not body.strip():
            self._skipped["no text"] += 1
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
        drafts.reverse()  # rows come newest first, also those of one second
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
