"""Removes large values from JSON while it is read.

An answer of a model may be hundreds of times as long as the prompt. To skip it is
several times as fast as to decode it, and takes no memory.
"""

import re
from functools import lru_cache
from typing import BinaryIO

from promptvault.importers.input.byte_filter import filtered

_PIECE = 1 << 20
_HELD = 256
"""Bytes at the end of a piece that may hold the start of a key and its colon."""
_DEPTH = 8
"""Depth of nested values that are skipped by one match."""

# A quote ends a string unless an odd number of backslashes is before it. To search for
# quotes alone is many times as fast as to look at every backslash, so that is done for
# up to 7 of them before a quote, as in JSON in a string in a string.
_ODD = "|".join(rf'(?<=[^\\]\\{{{number}}}")' for number in (1, 3, 5, 7))
_EVEN = "|".join(rf'(?<=[^\\]\\{{{number}}}")' for number in (2, 4, 6))
_STRING = rf'"[^"]*+"(?:(?<=\\")(?:{_ODD})[^"]*+")*+(?:(?<!\\")|{_EVEN})'
_STRING_REST = re.compile(rb'[^"\\]*+(?:\\.[^"\\]*+)*+', re.DOTALL)
_SCALAR = re.compile(rb"[^\s,\]}]*+")
_BLANK = re.compile(rb"\s*+")


@lru_cache(maxsize=1)  # 20 ms, which few imports need
def _inside() -> re.Pattern[bytes]:
    """Match any part of a list or an object, nested up to 8 levels."""
    between = r'[^"\[\]{}]*+'
    flat = rf"{between}(?:{_STRING}{between})*+"
    inside = flat
    for _ in range(_DEPTH):
        inside = rf"{flat}(?:[\[{{]{inside}[\]}}]{flat})*+"
    return re.compile(inside.encode())


class ValueFilter:
    """Replaces values by null, in JSON that comes piece by piece."""

    def __init__(self, before: re.Pattern[bytes], *, by_line: bool = False) -> None:
        """Remove each value after a match of *before*.

        It begins with the quote of a key and ends with a colon, 256 bytes later at
        most. In a string the quotes are escaped, so it matches keys only. *by_line*
        says that each line is JSON by itself: damage then ends with its line.
        """
        self._before = before
        self._by_line = by_line
        self._line_end = -1
        self._held = b""
        self._value: _Value | None = None
        """The value that is being skipped."""

    def feed(self, piece: bytes) -> bytes:
        """Return the remaining text of the held bytes and of most of *piece*."""
        data = self._held + piece
        kept: list[bytes] = []
        at, self._line_end = 0, -1
        while True:
            if self._value:
                limit = self._limit(data, at)
                at = self._value.skip(data, at, limit)
                if not self._value.is_over and limit == len(data):
                    break
                self._value = None
            found = self._before.search(data, at)
            if not found:
                break
            kept += (data[at : found.end()], b"null")
            at = found.end()
            self._value = _Value()
        end = len(data) if self._value else max(at, len(data) - _HELD)
        kept.append(data[at:end])
        self._held = data[end:]
        return b"".join(kept)

    def rest(self) -> bytes:
        """Return the bytes held back; call it after the last piece."""
        held, self._held = self._held, b""
        return held

    def _limit(self, data: bytes, at: int) -> int:
        """Return the offset at which a value that is at *at* ends at the latest."""
        if not self._by_line:
            return len(data)
        if self._line_end < at:
            found = data.find(b"\n", at)
            self._line_end = len(data) if found < 0 else found
        return self._line_end


class _Value:
    """One value that is skipped, in pieces."""

    def __init__(self) -> None:
        self.is_over = False
        self._depth = 0
        self._is_scalar = False
        self._is_string = False
        self._is_escaped = False
        """True if the last byte before was a backslash that escapes the next one."""

    def skip(self, data: bytes, at: int, limit: int) -> int:
        """Return the offset after the part of the value that is before *limit*."""
        while at < limit and not self.is_over:
            if self._is_string:
                at = self._end_string(data, at, limit)
            elif self._is_scalar:
                at = _end(_SCALAR, data, at, limit)
                self.is_over = at < limit
            elif self._depth:
                at = self._step(data, _end(_inside(), data, at, limit), limit)
            else:
                at = self._step(data, _end(_BLANK, data, at, limit), limit)
        return at

    def _step(self, data: bytes, at: int, limit: int) -> int:
        """Take the byte at *at*, which begins or ends a value."""
        if at == limit:
            return at
        match data[at : at + 1]:
            case b'"':
                self._is_string = True
            case b"[" | b"{":
                self._depth += 1
            case b"]" | b"}" if self._depth:
                self._depth -= 1
                self.is_over = not self._depth
            case _:  # outside of lists and objects
                self._is_scalar = True
                return at
        return at + 1

    def _end_string(self, data: bytes, at: int, limit: int) -> int:
        at += self._is_escaped
        self._is_escaped = False
        at = _end(_STRING_REST, data, at, limit)
        if data[at : at + 1] == b'"' and at < limit:
            self._is_string = False
            self.is_over = not self._depth
            return at + 1
        self._is_escaped = at < limit  # a backslash at the end
        return limit


def _end(pattern: re.Pattern[bytes], data: bytes, at: int, limit: int) -> int:
    found = pattern.match(data, at, limit)
    return found.end() if found else at


def without_values(
    stream: BinaryIO, before: re.Pattern[bytes], *, by_line: bool = False
) -> BinaryIO:
    """Return *stream*, which is JSON, with null for each value after *before*.

    See `ValueFilter`. It must be read from start to end.
    """
    return filtered(stream, ValueFilter(before, by_line=by_line), _PIECE)
