"""The records of a Claude Code session file: most are passed over unparsed."""

import json
import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import BinaryIO

from promptvault.importers.claude_code import claude_code_block
from promptvault.importers.claude_code.session import START, Sessions, Turn
from promptvault.importers.claude_code.text import (
    SLASH_COMMAND,
    Typed,
    is_typed_command,
    typed,
)
from promptvault.importers.input.candidate import Conversation, Failure, Items
from promptvault.importers.input.document import Document
from promptvault.importers.input.field import members, moment, text
from promptvault.importers.input.json_stream import (
    Damaged,
    JsonObject,
    JsonValue,
    values,
)
from promptvault.importers.input.lines import blocks, json_value

_NEVER_TYPED = (
    "isMeta",
    "isCompactSummary",
    "isVisibleInTranscriptOnly",
    "toolUseResult",
    "planContent",
)
_WARM_UP = "Warmup"
_ABSORBED = (None, "absorbed_mid_turn")

_UUID = re.compile(rb'"uuid": ?"([^"\\]*)"(, ?"timestamp")?')
_UUID_KEY = b'"uuid"'
_SESSION = re.compile(rb'"sessionId": ?"([^"\\]*)"')
_PARENT = re.compile(rb'"parentUuid": ?"([^"\\]*)"')
_MODEL = re.compile(rb'"model": ?"([^"\\<]+)"')
_NO_ANSWER = re.compile(rb'"type": ?"(?:progress|user)"|"isSidechain": ?true')
_OPENING, _CLOSING = b"{}"
_NOT_BY_LINE = re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:\[\s*\{|\{\s*\n)")


class Log:
    """Reads one session file."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._sessions = Sessions()
        self._number = 0
        """How many lines were read, blank ones too."""
        self._lines = 0
        path = PurePosixPath(document.name)
        # Records of subagents say so themselves, but not in every version.
        self._is_agent = path.name.startswith("agent-") or "subagents" in path.parts
        self._session = path.stem
        self._raw_session = _quoted(self._session)
        self._place = START
        """The last turn of the session: where the records after it stand."""
        self._linked: set[str] = set()
        self._is_linked = False
        """Whether the records of the session name what they follow."""
        self._unanswered: Turn | None = None

    def items(self) -> Items:
        """Yield what could not be read, then the sessions.

        Raises ImportSourceError where the file cannot be read further.
        """
        yield from self._read()
        found = False
        for conversation in self._sessions.conversations():
            found = True
            yield conversation
        if not found:
            yield Conversation((), {"empty conversation": 1})

    def _read(self) -> Iterator[Failure]:
        """Go through the file; where its last line is cut off, it is being written."""
        damaged: Failure | None = None
        at = 0
        with self._document.open() as stream:
            for number, value in self._records(stream):
                if damaged:
                    yield damaged
                    damaged = None
                if isinstance(value, Damaged):
                    where = f"{self._document.name}, line {number}"
                    damaged, at = Failure(where, value.reason), self._lines
                elif isinstance(value, dict):
                    self._take(value)
        if damaged and at < self._lines:
            yield damaged

    def _records(self, stream: BinaryIO) -> Iterator[tuple[int, JsonValue | Damaged]]:
        """Yield the records that matter; some tools save them as JSON, not by line."""
        if not _NOT_BY_LINE.match(self._document.head):
            for block in blocks(stream):
                yield from self._records_of(block)
            return
        for number, value in enumerate(values(stream), 1):
            if self._is_wanted(json.dumps(value).encode()):
                yield number, value

    def _records_of(self, block: bytes) -> Iterator[tuple[int, JsonValue | Damaged]]:
        at = 0
        for start, end in claude_code_block.wanted(block):
            yield from self._between(block, at, start)
            yield from self._record(block[start:end])
            at = end
        yield from self._between(block, at, len(block))

    def _between(
        self, block: bytes, at: int, limit: int
    ) -> Iterator[tuple[int, JsonValue | Damaged]]:
        """Pass over the lines from *at* to *limit*, where they are what they seem."""
        is_plain = True
        while at < limit:
            if is_plain and self._is_linked and not self._unanswered:
                if self._pass_over_all(block, at, limit):
                    return
                is_plain = False
            end = block.find(b"\n", at, limit) + 1 or limit
            yield from self._record(block[at:end])
            at = end

    def _pass_over_all(self, block: bytes, at: int, limit: int) -> bool:
        found = claude_code_block.uuids(block, at, limit, self._raw_session)
        if found is None:
            return False
        self._number += len(found)
        self._lines += len(found)
        self._sessions.places.put_all(found, self._place)
        return True

    def _record(self, line: bytes) -> Iterator[tuple[int, JsonValue | Damaged]]:
        self._number += 1
        line = line.strip()
        if line and self._is_wanted(line):
            yield self._number, json_value(self._number, line)

    def _is_wanted(self, line: bytes) -> bool:
        """Tell whether *line* is to be parsed; note where it stands if not."""
        self._lines += 1
        if line[0] != _OPENING or line[-1] != _CLOSING:
            return True
        if claude_code_block.is_wanted(line):
            return True
        if self._unanswered and b'"assistant"' in line:
            self._look_for_model(self._unanswered, line)
        at = line.rfind(_UUID_KEY)
        if at >= 0:
            self._pass_over(line, at)
        return False

    def _pass_over(self, line: bytes, at: int) -> None:
        """Note where a record stands that is no turn of the person.

        Its own uuid is the last one in it, *at* there, with the time behind it; else
        it is that or the first one. A wrong one does no harm: no record follows it.
        """
        if self._raw_session not in line:
            self._enter(line)
        if not self._is_linked:
            self._look_for_link(line)
        found = _UUID.match(line, at)
        if found:
            self._sessions.places.put_new(found[1], self._place)
        if (not found or not found[2]) and (first := _UUID.search(line, 0, at)):
            self._sessions.places.put_new(first[1], self._place)

    def _enter(self, line: bytes) -> None:
        """Go over to the session that *line* is of; one may go on from another."""
        found = _SESSION.search(line)
        if not found:
            return
        session = found[1].decode(errors="replace")
        if session not in self._sessions.tips:
            place = self._place_before(line)
            self._sessions.tips[session] = START if place is None else place
        self._go_to(session)

    def _go_to(self, session: str) -> None:
        self._session = session
        self._raw_session = _quoted(session)
        self._place = self._sessions.tip(session)
        self._is_linked = session in self._linked

    def _look_for_link(self, line: bytes) -> None:
        if self._place_before(line) is not None:
            self._linked.add(self._session)
            self._is_linked = True

    def _look_for_model(self, turn: Turn, line: bytes) -> None:
        """Note which model answers *turn*, if *line* is the beginning of its answer."""
        if turn.session == self._session and not _NO_ANSWER.search(line):
            if found := _MODEL.search(line):
                turn.model = text(found[1].decode(errors="replace"))
                self._unanswered = None

    def _place_before(self, line: bytes) -> int | None:
        parent = _PARENT.search(line)
        return self._sessions.places.find(parent[1]) if parent else None

    def _take(self, record: JsonObject) -> None:
        session = text(record.get("sessionId"))
        if session and session != self._session:
            self._go_to(session)
        match record.get("type"):
            case "user":
                self._take_message(record)
            case "attachment":
                self._take_attachment(record)
            case "queue-operation":
                self._take_operation(record)
            case _:
                self._take_note(record)
        if uuid := text(record.get("uuid")):
            self._sessions.places.put_new(uuid.encode(errors="replace"), self._place)

    def _take_message(self, record: JsonObject) -> None:
        found = _typed_in(record)
        if self._is_agent or record.get("isSidechain"):
            if found.body and found.body.strip() != _WARM_UP:
                self._skip("subagent")
        elif found.body or found.reason:
            self._add(record, found, self._parent(record))

    def _take_attachment(self, record: JsonObject) -> None:
        """Take a prompt sent while the agent was at work; most attachments are none."""
        attachment = members(record.get("attachment"))
        if attachment.get("type") != "queued_command" or record.get("isSidechain"):
            return
        if attachment.get("commandMode", "prompt") == "prompt" and not self._is_agent:
            found = _as_queued(_typed_at(attachment, attachment.get("prompt")))
            if found.body or found.reason:
                self._add(record, found, self._place)

    def _take_operation(self, record: JsonObject) -> None:
        """Follow the queue; before 2.1.101 it alone tells of prompts sent so."""
        content = record.get("content")
        body = None if content is None else _as_queued(typed(content)).body or ""
        made = moment(record.get("timestamp"))
        match record.get("operation"):
            case "enqueue":
                self._sessions.enqueue(self._session, body or "", made)
            case "dequeue":
                self._sessions.dequeue(self._session, body, made, sent=True)
            case "remove":
                sent = record.get("reason") in _ABSORBED
                self._sessions.dequeue(self._session, body, made, sent=sent)
            case "popAll":
                self._sessions.clear_queue(self._session)

    def _take_note(self, record: JsonObject) -> None:
        leaf = text(record.get("leafUuid"))
        match record.get("type"):
            case "custom-title":
                self._name("custom", text(record.get("customTitle")))
            case "ai-title":
                self._name("ai", text(record.get("aiTitle")))
            case "summary" if leaf and (title := text(record.get("summary"))):
                self._sessions.sum_up(leaf, title)
            case "last-prompt" if leaf:
                said = text(record.get("lastPrompt"))
                self._sessions.end_at(self._session, leaf, said)

    def _name(self, kind: str, title: str | None) -> None:
        if title:
            self._sessions.name(self._session, kind, title)

    def _add(self, record: JsonObject, found: Typed, parent: int) -> None:
        origin = members(record.get("forkedFrom"))
        uuid = text(record.get("uuid"))
        turn = Turn(
            self._session,
            parent,
            found.body,
            moment(record.get("timestamp")),
            text(origin.get("messageUuid")) or uuid,
            text(origin.get("sessionId")),
        )
        if self._sessions.add(turn, uuid):
            self._place = self._sessions.tip(self._session)
            self._unanswered = turn if turn.body else None
            if found.reason:
                self._skip(found.reason)

    def _skip(self, reason: str) -> None:
        self._sessions.skipped[self._session][reason] += 1

    def _parent(self, record: JsonObject) -> int:
        """Return the turn that a record follows: named, or else the one before.

        In a session whose records name what they follow, one that names nothing is
        a new beginning: the first prompt, sent again after going back to it.
        """
        named = record.get("parentUuid") or record.get("logicalParentUuid")
        if isinstance(named, str):
            place = self._sessions.places.find(named.encode(errors="replace"))
            if place is not None:
                self._linked.add(self._session)
                self._is_linked = True
                return place
        elif "parentUuid" in record and self._is_linked:
            return START
        return self._place


def _quoted(session: str) -> bytes:
    return b'"%s"' % session.encode(errors="replace")


def _typed_in(record: JsonObject) -> Typed:
    """Return what a person typed in a record of type user."""
    message = members(record.get("message"))
    if any(map(record.get, _NEVER_TYPED)) or message.get("role", "user") != "user":
        return Typed()
    return _typed_at(record, message.get("content"))


def _typed_at(holder: JsonObject, content: JsonValue) -> Typed:
    """Return what a person typed in *content*, unless *holder* names another origin."""
    kind = members(holder.get("origin")).get("kind", "human")
    is_human = kind == holder.get("turnOrigin", "human") == "human"
    return typed(content) if is_human and not holder.get("isMeta") else Typed()


def _as_queued(found: Typed) -> Typed:
    """Return *found* as what it becomes once sent: the queue holds raw commands."""
    if found.body and is_typed_command(found.body):
        return Typed(reason=SLASH_COMMAND)
    return found
