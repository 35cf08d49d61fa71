"""Removes files encoded as base64 from JSON while it is read."""

import re
from typing import BinaryIO

from promptvault.importers.input.byte_filter import filtered

_BASE64 = rb"[A-Za-z0-9+/=_-]"
_LEAST = 1024
_PIECE = 16 << 10
_HELD = 2 * _LEAST
"""Bytes at the end of a piece that may hold the start of a file."""
# In a string that a person typed, the quotes are escaped.
_FILE = re.compile(
    rb'("data"\s*+:\s*+"|"data:[\w/+.-]{0,99}+;base64,)' + _BASE64 + rb"{%d,}+" % _LEAST
)
_RUN = re.compile(_BASE64 + rb"*+")


class FileFilter:
    """Removes the content of files from bytes that come piece by piece."""

    def __init__(self) -> None:
        self._held = b""
        self._is_inside = False

    def feed(self, piece: bytes) -> bytes:
        """Return the remaining text of the held bytes and of most of *piece*."""
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
        """Return the bytes held back; call it after the last piece."""
        held, self._held = self._held, b""
        return held


def without_files(stream: BinaryIO) -> BinaryIO:
    """Return *stream* without the files in it; it must be read from start to end.

    Otherwise an image of 100 MB would be in memory several times, only to be dropped.
    """
    return filtered(stream, FileFilter(), _PIECE)
