"""A parser of server-sent events, as the HTML standard defines them.

https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

_LINE_END = re.compile(rb"\r\n|\n|\r")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_LARGEST = 64 * 1024
"""Bytes of an event; those of our server have about a hundred."""


class Event(NamedTuple):
    """One event."""

    type: str
    data: str


class NotEventsError(Exception):
    """The stream is not one of events, or an event is too long."""


def read_events(parts: Iterable[bytes]) -> Iterator[Event]:
    """Yield each event as soon as it is complete; an event that is cut off is dropped.

    Raise NotEventsError, and the errors of *parts*.
    """
    kind, data, size = b"", list[bytes](), 0
    for line in _lines(parts):
        name, _, value = line.partition(b":")
        size += len(line) if name else 0  # lines without a name are comments
        if size > _LARGEST:
            raise NotEventsError
        value = value.removeprefix(b" ")
        if name == b"event":
            kind = value
        elif name == b"data":
            data.append(value)
        if not line:
            if data:
                yield Event(_text(kind) or "message", _text(b"\n".join(data)))
            kind, data, size = b"", [], 0


def _lines(parts: Iterable[bytes]) -> Iterator[bytes]:
    rest, is_first, after_return = b"", True, False
    for part in parts:
        # The second half of a CR LF that was split between two parts.
        new = part.removeprefix(b"\n") if after_return else part
        after_return = new.endswith(b"\r") or (after_return and not part)
        *lines, rest = _LINE_END.split(rest + new)
        if len(rest) > _LARGEST:
            raise NotEventsError
        for line in lines:
            yield line.removeprefix(_BYTE_ORDER_MARK) if is_first else line
            is_first = False


def _text(data: bytes) -> str:
    return data.decode(errors="replace")
