"""A session file of Codex (a "rollout"), of any age.

Observed in openai/codex (`protocol.rs`, `rollout/src/policy.rs`) and in the readers of
agentsview and polylogue. Since September 2025 each line is ``{timestamp, type,
payload}``. A prompt is a response item of role user, and mostly again an event
``user_message`` or, in paginated sessions, ``item_completed``. Before, the lines were
bare response items after a header; until June 2025 a file was one JSON object.
"""

import json
import re
from collections import deque
from collections.abc import Iterator
from datetime import datetime
from pathlib import PurePosixPath

from promptvault.importers.codex.text import ParsedMessage, parse_content
from promptvault.importers.conversation.session_chat import SessionChat
from promptvault.importers.input.candidate import (
    NO_TEXT,
    Conversation,
    Draft,
    Failure,
    Items,
    Skipped,
)
from promptvault.importers.input.document import Document
from promptvault.importers.input.encoded_text import text_start
from promptvault.importers.input.field import as_object, as_text, as_time
from promptvault.importers.input.json_stream import Damaged, JsonObject, json_values
from promptvault.importers.input.log_record import log_records

_DECODER = json.JSONDecoder(strict=False)
_WANTED = re.compile(
    rb'"(?:role": ?"user"|type": ?"(?:session_meta|turn_context|user_message'
    rb"|item_completed|thread_rolled_back|entered_review_mode"
    rb'|thread_name_updated)"|instructions":)'
)
_TEXT = re.compile(rb'(?<="text":) ?"[^"\\]*+(?:\\.[^"\\]*+)*+"')
_START = 200
"""Bytes of a line within which its kinds are, after the time."""
# A file of one object begins with the session; its items follow.
_ONE_OBJECT = re.compile(r'\s*\{\s*"session"\s*:\s*(?=\{)')
_NOT_TYPED = frozenset({"subagent", "internal", "memory_consolidation"})
"""Kinds of sessions in which an agent writes the prompts."""
_REPEATS = 8
"""Number of last turns among which a prompt's other record is looked for."""


def is_record(value: JsonObject) -> bool:
    """Return True if *value* is a line of a session file that only Codex writes."""
    kind, payload = value.get("type"), value.get("payload")
    if not isinstance(payload, dict):
        return value.get("record_type") == "state" or _is_header(value)
    kinds = ("session_meta", "response_item", "event_msg", "turn_context", "compacted")
    return kind in kinds and "timestamp" in value


def is_one_object(document: Document) -> bool:
    """Return True if *document* is a session as one JSON object."""
    if not any(map(_is_item, document.sample)):
        return False
    return _ONE_OBJECT.match(text_start(document)) is not None


def read_rollout(document: Document) -> Items:
    """Yield the session in *document*, after what could not be read of it.

    Raises ImportSourceError if the file cannot be read further.
    """
    rollout = _Rollout(PurePosixPath(document.name).stem[-36:])
    for record in _records(document, rollout):
        if isinstance(record, Failure):
            yield record
        else:
            rollout.add(record)
    yield rollout.conversation()


def _records(document: Document, rollout: "_Rollout") -> Iterator[JsonObject | Failure]:
    if not is_one_object(document):
        yield from log_records(document, _WANTED, rollout.is_read)
        return
    yield _session_header(text_start(document))
    with document.open() as stream:
        for number, value in enumerate(json_values(stream), 1):
            if isinstance(value, Damaged):
                yield Failure(f"{document.name}, item {number}", value.reason)
            elif isinstance(value, dict):
                yield value


def _session_header(start: str) -> JsonObject:
    """Return the session of a file of one object, in the form of a header line."""
    found = _ONE_OBJECT.match(start)
    try:
        value, _ = _DECODER.raw_decode(start, found.end() if found else 0)
    except (ValueError, RecursionError):
        return {}
    return {"instructions": None, **value} if isinstance(value, dict) else {}


def _is_header(value: JsonObject) -> bool:
    """Return True for the first line of a session before September 2025."""
    known = {"id", "timestamp", "instructions"}
    return known <= value.keys() and value.keys() <= known | {"git"}


def _is_item(value: JsonObject) -> bool:
    return "role" in value or "call_id" in value or value.get("type") == "reasoning"


class _Rollout:
    """Builds the conversation of one file."""

    def __init__(self, key: str) -> None:
        """*key* is the id of the session if the file does not name it."""
        self._chat = SessionChat(key)
        self._is_known = False
        self._is_subagent = False
        self._turn: str | None = None
        """Id of the turn that began, until a prompt has it. A fork repeats it."""
        self._last_text = b""
        """Text of the last response item as JSON, which mostly an event repeats."""
        self._last: deque[tuple[str, bool]] = deque(maxlen=_REPEATS)
        """Prompts without their blanks, and whether an event holds them."""
        self._made: JsonObject = {}

    def is_read(self, line: bytes) -> bool:
        """Return True for the other record of a prompt: parsing it takes a tenth of the
        time of an import."""
        if b'"user_message"' in line[:_START]:
            return bool(self._last_text) and self._last_text in line
        found = _TEXT.search(line)
        self._last_text = found[0] if found else b""
        return False

    def add(self, record: JsonObject) -> None:
        """Read one line."""
        payload = as_object(record.get("payload"))
        match record.get("type"):
            case "session_meta":
                self._describe(payload)
            case "turn_context":
                self._chat.set_model(as_text(payload.get("model")))
                self._turn = as_text(payload.get("turn_id"))
            case "response_item":
                self._read_item(payload, record)
            case "event_msg":
                self._read_event(payload, record)
            case None if "instructions" in record:
                self._describe(record)
                self._made = record
            case _:
                self._read_item(record, self._made)

    def conversation(self) -> Conversation | Skipped:
        """Return the prompts; those of a subagent are only counted."""
        if self._is_subagent:
            return Skipped("subagent", max(1, self._chat.prompts))
        return self._chat.conversation()

    def _describe(self, meta: JsonObject) -> None:
        """Read the first header; a fork repeats those of the sessions before it."""
        if self._is_known:
            return
        self._is_known = True
        self._chat.key = as_text(meta.get("id")) or self._chat.key
        source = meta.get("source")
        kinds = {as_text(meta.get("thread_source")), as_text(source)}
        kinds |= set(as_object(source))
        self._is_subagent = not _NOT_TYPED.isdisjoint(kinds)

    def _read_item(self, item: JsonObject, record: JsonObject) -> None:
        if item.get("role") == "user" and item.get("type", "message") == "message":
            self._take(parse_content(item.get("content")), record, by_event=False)

    def _read_event(self, event: JsonObject, record: JsonObject) -> None:
        match event.get("type"):
            case "user_message" if event.get("kind", "plain") in ("plain", None):
                found = parse_content(event.get("message"))
                self._take(found, record, by_event=True)
            case "item_completed":
                item = as_object(event.get("item"))
                if item.get("type") in ("UserMessage", "userMessage", "user_message"):
                    found = parse_content(item.get("content"))
                    self._take(found, record, by_event=True)
            case "entered_review_mode":
                target = as_object(event.get("target"))
                if asked := as_text(target.get("instructions")):
                    made = as_time(record.get("timestamp"))
                    self._chat.add_typed(f"/review {asked}", made, None)
            case "thread_rolled_back":
                self._roll_back(event.get("num_turns"))
            case "thread_name_updated":
                title = as_text(event.get("thread_name"))
                self._chat.title = title or self._chat.title

    def _take(
        self, found: ParsedMessage, record: JsonObject, *, by_event: bool
    ) -> None:
        if found.body:
            self._add(found.body, as_time(record.get("timestamp")), by_event=by_event)
        elif not found.reason:
            self._chat.not_typed += 1
        elif by_event:
            pass  # its item, which comes before it, has been counted
        elif found.reason == NO_TEXT:
            self._chat.add_textless()
        else:
            self._chat.skipped[found.reason] += 1

    def _add(self, body: str, made: datetime | None, *, by_event: bool) -> None:
        """Add a prompt, unless this is its other record, or Codex sent it again after
        an interruption."""
        key = "".join(body.split())
        is_repeated = bool(self._last) and self._last[-1][0] == key
        if is_repeated or (key, not by_event) in self._last:
            return
        self._last.append((key, by_event))
        self._chat.add(Draft(body, made, self._turn, self._chat.model))
        self._turn = None

    def _roll_back(self, number: object) -> None:
        """Go back by *number* turns: the next prompt is an edit of the first of
        them."""
        self._last.clear()
        if isinstance(number, int):
            self._chat.go_back(number)
