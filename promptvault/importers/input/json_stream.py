"""Reads JSON element by element from bytes, whatever its outer shape, damaged or
not."""

import codecs
import json
import re
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import BinaryIO, NamedTuple, TypeAlias

from promptvault.errors import ImportSourceError

JsonValue: TypeAlias = (
    dict[str, "JsonValue"] | list["JsonValue"] | str | int | float | bool | None
)
JsonObject: TypeAlias = dict[str, JsonValue]

WRAPPERS = ("conversations", "items", "data")
"""Keys under which other tools wrap the list of an export."""

_CHUNK = 1 << 18
_LARGEST = 1 << 26
_LARGE = 1 << 23
_MAX_PARTS = 1 << 20
"""Objects and lists in a large element: each takes some hundred bytes of memory."""
_PATIENCE = 1000
# Within this distance of the end of the window a result is not final: "12" may continue
# as "123", "tru" as "true". The longest such prefix is half of "\ud83d\ude00".
_STUMP = 16

_DECODER = json.JSONDecoder(strict=False)
_STRING = r'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_SCALAR = rf'(?:{_STRING}|[^\s"\[\]{{}},]++)'
_BLANK = re.compile(r"[\s,\ufeff]*+")
_LINE = re.compile(r"\n(?=[^\s\]}])")
_TOKEN = re.compile(rf'{_STRING}|"|[\[{{]++|[\]}}]++|,', re.DOTALL)
_BOMS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}


def _opening(first: str, second: str) -> re.Pattern[str]:
    """Match the start of an object whose first two keys are *first* and *second*."""
    pair = rf"\{{\s*+{first}\s*+:\s*+{_SCALAR}"
    return re.compile(rf"{pair}\s*+,\s*+{second}\s*+:", re.DOTALL)


_ANY_OPENING = _opening(f"({_STRING})", f"({_STRING})")


class Damaged(NamedTuple):
    """An element that could not be read; later ones may be intact."""

    position: int
    """Index of the element, from 0."""
    reason: str


class _Fault(NamedTuple):
    """Why there is no value here."""

    reason: str


class _Window:
    """The part of the text that is in memory; it moves on, and grows for a large
    element."""

    def __init__(self, stream: BinaryIO, chunk: int) -> None:
        self._stream = stream
        self._chunk = chunk
        self.text = ""
        self.at = 0
        self.ended = False
        self.fault: _Fault | None = None
        start = self._read(4)
        bom = next((bom for bom in _BOMS if start.startswith(bom)), b"")
        encoding = _BOMS.get(bom, "utf-8")
        self._decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
        self.text = self._decoder.decode(start[len(bom) :])

    def more(self) -> None:
        """Drop the text before `at`; read at least as much as is left."""
        rest = self.text[self.at :]
        if len(rest) > _LARGEST:
            self._end(f"an element is larger than {_LARGEST >> 20} Mi characters")
        data = self._read(max(self._chunk, len(rest)))
        self.text = rest + self._decoder.decode(data, final=self.ended)
        self.at = 0

    def peek(self) -> str:
        """Skip blanks and commas; return the next character, "" at the end."""
        while True:
            found = _BLANK.match(self.text, self.at)
            self.at = found.end() if found else self.at
            if self.at < len(self.text) or self.ended:
                return self.text[self.at : self.at + 1]
            self.more()

    def _read(self, size: int) -> bytes:
        if self.ended:
            return b""
        try:
            data = self._stream.read(size)
        except (OSError, ImportSourceError) as error:
            self._end(f"the file cannot be read further: {error}")
            return b""
        self.ended = not data
        return data

    def _end(self, reason: str) -> None:
        self.ended = True
        self.fault = _Fault(reason)


def json_values(
    stream: BinaryIO, unwrap: Sequence[str] = WRAPPERS, chunk: int = _CHUNK
) -> Iterator[JsonValue | Damaged]:
    """Yield the elements in *stream*, which is read *chunk* bytes or more at a time.

    These are the elements of a top-level array; those of the list under one of the keys
    *unwrap* of a top-level object; or any other top-level values (one object, JSON
    Lines, concatenated values). The encoding is UTF-8, or UTF-16 with a byte order
    mark; invalid bytes become U+FFFD. A damaged element becomes `Damaged` and reading
    continues with the next one, until a thousand in a row are damaged. Only one element
    is in memory. Raises nothing because of the content.
    """
    window = _Window(stream, chunk)
    in_a_row = 0
    for position, item in enumerate(_items(window, unwrap)):
        if not isinstance(item, _Fault):
            in_a_row = 0
            yield item
            continue
        in_a_row += 1
        if in_a_row > _PATIENCE:
            yield Damaged(position, "too much is damaged; the rest was not read")
            return
        yield Damaged(position, item.reason)


def _items(window: _Window, unwrap: Sequence[str]) -> Iterator[JsonValue | _Fault]:
    while opening := window.peek():
        if opening == "[":
            window.at += 1
            yield from _elements(window)
        elif opening == "{" and (inside := _wrapped(window, unwrap)):
            window.at = inside
            yield from _elements(window)
            _skip_line(window)
        else:
            yield from _value(window, unwrap)
    if window.fault:
        yield window.fault


def _value(window: _Window, unwrap: Sequence[str]) -> Iterator[JsonValue | _Fault]:
    value = _decode(window)
    if isinstance(value, _Fault):
        _skip_line(window)
    elif isinstance(value, dict):
        for key in unwrap:
            if isinstance(elements := value.get(key), list):
                yield from elements
                return
    yield value


def _elements(window: _Window) -> Iterator[JsonValue | _Fault]:
    """Yield the elements of the array that the window is in, up to its end."""
    shape: Sequence[str] = ()
    while opening := window.peek():
        if opening == "]":
            window.at += 1
            return
        value = _decode(window)
        yield value
        if isinstance(value, dict):
            shape = _first_keys(value) or shape
        # The damage may be in its first keys, so those of an intact neighbour come
        # first.
        elif isinstance(value, _Fault):
            if not _resynchronise(window, shape or _shape(window)):
                return
    if not window.fault:
        yield _Fault("the file ends before its list does")


def _decode(window: _Window) -> JsonValue | _Fault:
    """Decode the next value and move past it; do not move if it is damaged."""
    while True:
        text = window.text
        if len(text) - window.at > _LARGE and _parts(window) > _MAX_PARTS:
            return _Fault("it holds too many values")
        try:
            value: JsonValue
            value, end = _DECODER.raw_decode(text, window.at)
        except json.JSONDecodeError as error:
            cut = error.msg.startswith("Unterminated string")
            if window.ended:
                ends = cut or error.pos >= len(text.rstrip())
                return _Fault("the file ends inside it" if ends else error.msg)
            if not cut and error.pos + _STUMP < len(text):
                return _Fault(error.msg)
        except RecursionError:
            return _Fault("it is nested too deeply")
        except ValueError:
            return _Fault("it holds a number of too many digits")
        else:
            if window.ended or end + _STUMP < len(text):
                window.at = end
                return value
        window.more()


def _parts(window: _Window) -> int:
    return window.text.count("{", window.at) + window.text.count("[", window.at)


def _wrapped(window: _Window, unwrap: Sequence[str]) -> int | None:
    """Return the offset of the list that the next object wraps, None if none is found.

    Only scalar values may come before it; any other wrapper is decoded whole.
    """
    keys = "|".join(map(re.escape, unwrap)) or r"(?!)"
    pair = rf"{_STRING}\s*+:\s*+{_SCALAR}\s*+,\s*+"
    wrapper = rf'\{{\s*+(?:{pair})*?"(?:{keys})"\s*+:\s*+\['
    if len(window.text) - window.at < _CHUNK and not window.ended:
        window.more()  # the first read was only a few bytes
    found = re.compile(wrapper, re.DOTALL).match(window.text, window.at)
    return found.end() if found else None


def _skip_line(window: _Window) -> None:
    """Move to the next line that may begin a value: one without indent."""
    while not (found := _LINE.search(window.text, window.at)):
        last = len(window.text)
        window.at = last if window.ended else max(window.at, last - 1)
        if window.ended:
            return
        window.more()
    window.at = found.end()


def _first_keys(value: JsonObject) -> Sequence[str]:
    """Return the first two keys of a decoded object, as `_shape` does for text."""
    keys = [json.dumps(key) for key in islice(value, 2)]
    plain = not isinstance(next(iter(value.values()), None), dict | list)
    return keys if plain and len(keys) == 2 else ()


def _shape(window: _Window) -> Sequence[str]:
    """Return the first two keys of the next object, if that much of it is intact."""
    found = _ANY_OPENING.match(window.text, window.at)
    return found.groups() if found else ()


def _resynchronise(window: _Window, shape: Sequence[str]) -> bool:
    """Move past the damaged element; return False if the file ends first.

    The element ends where its brackets close. As the brackets may be what is damaged,
    it also ends before the next object that begins with *shape*, the first two keys of
    its neighbours.
    """
    alike = _opening(*map(re.escape, shape)) if shape else None
    while True:
        found = alike.search(window.text, window.at + 1) if alike else None
        limit = found.start() if found else len(window.text)
        end = _bracket_end(window.text, window.at, limit)
        if end is not None or found or window.ended:
            window.at = limit if end is None else end
            return end is not None or found is not None
        window.more()


def _bracket_end(text: str, start: int, limit: int) -> int | None:
    """Return the offset of the comma or bracket that ends the array element at
    *start*."""
    depth = 0
    for token in _TOKEN.finditer(text, start, limit):
        run = token[0]
        if run[0] in "[{":
            depth += len(run)
        elif run[0] in "]}":
            closing = text.find("]", token.start() + depth, token.end())
            depth = max(depth - len(run), 0)
            if depth == 0 and closing >= 0:
                return closing
        elif run == '"':
            return None  # an unterminated string
        elif run == "," and depth == 0:
            return token.start()
    return None
