"""Text files of any common encoding: their text, whole or by the line."""

import codecs
import io
import re
from collections.abc import Iterator

from promptvault.errors import ImportSourceError
from promptvault.importers.input.document import Document
from promptvault.importers.input.field import fit

LARGEST = 1 << 24
"""Bytes of the largest file that is read as a whole."""

_LONGEST = 1 << 20
_WHOLE_HEAD = 64 << 10
_HALF = re.compile(rb"(?:[\xc2\xc3]|[\xe0-\xf4][\x80-\xbf]+)\Z")
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def encoding(head: bytes) -> str:
    """Return the encoding of a file that begins with *head*.

    It is UTF-8 but for a mark that says otherwise, or where *head* holds other bytes
    than ASCII and not one letter in UTF-8: that is what Windows programs write. Half
    a letter at the end is of a file that was cut off.
    """
    for mark, name in _MARKS:
        if head.startswith(mark):
            return name
    try:
        is_whole = len(head) < _WHOLE_HEAD  # else the end may be cut
        rest = _HALF.sub(b"", head)
        codecs.getincrementaldecoder("utf-8")().decode(rest, final=is_whole)
    except UnicodeDecodeError:
        return "cp1252" if head.decode(errors="ignore").isascii() else "utf-8"
    return "utf-8"


def start(document: Document) -> str:
    """Return the first 64 KiB as text; line ends become ``\\n``."""
    return _decoded(document.head, document.head)


def whole(document: Document, limit: int = LARGEST) -> str:
    """Return all of the text; line ends become ``\\n``.

    Raises ImportSourceError for more than *limit* bytes.
    """
    with document.open() as stream:
        data = stream.read(limit + 1)
    if len(data) > limit:
        raise ImportSourceError(f"it is larger than {limit >> 20} MiB")
    return fit(_decoded(data, document.head))


def _decoded(data: bytes, head: bytes) -> str:
    text = data.decode(encoding(head), errors="replace")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def lines(document: Document) -> Iterator[str]:
    """Yield the lines with their ends; what is longer than 1 Mi comes in pieces.

    Raises ImportSourceError where the file cannot be read further.
    """
    name = encoding(document.head)
    with (
        document.open() as stream,
        io.TextIOWrapper(stream, name, errors="replace", newline="") as text,
    ):
        try:
            while line := text.readline(_LONGEST):
                yield line
        except OSError as error:
            raise ImportSourceError(f"it cannot be read further: {error}") from error
