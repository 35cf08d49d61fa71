"""A session file of Codex (a "rollout"), of any age.

Observed in openai/codex (`protocol.rs`, `rollout/src/policy.rs`) and in the readers of
agentsview and polylogue. Since September 2025 each line is ``{timestamp, type,
payload}``. A prompt is a response item of role user, and mostly again an event
``user_message`` or, in paginated sessions, ``item_completed``. Before, the lines were
bare response items after a header; until June 2025 a file was one JSON object.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import PurePosixPath
from typing import NamedTuple

from promptvault.importers.codex.text import (
    NO_TEXT,
    ParsedMessage,
    parse_content,
    single_text,
)
from promptvault.importers.conversation import tree
from promptvault.importers.conversation.tree import Node
from promptvault.importers.input.candidate import (
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

_ROOT = ""
_DECODER = json.JSONDecoder(strict=False)
_WANTED = re.compile(
    rb'"(?:role": ?"user"|type": ?"(?:session_meta|turn_context|user_message'
    rb"|item_completed|task_started|turn_started|thread_rolled_back"
    rb'|thread_name_updated)"|instructions":)'
)
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
    for record in _records(document):
        if isinstance(record, Failure):
            yield record
        else:
            rollout.add(record)
    yield rollout.conversation()


def _records(document: Document) -> Iterator[JsonObject | Failure]:
    if not is_one_object(document):
        yield from log_records(document, _WANTED)
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


class _Turn(NamedTuple):
    """A prompt, or a person's message without text."""

    parent: str
    draft: Draft | None
    made: datetime | None
    by_event: bool
    key: str
    """What equals in both records of a prompt; '' for no text."""


class _Rollout:
    """Builds the conversation of one file; only the prompts are in memory."""

    def __init__(self, key: str) -> None:
        """*key* is the id of the session if the file does not name it."""
        self._key = key
        self._title: str | None = None
        self._model: str | None = None
        self._is_known = False
        self._is_subagent = False
        self._turns: dict[str, _Turn] = {}
        self._tip = _ROOT
        self._turn_id: str | None = None
        """Id of the turn that began, until a prompt has it."""
        self._last_text: str | None = None
        """Text of the last response item, which mostly an event repeats."""
        self._made: JsonObject = {}
        self._skipped: Counter[str] = Counter()

    def add(self, record: JsonObject) -> None:
        """Read one line."""
        payload = as_object(record.get("payload"))
        match record.get("type"):
            case "session_meta":
                self._describe(payload)
            case "turn_context":
                self._set_model(as_text(payload.get("model")))
            case "response_item":
                self._read_item(payload, record)
            case "event_msg":
                self._read_event(payload, record)
            case None if "instructions" in record or "id" in record:
                self._describe(record)
                self._made = record
            case _:
                self._read_item(record, self._made)

    def conversation(self) -> Conversation | Skipped:
        """Return the prompts; those of a subagent are only counted."""
        if self._is_subagent:
            return Skipped("subagent", max(1, len(self._turns)))
        nodes = {key: _node(key, turn) for key, turn in self._turns.items()}
        chat = tree.build_conversation(
            nodes,
            self._tip,
            key=self._key,
            title=self._title,
            url=None,
            textless=self._skipped.pop(NO_TEXT, 0),
        )
        if not self._skipped:
            return chat
        others = {r: n for r, n in chat.skipped.items() if r != "empty conversation"}
        return replace(chat, skipped={**others, **self._skipped})

    def _describe(self, meta: JsonObject) -> None:
        """Read the first header; a fork repeats those of the sessions before it."""
        if self._is_known:
            return
        self._is_known = True
        self._key = as_text(meta.get("id")) or self._key
        source = meta.get("source")
        kinds = {as_text(meta.get("thread_source")), as_text(source)}
        kinds |= set(as_object(source))
        self._is_subagent = not _NOT_TYPED.isdisjoint(kinds)

    def _set_model(self, model: str | None) -> None:
        """Set the model, also of the last prompt if the first context follows it."""
        self._model = model or self._model
        turn = self._turns.get(self._tip)
        if turn and turn.draft and not turn.draft.model:
            draft = turn.draft._replace(model=self._model)
            self._turns[self._tip] = turn._replace(draft=draft)

    def _read_item(self, item: JsonObject, record: JsonObject) -> None:
        if item.get("role") == "user" and item.get("type", "message") == "message":
            content = item.get("content")
            self._last_text = single_text(content)
            self._take(parse_content(content), record, by_event=False)

    def _read_event(self, event: JsonObject, record: JsonObject) -> None:
        match event.get("type"):
            case "user_message" if event.get("kind", "plain") in ("plain", None):
                if event.get("message") != self._last_text:
                    self._take(_parse_event(event), record, by_event=True)
            case "item_completed":
                item = as_object(event.get("item"))
                if item.get("type") in ("UserMessage", "userMessage", "user_message"):
                    found = parse_content(item.get("content"))
                    self._take(found, record, by_event=True)
            case "task_started" | "turn_started":
                self._turn_id = as_text(event.get("turn_id"))
            case "thread_rolled_back":
                self._roll_back(event.get("num_turns"))
            case "thread_name_updated":
                self._title = as_text(event.get("thread_name")) or self._title

    def _take(
        self, found: ParsedMessage, record: JsonObject, *, by_event: bool
    ) -> None:
        if found.reason and not by_event:  # an item comes before its event
            self._skipped[found.reason] += 1
        if not found.body and found.reason != NO_TEXT:
            return
        made = as_time(record.get("timestamp"))
        draft = Draft(found.body, made, None, self._model) if found.body else None
        key = "".join(found.body.split()) if found.body else ""
        turn = _Turn(self._tip, draft, made, by_event, key)
        if not self._is_repeated(turn):
            self._tip = self._message_id(record.get("timestamp"))
            self._turns[self._tip] = turn

    def _is_repeated(self, turn: _Turn) -> bool:
        """Return True for the other record of a prompt, and for a text sent twice, as
        Codex does after an interruption."""
        for distance, last in enumerate(self._last_turns()):
            if last.key == turn.key and (
                not distance or last.by_event != turn.by_event
            ):
                return True
        return False

    def _last_turns(self) -> Iterable[_Turn]:
        place = self._tip
        for _ in range(_REPEATS):
            if turn := self._turns.get(place):
                yield turn
                place = turn.parent

    def _message_id(self, time: object) -> str:
        """Return the id of a prompt: that of its turn, which a fork repeats, else the
        time, else the number."""
        names = (self._turn_id, as_text(time), f"#{len(self._turns)}")
        self._turn_id = None
        free = (name for name in names if name and name not in self._turns)
        return next(free, f"{names[1]} {names[2]}")

    def _roll_back(self, number: object) -> None:
        """Go back by *number* turns: the next prompt is an edit of the first of
        them."""
        count = number if isinstance(number, int) and number > 0 else 0
        while count and (turn := self._turns.get(self._tip)):
            self._tip = turn.parent
            count -= 1


def _parse_event(event: JsonObject) -> ParsedMessage:
    found = parse_content(event.get("message"))
    if found.body or not (event.get("images") or event.get("local_images")):
        return found
    return ParsedMessage(reason=NO_TEXT)


def _node(key: str, turn: _Turn) -> Node:
    draft = turn.draft._replace(message_id=key) if turn.draft else None
    return Node(turn.parent, turn.made, draft)
