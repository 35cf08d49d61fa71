"""Lines of any length, and the JSON in them, from a file that may be damaged."""

import codecs
import json
from collections.abc import Callable, Iterator
from typing import BinaryIO

from promptvault.errors import ImportSourceError
from promptvault.importers.json_stream import Damaged, JsonValue

_CHUNK = 1 << 20
_LONGEST = 1 << 28
_TWO_BYTES = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def lines(stream: BinaryIO, chunk: int = _CHUNK) -> Iterator[bytes]:
    """Yield the lines in *stream* as UTF-8 without their ends; blank ones as b"".

    UTF-16 is told by its mark. Raises ImportSourceError where the stream cannot be
    read further, and for a line of more than 256 MiB.
    """
    pieces = _pieces(stream, chunk)
    rest: list[bytes] = []
    held = 0
    for piece in pieces:
        first, *others = piece.split(b"\n")
        rest.append(first)
        held += len(first)
        if held > _LONGEST:
            raise ImportSourceError(f"a line is longer than {_LONGEST >> 20} MiB")
        if others:
            yield b"".join(rest).removesuffix(b"\r")
            *whole, last = others
            for line in whole:
                yield line.removesuffix(b"\r")
            rest, held = [last], len(last)
    if held:
        yield b"".join(rest).removesuffix(b"\r")


def json_lines(
    stream: BinaryIO, wanted: Callable[[bytes], bool] = bool, chunk: int = _CHUNK
) -> Iterator[tuple[int, JsonValue | Damaged]]:
    """Yield the number (from 1) and the value of every line that is *wanted*.

    *wanted* sees the raw line: parsing costs a hundred times as much as a search.
    A line that is no JSON comes as `Damaged`.
    """
    for number, line in enumerate(lines(stream, chunk), 1):
        if line and not line.isspace() and wanted(line):
            yield number, _value(number, line)


def _value(number: int, line: bytes) -> JsonValue | Damaged:
    try:
        value: JsonValue = json.loads(line.decode(errors="replace"), strict=False)
    except RecursionError:
        return Damaged(number - 1, "it is nested too deeply")
    except json.JSONDecodeError as error:
        return Damaged(number - 1, error.msg)
    except ValueError:
        return Damaged(number - 1, "it holds a number of too many digits")
    return value


def _pieces(stream: BinaryIO, chunk: int) -> Iterator[bytes]:
    try:
        first = stream.read(chunk)
        if first.startswith(_TWO_BYTES):
            decoder = codecs.getincrementaldecoder("utf-16")(errors="replace")
            while first:
                yield decoder.decode(first).encode()
                first = stream.read(chunk)
            return
        first = first.removeprefix(codecs.BOM_UTF8)
        while first:
            yield first
            first = stream.read(chunk)
    except OSError as error:
        raise ImportSourceError(f"the file cannot be read further: {error}") from error
