"""The records of a Claude Code session file; most are skipped without parsing.

The format is observed in session files; it is not documented and changes with releases
of the client.
"""

import json
import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import BinaryIO

from promptvault.importers.claude_code.session import START, SessionBuilder, Turn
from promptvault.importers.claude_code.text import (
    ParsedMessage,
    parse_content,
    with_command,
)
from promptvault.importers.input.candidate import (
    EMPTY_CONVERSATION,
    Conversation,
    Failure,
    Items,
    without_person,
)
from promptvault.importers.input.document import Document
from promptvault.importers.input.field import as_object, as_text, as_time
from promptvault.importers.input.json_stream import (
    Damaged,
    JsonObject,
    JsonValue,
    json_values,
)
from promptvault.importers.input.lines import parse_json_line, read_blocks

_NEVER_TYPED = (
    "isMeta",
    "isCompactSummary",
    "isVisibleInTranscriptOnly",
    "toolUseResult",
    "planContent",
)
_WARM_UP = "Warmup"
_ABSORBED = (None, "absorbed_mid_turn")

# Quotes within strings are escaped, so these match keys and values only, at any depth.
_TURN = re.compile(
    rb'"type": ?"(?:user|queued_command|queue-operation|last-prompt'
    rb'|custom-title|ai-title|summary)"'
)
_TOOL_RESULT = re.compile(rb'"type": ?"tool_result"')
_RECORD_UUID = re.compile(rb'"uuid": ?"([^"\\]*)", ?"timestamp"')
_UUID = re.compile(rb'"uuid": ?"([^"\\]*)"(, ?"timestamp")?')
_UUID_KEY = b'"uuid"'
_SESSION = re.compile(rb'"sessionId": ?"([^"\\]*)"')
_PARENT = re.compile(rb'"parentUuid": ?"([^"\\]*)"')
_MODEL = re.compile(rb'"model": ?"([^"\\<]+)"')
_NO_ANSWER = re.compile(rb'"type": ?"(?:progress|user)"|"isSidechain": ?true')
_OPENING, _CLOSING = b"{}"
_NOT_BY_LINE = re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:\[\s*\{|\{\s*\n)")


class SessionLog:
    """Reads one session file."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._sessions = SessionBuilder()
        self._number = 0
        """Lines read, including blank ones."""
        self._lines = 0
        path = PurePosixPath(document.name)
        # Records of subagents are marked, but not in every version.
        self._is_agent = path.name.startswith("agent-") or "subagents" in path.parts
        self._session = path.stem
        self._raw_session = _quoted(self._session)
        self._place = START
        """Index of the session's last turn, to which following records belong."""
        self._linked: set[str] = set()
        self._is_linked = False
        """True if the records of the session name their parents."""
        self._unanswered: Turn | None = None
        self._untyped = 0

    def items(self) -> Items:
        """Yield what could not be read, then the sessions.

        Raises ImportSourceError if the file cannot be read further.
        """
        yield from self._read()
        found = False
        for conversation in self._sessions.conversations():
            found = True
            yield conversation
        if not found:
            empty = Conversation((), {EMPTY_CONVERSATION: 1})
            yield without_person(empty, self._untyped)

    def _read(self) -> Iterator[Failure]:
        """Read the file. A damaged last line is no failure: it is being written."""
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
                    self._read_record(value)
        if damaged and at < self._lines:
            yield damaged

    def _records(self, stream: BinaryIO) -> Iterator[tuple[int, JsonValue | Damaged]]:
        """Yield the records that matter. Some tools save them as JSON, not by line."""
        if not _NOT_BY_LINE.match(self._document.head):
            for block in read_blocks(stream):
                yield from self._records_of(block)
            return
        for number, value in enumerate(json_values(stream), 1):
            if self._is_wanted(json.dumps(value).encode()):
                yield number, value

    def _records_of(self, block: bytes) -> Iterator[tuple[int, JsonValue | Damaged]]:
        at = 0
        for start, end in _turn_lines(block):
            yield from self._read_between(block, at, start)
            yield from self._record(block[start:end])
            at = end
        yield from self._read_between(block, at, len(block))

    def _read_between(
        self, block: bytes, at: int, limit: int
    ) -> Iterator[tuple[int, JsonValue | Damaged]]:
        """Skip the lines from *at* to *limit*; parse those that are not what they
        seem."""
        is_plain = True
        while at < limit:
            if is_plain and self._is_linked and not self._unanswered:
                if self._skip_lines(block, at, limit):
                    return
                is_plain = False
            end = block.find(b"\n", at, limit) + 1 or limit
            yield from self._record(block[at:end])
            at = end

    def _skip_lines(self, block: bytes, at: int, limit: int) -> bool:
        found = _record_uuids(block, at, limit, self._raw_session)
        if found is None:
            return False
        self._number += len(found)
        self._lines += len(found)
        self._sessions.turn_index.add_all(found, self._place)
        return True

    def _record(self, line: bytes) -> Iterator[tuple[int, JsonValue | Damaged]]:
        self._number += 1
        line = line.strip()
        if line and self._is_wanted(line):
            yield self._number, parse_json_line(self._number, line)

    def _is_wanted(self, line: bytes) -> bool:
        """Return True if *line* must be parsed; otherwise store its turn."""
        self._lines += 1
        if line[0] != _OPENING or line[-1] != _CLOSING:
            return True
        if _may_be_turn(line):
            return True
        if self._unanswered and b'"assistant"' in line:
            self._find_model(self._unanswered, line)
        at = line.rfind(_UUID_KEY)
        if at >= 0:
            self._skip_record(line, at)
        return False

    def _skip_record(self, line: bytes, at: int) -> None:
        """Store the turn of a record that is not a person's.

        Its own uuid is the last one in it, at offset *at*, if a timestamp follows;
        otherwise it is the last or the first. A wrong one does no harm: no record has
        it as parent.
        """
        if self._raw_session not in line:
            self._switch_session(line)
        if not self._is_linked:
            self._find_link(line)
        found = _UUID.match(line, at)
        if found:
            self._sessions.turn_index.add(found[1], self._place)
        if (not found or not found[2]) and (first := _UUID.search(line, 0, at)):
            self._sessions.turn_index.add(first[1], self._place)

    def _switch_session(self, line: bytes) -> None:
        """Switch to the session of *line*, which may continue another one."""
        found = _SESSION.search(line)
        if not found:
            return
        session = found[1].decode(errors="replace")
        if session not in self._sessions.tips:
            place = self._place_before(line)
            self._sessions.tips[session] = START if place is None else place
        self._set_session(session)

    def _set_session(self, session: str) -> None:
        self._session = session
        self._raw_session = _quoted(session)
        self._place = self._sessions.tip(session)
        self._is_linked = session in self._linked

    def _find_link(self, line: bytes) -> None:
        if self._place_before(line) is not None:
            self._linked.add(self._session)
            self._is_linked = True

    def _find_model(self, turn: Turn, line: bytes) -> None:
        """Set the model of *turn* if *line* begins the answer to it."""
        if turn.session == self._session and not _NO_ANSWER.search(line):
            if found := _MODEL.search(line):
                turn.model = as_text(found[1].decode(errors="replace"))
                self._unanswered = None

    def _place_before(self, line: bytes) -> int | None:
        parent = _PARENT.search(line)
        return self._sessions.turn_index.turn_of(parent[1]) if parent else None

    def _read_record(self, record: JsonObject) -> None:
        session = as_text(record.get("sessionId"))
        if session and session != self._session:
            self._set_session(session)
        match record.get("type"):
            case "user":
                self._read_message(record)
            case "attachment":
                self._read_attachment(record)
            case "queue-operation":
                self._read_operation(record)
            case _:
                self._read_note(record)
        if uuid := as_text(record.get("uuid")):
            self._sessions.turn_index.add(uuid.encode(errors="replace"), self._place)

    def _read_message(self, record: JsonObject) -> None:
        found = _typed_in(record)
        is_agent = self._is_agent or bool(record.get("isSidechain"))
        if is_agent and found.body and found.body.strip() != _WARM_UP:
            self._skip("subagent")
        elif is_agent or not (found.body or found.reason):
            self._untyped += 1
        else:
            self._add(record, found, self._parent(record))

    def _read_attachment(self, record: JsonObject) -> None:
        """Add a prompt that was sent while the agent worked; most attachments are
        none."""
        attachment = as_object(record.get("attachment"))
        if attachment.get("type") != "queued_command" or record.get("isSidechain"):
            return
        if attachment.get("commandMode", "prompt") == "prompt" and not self._is_agent:
            found = with_command(_typed_at(attachment, attachment.get("prompt")))
            if found.body or found.reason:
                self._add(record, found, self._place)

    def _read_operation(self, record: JsonObject) -> None:
        """Follow the queue: before 2.1.101 only it has prompts sent while the agent
        worked."""
        content = record.get("content")
        body = None
        if content is not None:
            body = with_command(parse_content(content)).body or ""
        made = as_time(record.get("timestamp"))
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

    def _read_note(self, record: JsonObject) -> None:
        leaf = as_text(record.get("leafUuid"))
        match record.get("type"):
            case "custom-title":
                self._set_title("custom", as_text(record.get("customTitle")))
            case "ai-title":
                self._set_title("ai", as_text(record.get("aiTitle")))
            case "summary" if leaf and (title := as_text(record.get("summary"))):
                self._sessions.add_summary(leaf, title)
            case "last-prompt" if leaf:
                said = as_text(record.get("lastPrompt"))
                self._sessions.set_end(self._session, leaf, said)

    def _set_title(self, kind: str, title: str | None) -> None:
        if title:
            self._sessions.set_title(self._session, kind, title)

    def _add(self, record: JsonObject, found: ParsedMessage, parent: int) -> None:
        origin = as_object(record.get("forkedFrom"))
        uuid = as_text(record.get("uuid"))
        turn = Turn(
            self._session,
            parent,
            found.body,
            as_time(record.get("timestamp")),
            as_text(origin.get("messageUuid")) or uuid,
            as_text(origin.get("sessionId")),
            is_command=found.is_command,
        )
        if self._sessions.add(turn, uuid):
            self._place = self._sessions.tip(self._session)
            self._unanswered = turn if turn.body else None
            if found.reason:
                self._skip(found.reason)

    def _skip(self, reason: str) -> None:
        self._sessions.skipped[self._session][reason] += 1

    def _parent(self, record: JsonObject) -> int:
        """Return the turn that a record follows: the named one, else the last one.

        If the records of a session name their parents, one that names none is a new
        beginning: the first prompt, edited and sent again.
        """
        named = record.get("parentUuid") or record.get("logicalParentUuid")
        if isinstance(named, str):
            place = self._sessions.turn_index.turn_of(named.encode(errors="replace"))
            if place is not None:
                self._linked.add(self._session)
                self._is_linked = True
                return place
        elif "parentUuid" in record and self._is_linked:
            return START
        return self._place


def _may_be_turn(line: bytes) -> bool:
    """Return True if *line* must be parsed: it may be a turn or describe one."""
    return bool(_TURN.search(line)) and not _TOOL_RESULT.search(line)


def _turn_lines(block: bytes) -> Iterator[tuple[int, int]]:
    """Yield start and end offset of each line in *block* that must be parsed.

    Most of a session is answers and tool results. One search over the whole block is
    several times as fast as a search in each line.
    """
    end = 0
    for found in _TURN.finditer(block):
        if found.start() < end:
            continue
        start = block.rfind(b"\n", 0, found.start()) + 1
        end = block.find(b"\n", found.end()) + 1 or len(block)
        if not _TOOL_RESULT.search(block, start, end):
            yield start, end


def _record_uuids(
    block: bytes, start: int, end: int, session: bytes
) -> list[bytes] | None:
    """Return the uuids of the records between two offsets of *block*.

    *session* is the session id in quotes. Return None if a line seems to be no record
    or belongs to another session; the caller then looks at each line.
    """
    count = block.count(b"\n", start, end)
    if block.count(session, start, end) < count:
        return None
    found: list[bytes] = _RECORD_UUID.findall(block, start, end)
    return found if len(found) == count else None


def _quoted(session: str) -> bytes:
    return b'"%s"' % session.encode(errors="replace")


def _typed_in(record: JsonObject) -> ParsedMessage:
    """Return the text that a person typed in a record of type user."""
    message = as_object(record.get("message"))
    if any(map(record.get, _NEVER_TYPED)) or message.get("role", "user") != "user":
        return ParsedMessage()
    return _typed_at(record, message.get("content"))


def _typed_at(holder: JsonObject, content: JsonValue) -> ParsedMessage:
    """Return the text that a person typed in *content*; empty if *holder* has another
    origin.
    """
    kind = as_object(holder.get("origin")).get("kind", "human")
    is_human = kind == holder.get("turnOrigin", "human") == "human"
    return (
        parse_content(content)
        if is_human and not holder.get("isMeta")
        else ParsedMessage()
    )
