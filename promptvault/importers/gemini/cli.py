"""Gemini CLI's files: sessions, the log of all prompts, saved checkpoints."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath
from typing import BinaryIO
from urllib.parse import unquote

from promptvault.importers.conversation.command import (
    SLASH_COMMAND,
    is_bare_command,
    is_command,
)
from promptvault.importers.gemini.cli_session import CliSession
from promptvault.importers.gemini.cli_text import typed_text
from promptvault.importers.input.candidate import (
    NO_TEXT,
    Conversation,
    Draft,
    Failure,
    Item,
    Items,
    linear_candidates,
    without_person,
)
from promptvault.importers.input.document import Document
from promptvault.importers.input.field import as_list, as_text, as_time, sanitized
from promptvault.importers.input.json_stream import (
    Damaged,
    JsonObject,
    JsonValue,
    json_values,
)
from promptvault.importers.input.lines import json_lines

SOURCE = "gemini-cli"

_ROLES = ("user", "model")
# A line with an answer is many times as long as a prompt.
_ANSWER = re.compile(
    rb'\{"id":"([^"\\]+)","timestamp":"[^"\\]*","type":"(?:gemini|info|error|warning)"'
)
_MODEL = re.compile(rb'"model":"([^"\\]+)"')


def probe(document: Document) -> bool:
    """Return True for a session, a log or a checkpoint of Gemini CLI."""
    return any(
        _is_session(value) or _is_logged(value) or _history(value) or _is_content(value)
        for value in document.sample
    )


def read(document: Document) -> Items:
    """Yield the sessions in *document*.

    Raises ImportSourceError if the file cannot be read further.
    """
    reader = _Reader(document)
    with document.open() as stream:
        for number, value in reader.records(stream):
            where = f"{document.name}, record {number}"
            if isinstance(value, Damaged):
                reader.failures.append(Failure(where, value.reason))
            elif not isinstance(value, dict):
                reader.failures.append(
                    Failure(where, "it is not a record of Gemini CLI")
                )
            else:
                yield from reader.add(value, where)
    yield from reader.rest()


def _is_session(value: JsonObject) -> bool:
    if not isinstance(value.get("sessionId"), str):
        return False
    return isinstance(value.get("projectHash"), str) or (
        isinstance(value.get("messages"), list) and "startTime" in value
    )


def _is_event(value: JsonObject) -> bool:
    return "$set" in value or "$rewindTo" in value or {"id", "type"} <= value.keys()


def _is_logged(value: JsonObject) -> bool:
    """Return True if *value* is an entry of `logs.json`."""
    keys = ("sessionId", "message", "type")
    return "messageId" in value and all(isinstance(value.get(k), str) for k in keys)


def _history(value: JsonObject) -> list[JsonValue]:
    """Return the messages of a checkpoint, of either kind."""
    kinds = (as_list(value.get(key)) for key in ("clientHistory", "history"))
    found = (kind for kind in kinds if any(map(_is_content, kind[:5])))
    return next(found, [])


def _is_content(value: JsonValue) -> bool:
    if not isinstance(value, dict) or value.get("role") not in _ROLES:
        return False
    parts = value.get("parts")
    return isinstance(parts, list) and not any(
        isinstance(part, dict) and "type" in part for part in parts
    )


class _Reader:
    """Combines the records of one file."""

    def __init__(self, document: Document) -> None:
        self.failures: list[Failure] = []
        self._document = document
        self._session: CliSession | None = None
        self._logged: dict[str, list[JsonObject]] = defaultdict(list)
        self._contents: list[JsonValue] = []

    def records(self, stream: BinaryIO) -> Iterator[tuple[int, JsonValue | Damaged]]:
        """Yield the records in *stream*, numbered from 1."""
        first = next(iter(self._document.sample), {})
        if _is_session(first) and "messages" not in first:
            return json_lines(stream, self._is_wanted)
        return enumerate(json_values(stream), 1)

    def add(self, value: JsonObject, where: str) -> Iterator[Item]:
        """Add a record; yield the session that it completes."""
        if _is_logged(value):
            self._logged[sanitized(str(value["sessionId"]))].append(value)
        elif found := _history(value):
            yield self._checkpoint(found)
        elif _is_content(value):
            self._contents.append(value)
        elif _is_session(value):
            yield from self._begin(value)
        elif _is_event(value):
            self._session = self._session or CliSession()
            self._session.record(value)
        else:
            self.failures.append(Failure(where, "it is not a record of Gemini CLI"))

    def rest(self) -> Iterator[Item]:
        """Yield what is complete only at the end of the file, then the failures."""
        if self._session:
            yield self._session.conversation()
        for key, entries in self._logged.items():
            yield _log(key, entries)
        if self._contents:
            yield self._checkpoint(self._contents)
        yield from self.failures

    def _is_wanted(self, line: bytes) -> bool:
        """Return True if *line* must be parsed; an answer need not be."""
        found = _ANSWER.match(line)
        if not (found and self._session):
            return True
        model = _MODEL.search(line, found.end())
        name = model[1].decode(errors="replace") if model else None
        self._session.answer(found[1].decode(errors="replace"), as_text(name))
        return False

    def _begin(self, value: JsonObject) -> Iterator[Item]:
        if self._session and self._session.key != value["sessionId"]:
            yield self._session.conversation()
            self._session = None
        self._session = self._session or CliSession()
        self._session.record(value)

    def _checkpoint(self, contents: list[JsonValue]) -> Conversation:
        stem = PurePosixPath(self._document.name).name.removesuffix(".json")
        title = as_text(unquote(stem.removeprefix("checkpoint-")))
        sent = [c for c in contents if isinstance(c, dict) and c.get("role") == "user"]
        found = [(typed_text(content.get("parts")), None) for content in sent]
        return _listed(found, None, title)


def _log(key: str, entries: list[JsonObject]) -> Conversation:
    sent = [entry for entry in entries if entry["type"] == "user"]
    found = [(typed_text(entry["message"]), entry.get("timestamp")) for entry in sent]
    return _listed(found, key, None)


def _listed(
    sent: Sequence[tuple[str | None, JsonValue]], key: str | None, title: str | None
) -> Conversation:
    """Return *sent*, texts with their times, as a conversation."""
    skipped: Counter[str] = Counter()
    drafts = []
    for body, time in sent:
        if body == "":
            skipped[NO_TEXT] += 1
        elif body and is_bare_command(body):
            skipped[SLASH_COMMAND] += 1
        elif body:
            made = as_time(time)
            drafts.append(Draft(body, made, is_command=is_command(body)))
    candidates = linear_candidates(drafts, key, title)
    untyped = [body for body, _ in sent if body is None]
    return without_person(Conversation(candidates, dict(skipped)), len(untyped))
