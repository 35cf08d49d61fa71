"""Files that stand in JSON as base64: left out as it is read, nobody typed them."""

import re
from typing import BinaryIO, cast

_BASE64 = rb"[A-Za-z0-9+/=_-]"
_LEAST = 1024
_PIECE = 16 << 10
_HELD = 2 * _LEAST
"""Bytes at a piece's end in which the start of a file could hide."""
# In a string that somebody typed, the quotes would stand behind backslashes.
_FILE = re.compile(
    rb'("data"\s*+:\s*+"|"data:[\w/+.-]{0,99}+;base64,)' + _BASE64 + rb"{%d,}+" % _LEAST
)
_RUN = re.compile(_BASE64 + rb"*+")


class FileFilter:
    """Drops the content of files from bytes that come piece by piece."""

    def __init__(self) -> None:
        self._held = b""
        self._is_inside = False

    def feed(self, piece: bytes) -> bytes:
        """Return what is left of the bytes before *piece*, and of most of it."""
        if self._is_inside:
            run = _RUN.match(piece)
            end = run.end() if run else 0
            self._is_inside = end == len(piece)
            piece = piece[end:]
        piece = self._held + piece
        if b'"data' in piece:
            ends = [found.end() for found in _FILE.finditer(piece)]
            self._is_inside = bool(ends) and ends[-1] == len(piece)
            piece = _FILE.sub(rb"\1", piece)
        cut = len(piece) if self._is_inside else max(0, len(piece) - _HELD)
        self._held = piece[cut:]
        return piece[:cut]

    def rest(self) -> bytes:
        """Return what was held back, when no more comes."""
        held, self._held = self._held, b""
        return held


def without_files(stream: BinaryIO) -> BinaryIO:
    """Return *stream*, to be read from start to end, without the files in it.

    An image of 100 MB would otherwise be held in memory, several times over, only to
    be thrown away.
    """
    return cast("BinaryIO", _Filtered(stream))


class _Filtered:
    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._filter = FileFilter()

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes, which may be more than *size*; b"" at the end."""
        while piece := self._stream.read(max(size, _PIECE) if size >= 0 else size):
            if left := self._filter.feed(piece):
                return left
        return self._filter.rest()
