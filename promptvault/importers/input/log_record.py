"""Reads logs in JSON Lines to which another program may append at the same time."""

import re
from collections.abc import Callable, Iterator

from promptvault.importers.input.candidate import Failure
from promptvault.importers.input.document import Document
from promptvault.importers.input.json_stream import Damaged, JsonObject
from promptvault.importers.input.lines import parse_json_line, read_blocks


def _never(_: bytes) -> bool:
    return False


def log_records(
    document: Document,
    wanted: re.Pattern[bytes],
    is_read: Callable[[bytes], bool] = _never,
) -> Iterator[JsonObject | Failure]:
    """Yield the objects in the lines in which *wanted* is found, and damaged lines.

    All other lines are skipped without parsing: answers and results of tools are many
    times as long as prompts. *is_read* gets a line that was found, and returns True if
    its bytes are enough, so that it need not be parsed. A damaged line without an end
    is no failure, because it is still being written. Raises ImportSourceError if the
    file cannot be read further.
    """
    before = 0
    with document.open() as stream:
        for block in read_blocks(stream):
            lines = block.count(b"\n")
            find = _found_lines if _has_objects_only(block, lines) else _each_line
            for start, end in find(block, wanted):
                line = block[start:end]
                if is_read(line):
                    continue
                value = parse_json_line(0, line)
                if isinstance(value, dict):
                    yield value
                elif isinstance(value, Damaged) and line.endswith(b"\n"):
                    number = before + block.count(b"\n", 0, end)
                    yield Failure(f"{document.name}, line {number}", value.reason)
            before += lines


def _has_objects_only(block: bytes, lines: int) -> bool:
    """Return True if each of *lines* in *block* begins and ends as an object does."""
    is_enclosed = block.startswith(b"{") and block.endswith(b"}\n")
    return is_enclosed and block.count(b"}\n{") + 1 == lines


def _found_lines(block: bytes, wanted: re.Pattern[bytes]) -> Iterator[tuple[int, int]]:
    """Yield start and end of each line in which *wanted* is found.

    One search over the whole block is several times as fast as one in each line.
    """
    end = 0
    while found := wanted.search(block, end):
        start = block.rfind(b"\n", end, found.start()) + 1 or end
        end = block.find(b"\n", found.end()) + 1 or len(block)
        yield start, end


def _each_line(block: bytes, wanted: re.Pattern[bytes]) -> Iterator[tuple[int, int]]:
    """Yield the lines of `_found_lines`, and those that are no whole object."""
    start = 0
    while start < len(block):
        end = block.find(b"\n", start) + 1 or len(block)
        line = block[start:end].strip()
        is_object = line.startswith(b"{") and line.endswith(b"}")
        if line and (not is_object or wanted.search(line)):
            yield start, end
        start = end
