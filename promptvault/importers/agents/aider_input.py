"""The history of the input to Aider, as prompt_toolkit writes it."""

import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import NamedTuple

from promptvault.importers.agents.aider_text import local_time
from promptvault.importers.input.field import sanitized

_TIME = re.compile(rb"# (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)?)\s*\Z")
_OPENING = re.compile(r"\{(\w*)")
_ANSWERS = frozenset({"y", "n", "yes", "no", "a", "all", "s", "skip", "d", "don't"})


class Entry(NamedTuple):
    """What was typed at a time, of one line or of several."""

    body: str
    made: datetime | None
    day: str
    """Local date, '' if there is none."""


def is_answer(body: str) -> bool:
    """Return True if *body* answers a question of Aider, which is in the history
    too."""
    return body.strip().lower() in _ANSWERS


def input_entries(lines: Iterable[bytes]) -> Iterator[Entry]:
    """Yield the entries in *lines*; those between `{` and `}` are one."""
    block: Entry | None = None
    closing = ""
    for entry in _single_entries(lines):
        found = _OPENING.fullmatch(entry.body.strip())
        if block and entry.body.strip() == closing:
            yield block
            block = None
        elif block:
            block = block._replace(body=f"{block.body}{entry.body}\n")
        elif found:
            block, closing = entry._replace(body=""), found[1] + "}"
        else:
            yield entry
    if block:
        yield block


def _single_entries(lines: Iterable[bytes]) -> Iterator[Entry]:
    """Yield the entries: a comment with the time, then lines that begin with `+`."""
    time, typed = b"", list[bytes]()
    for line in lines:
        if line.startswith(b"+"):
            typed.append(line[1:])
            continue
        if typed:
            yield _entry(time, typed)
            typed = []
        if found := _TIME.match(line):
            time = found[1]
    if typed:
        yield _entry(time, typed)


def _entry(time: bytes, typed: list[bytes]) -> Entry:
    body = sanitized(b"\n".join(typed).decode(errors="replace"))
    written = time.decode()
    return Entry(body, local_time(written), written[:10])
