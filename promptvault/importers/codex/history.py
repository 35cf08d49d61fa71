"""Codex's log of typed prompts, for sessions whose files are gone.

Observed in openai/codex (`message_history`): each line is ``{session_id, ts, text}``.
"""

import os
import re
from collections import Counter
from collections.abc import Iterator

from promptvault.importers.codex.text import parse_content
from promptvault.importers.conversation.command import (
    SLASH_COMMAND,
    is_bare_command,
    is_command,
)
from promptvault.importers.input.candidate import (
    Candidate,
    Draft,
    Failure,
    Items,
    Skipped,
    linear_candidates,
)
from promptvault.importers.input.document import Document
from promptvault.importers.input.field import as_text, as_time
from promptvault.importers.input.json_stream import JsonObject
from promptvault.importers.input.log_record import log_records

_WANTED = re.compile(rb'"text"')
_ROLLOUT = re.compile(r"rollout-.*-([0-9a-f-]{36})\.jsonl?(?:\.zst)?")
_FOLDERS = ("sessions", "archived_sessions")


def is_entry(value: JsonObject) -> bool:
    """Return True if *value* is a line of the log."""
    session, time, text = map(value.get, ("session_id", "ts", "text"))
    is_time = isinstance(time, int) and not isinstance(time, bool)
    return is_time and isinstance(session, str) and isinstance(text, str)


def read_history(document: Document) -> Items:
    """Yield each prompt of a session without a file; the first one opens it.

    Raises ImportSourceError if the file cannot be read further.
    """
    recorded = _recorded_sessions(document)
    skipped: Counter[str] = Counter()
    begun: set[str | None] = set()
    for entry in log_records(document, _WANTED):
        if isinstance(entry, Failure):
            yield entry
        elif not is_entry(entry):
            continue
        elif entry["session_id"] in recorded:
            skipped["in a session file"] += 1
        else:
            yield from _typed(entry, begun, skipped)
    for reason, number in skipped.items():
        yield Skipped(reason, number)


def _typed(
    entry: JsonObject, begun: set[str | None], skipped: Counter[str]
) -> Iterator[Candidate]:
    """Yield the prompt or command in *entry*; *begun* holds the sessions with a
    prompt."""
    found = parse_content(entry["text"])
    body, session = found.body, as_text(entry["session_id"])
    if not body or is_bare_command(body):
        skipped[found.reason or SLASH_COMMAND] += 1
        return
    draft = Draft(body, as_time(entry["ts"]), is_command=is_command(body))
    (candidate,) = linear_candidates([draft], session, None)
    yield candidate._replace(opening=candidate.opening and session not in begun)
    if candidate.opening:
        begun.add(session)


def _recorded_sessions(document: Document) -> set[str]:
    """Return the ids of the sessions that have a file beside the log."""
    names = {name.rpartition("/")[2] for name in document.siblings}
    if document.path:
        for folder in _FOLDERS:
            for _, _, files in os.walk(document.path.parent / folder):
                names.update(files)
    found = filter(None, map(_ROLLOUT.fullmatch, names))
    return {match[1] for match in found}
