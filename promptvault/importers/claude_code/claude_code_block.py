"""Many records of a Claude Code session at once: where turns may be, what is between.

A session is answers and tool results for the most part. To look at each such line by
itself takes several times as long as to look at all between two turns together.
"""

import re
from collections.abc import Iterator

# Quotes within strings are escaped, so these match keys and values only, at whatever
# depth.
_WANTED = re.compile(
    rb'"type": ?"(?:user|queued_command|queue-operation|last-prompt'
    rb'|custom-title|ai-title|summary)"'
)
_TOOL_RESULT = re.compile(rb'"type": ?"tool_result"')
_UUID = re.compile(rb'"uuid": ?"([^"\\]*)", ?"timestamp"')


def is_wanted(line: bytes) -> bool:
    """Tell whether *line* is to be parsed: it may be a turn, or say of one."""
    return bool(_WANTED.search(line)) and not _TOOL_RESULT.search(line)


def wanted(block: bytes) -> Iterator[tuple[int, int]]:
    """Yield where the lines in *block* that are to be parsed begin and end."""
    end = 0
    for found in _WANTED.finditer(block):
        if found.start() < end:
            continue
        start = block.rfind(b"\n", 0, found.start()) + 1
        end = block.find(b"\n", found.end()) + 1 or len(block)
        if not _TOOL_RESULT.search(block, start, end):
            yield start, end


def uuids(block: bytes, start: int, end: int, session: bytes) -> list[bytes] | None:
    """Return the uuids of the records in a stretch of *block*, all of one *session*.

    *session* is its id in quotes. None where a line seems to be no record, or to be of
    another session: then each is to be looked at by itself.
    """
    count = block.count(b"\n", start, end)
    if block.count(session, start, end) < count:
        return None
    found: list[bytes] = _UUID.findall(block, start, end)
    return found if len(found) == count else None
