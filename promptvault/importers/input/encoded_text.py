"""Text files in any common encoding, read whole or by lines."""

import codecs
import io
import re
from collections.abc import Iterator

from promptvault.errors import ImportSourceError
from promptvault.importers.input.document import Document
from promptvault.importers.input.field import sanitized

LARGEST = 1 << 24
"""Size limit of a file that is read whole, in bytes."""

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

    It is UTF-8 unless a byte order mark says otherwise, or *head* has bytes beyond
    ASCII but not one valid character in UTF-8: then it is cp1252, which Windows
    programs write. Half a character at the end is ignored, as the file may be cut off.
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


def text_start(document: Document) -> str:
    r"""Return the first 64 KiB as text; line ends become ``\n``."""
    return _decoded(document.head, document.head)


def whole_text(document: Document, limit: int = LARGEST) -> str:
    r"""Return all of the text; line ends become ``\n``.

    Raises ImportSourceError if there are more than *limit* bytes.
    """
    with document.open() as stream:
        data = stream.read(limit + 1)
    if len(data) > limit:
        raise ImportSourceError(f"it is larger than {limit >> 20} MiB")
    return sanitized(_decoded(data, document.head))


def _decoded(data: bytes, head: bytes) -> str:
    text = data.decode(encoding(head), errors="replace")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def text_lines(document: Document) -> Iterator[str]:
    """Yield the lines with their ends, in pieces of at most 1 Mi characters.

    Raises ImportSourceError if the file cannot be read further.
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
