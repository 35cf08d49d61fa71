"""Reads lines of any length, and the JSON in them, from a file that may be damaged."""

import codecs
import json
from collections.abc import Callable, Iterator
from typing import BinaryIO

from promptvault.errors import ImportSourceError
from promptvault.importers.input.attachment import FileFilter
from promptvault.importers.input.json_stream import Damaged, JsonValue

_CHUNK = 1 << 20
_LONG = 4 << 20
_LONGEST = 32 << 20
_DECODER = json.JSONDecoder(strict=False)  # `json.loads` would make one for each line
_TWO_BYTES = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def read_lines(stream: BinaryIO, chunk: int = _CHUNK) -> Iterator[bytes]:
    """Yield the lines in *stream* as UTF-8 bytes without their ends; a blank one is
    b"".

    UTF-16 is recognized by its byte order mark. Files encoded as base64 are removed
    from a line of more than 4 MiB, and the rest is cut off at 32 MiB. Raises
    ImportSourceError if the stream cannot be read further.
    """
    for block in read_blocks(stream, chunk):
        for line in block.removesuffix(b"\n").split(b"\n"):
            yield line.removesuffix(b"\r")


def read_blocks(stream: BinaryIO, chunk: int = _CHUNK) -> Iterator[bytes]:
    """Yield the lines of `read_lines` in blocks of many, with their ends.

    Only the last line may lack its end.
    """
    line = _Line()
    for piece in _pieces(stream, chunk):
        end = piece.rfind(b"\n") + 1
        if end and not line.is_empty:
            first = piece.find(b"\n") + 1
            line.add(piece[:first])
            yield line.end()
            whole = piece[first:end]
        else:
            whole = piece[:end]
        if whole:
            yield whole
        line.add(piece[end:])
    if not line.is_empty:
        yield line.end()


class _Line:
    """The line that is being read, in pieces."""

    def __init__(self) -> None:
        self._begin()

    def _begin(self) -> None:
        self._pieces: list[bytes] = []
        self._size = 0
        self._filter: FileFilter | None = None

    @property
    def is_empty(self) -> bool:
        return not self._size

    def add(self, piece: bytes) -> None:
        if self._filter:
            piece = self._filter.feed(piece)
        if self._size < _LONGEST:
            self._pieces.append(piece)
            self._size += len(piece)
        if self._size > _LONG and not self._filter:
            self._filter = FileFilter()
            whole = self._filter.feed(b"".join(self._pieces))
            self._pieces, self._size = [whole], len(whole)

    def end(self) -> bytes:
        """Return the line, and begin the next one."""
        if self._filter and self._size < _LONGEST:
            self._pieces.append(self._filter.rest())
        whole = b"".join(self._pieces)
        self._begin()
        return whole


def json_lines(
    stream: BinaryIO, wanted: Callable[[bytes], bool] = bool, chunk: int = _CHUNK
) -> Iterator[tuple[int, JsonValue | Damaged]]:
    """Yield the number, from 1, and the value of every line that is *wanted*.

    *wanted* gets the raw line: parsing takes a hundred times as long as a search. A
    line that is not valid JSON becomes `Damaged`. Raises ImportSourceError as
    `read_lines` does.
    """
    for number, line in enumerate(read_lines(stream, chunk), 1):
        if line and not line.isspace() and wanted(line):
            yield number, parse_json_line(number, line)


def parse_json_line(number: int, line: bytes) -> JsonValue | Damaged:
    """Return the value of *line*, or `Damaged`; *number* is its line number, from 1."""
    try:
        value: JsonValue = _DECODER.decode(line.decode(errors="replace"))
    except RecursionError:
        return Damaged(number - 1, "it is nested too deeply")
    except json.JSONDecodeError as error:
        return Damaged(number - 1, error.msg)
    except ValueError:
        return Damaged(number - 1, "it holds a number of too many digits")
    return value


def _pieces(stream: BinaryIO, chunk: int) -> Iterator[bytes]:
    try:
        first = stream.read(max(chunk, len(codecs.BOM_UTF8)))
        if first.startswith(_TWO_BYTES):
            decoder = codecs.getincrementaldecoder("utf-16")(errors="replace")
            while first:
                yield decoder.decode(first).encode()
                first = stream.read(chunk)
            return
        yield first.removeprefix(codecs.BOM_UTF8)
        while piece := stream.read(chunk):
            yield piece
    except OSError as error:
        raise ImportSourceError(f"the file cannot be read further: {error}") from error
