"""Reads the history of Claude Code: what was typed in its terminal, as one list."""

import re
from collections import Counter

from promptvault.importers.claude_code.text import (
    NO_TEXT,
    SHELL_COMMAND,
    SLASH_COMMAND,
    Typed,
    is_typed_command,
    typed,
)
from promptvault.importers.input.candidate import (
    Candidate,
    Draft,
    Failure,
    Items,
    Skipped,
)
from promptvault.importers.input.document import Document
from promptvault.importers.input.field import members, moment, text
from promptvault.importers.input.json_stream import Damaged, JsonObject
from promptvault.importers.input.lines import json_lines

_PASTED = re.compile(r"\[(?:Pasted text|\.\.\.Truncated text) #(\d+)[^\]]*\]")


def is_entry(value: JsonObject) -> bool:
    """Whether *value* is an entry of the history."""
    return (
        isinstance(value.get("display"), str)
        and "timestamp" in value
        and ("pastedContents" in value or "project" in value)
    )


def read(document: Document) -> Items:
    """Yield each prompt in *document*, the first of a session as its opening.

    Raises ImportSourceError where the file cannot be read further.
    """
    skipped: Counter[str] = Counter()
    sessions: set[str] = set()
    damaged: Failure | None = None
    with document.open() as stream:
        for number, value in json_lines(stream):
            if damaged:
                yield damaged
                damaged = None
            if isinstance(value, Damaged):
                where = f"{document.name}, line {number}"
                damaged = Failure(where, value.reason)  # unless it is the last one
            elif isinstance(value, dict) and is_entry(value):
                found = _typed_in(value)
                if found.body:
                    yield _candidate(value, found.body, sessions)
                elif found.reason:
                    skipped[found.reason] += 1
    for reason, number in skipped.items():
        yield Skipped(reason, number)


def _candidate(entry: JsonObject, body: str, sessions: set[str]) -> Candidate:
    session = text(entry.get("sessionId"))
    opening = session is not None and session not in sessions
    if session:
        sessions.add(session)
    draft = Draft(body, moment(entry.get("timestamp")))
    return Candidate((draft,), opening=opening, conversation_id=session)


def _typed_in(entry: JsonObject) -> Typed:
    display = text(entry.get("display"))
    if not display:
        return Typed()
    if is_typed_command(display):
        return Typed(reason=SLASH_COMMAND)
    if display.startswith("!"):
        return Typed(reason=SHELL_COMMAND)
    pasted = members(entry.get("pastedContents"))
    body = _PASTED.sub(lambda found: _content(found, pasted), display)
    if not _PASTED.sub("", body).strip():
        return Typed(reason=NO_TEXT)  # the history kept no more than a digest of it
    return typed(body)


def _content(placeholder: re.Match[str], pasted: JsonObject) -> str:
    """Return the text that *placeholder* stands for, or itself without one."""
    content = members(pasted.get(placeholder[1])).get("content")
    return content if isinstance(content, str) and content else placeholder[0]
