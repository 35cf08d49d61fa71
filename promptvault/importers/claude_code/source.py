"""Claude Code: session files and the history of typed prompts."""

import re
from collections import Counter

from promptvault.importers.claude_code.log import SessionLog
from promptvault.importers.claude_code.text import (
    SHELL_COMMAND,
    ParsedMessage,
    parse_content,
    with_command,
)
from promptvault.importers.input.candidate import (
    NO_TEXT,
    Candidate,
    CandidateKind,
    Draft,
    Failure,
    Items,
    Skipped,
)
from promptvault.importers.input.document import Document
from promptvault.importers.input.field import as_object, as_text, as_time
from promptvault.importers.input.json_stream import Damaged, JsonObject
from promptvault.importers.input.lines import json_lines

SOURCE = "claude-code"

_NOTES = frozenset(
    """summary system attachment progress queue-operation last-prompt ai-title
    custom-title mode permission-mode agent-name pr-link bridge-session
    file-history-snapshot file-history-delta""".split()
)
_NOTE_KEYS = ("sessionId", "leafUuid", "snapshot", "attachment", "parentUuid")
_TURN_KEYS = frozenset({"timestamp", "uuid", "sessionId"})


def probe(document: Document) -> bool:
    """Return True for a session file or the history of Claude Code."""
    sample = document.sample
    is_known = any(_is_entry(v) or _is_record(v) for v in sample)
    return is_known and not any(map(_is_of_qwen_code, sample))


def read(document: Document) -> Items:
    """Yield the sessions in *document*, or the prompts of the history.

    Raises ImportSourceError if the file cannot be read further.
    """
    if any(map(_is_entry, document.sample)):
        return _history(document)
    return SessionLog(document).items()


def _is_of_qwen_code(value: JsonObject) -> bool:
    """Return True for the same record around a message of Gemini's form."""
    return "systemPayload" in value or "parts" in as_object(value.get("message"))


def _is_record(value: JsonObject) -> bool:
    kind, message = value.get("type"), value.get("message")
    if isinstance(message, dict):
        is_turn = kind in ("user", "assistant") and "content" in message
        return is_turn and (not _TURN_KEYS.isdisjoint(value) or len(value) == 2)
    is_note = isinstance(kind, str) and kind in _NOTES
    return is_note and any(key in value for key in _NOTE_KEYS)


_PASTED = re.compile(r"\[(?:Pasted text|\.\.\.Truncated text) #(\d+)[^\]]*\]")


def _is_entry(value: JsonObject) -> bool:
    """Return True if *value* is an entry of the history."""
    return (
        isinstance(value.get("display"), str)
        and "timestamp" in value
        and ("pastedContents" in value or "project" in value)
    )


def _history(document: Document) -> Items:
    """Yield each prompt in *document*; the first of a session is its opening.

    Raises ImportSourceError if the file cannot be read further.
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
                # The last line may still be being written.
                damaged = Failure(where, value.reason)
            elif isinstance(value, dict) and _is_entry(value):
                found = _typed_in(value)
                if found.body:
                    yield _candidate(value, found, sessions)
                elif found.reason:
                    skipped[found.reason] += 1
    for reason, number in skipped.items():
        yield Skipped(reason, number)


def _candidate(
    entry: JsonObject, found: ParsedMessage, sessions: set[str]
) -> Candidate:
    session = as_text(entry.get("sessionId"))
    draft = Draft(found.body or "", as_time(entry.get("timestamp")))
    if found.is_command:
        return Candidate((draft,), CandidateKind.COMMAND, conversation_id=session)
    opening = session is not None and session not in sessions
    if session:
        sessions.add(session)
    return Candidate((draft,), opening=opening, conversation_id=session)


def _typed_in(entry: JsonObject) -> ParsedMessage:
    display = as_text(entry.get("display"))
    if not display:
        return ParsedMessage()
    if display.startswith("!"):
        return ParsedMessage(reason=SHELL_COMMAND)
    pasted = as_object(entry.get("pastedContents"))
    body = _PASTED.sub(lambda found: _pasted_text(found, pasted), display)
    if not _PASTED.sub("", body).strip():
        return ParsedMessage(reason=NO_TEXT)  # the history has only a digest of it
    return with_command(parse_content(body))


def _pasted_text(placeholder: re.Match[str], pasted: JsonObject) -> str:
    """Return the text that *placeholder* replaces, or the placeholder if it is lost."""
    content = as_object(pasted.get(placeholder[1])).get("content")
    return content if isinstance(content, str) and content else placeholder[0]
