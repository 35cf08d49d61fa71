"""Server-sent events in the body of an answer, as the HTML standard defines them."""

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

DONE = "[DONE]"
"""The data of the event after the last one of an answer."""

_LINE_END = re.compile(rb"\r\n|\n|\r(?!\Z)")
_LONGEST_LINE = 64 * 1024 * 1024
"""Bytes; no answer has an event of that size."""


class Event(NamedTuple):
    """An event; its id and comments are left out."""

    name: str
    """'' for a usual one."""
    data: str


def read_events(body: Iterable[bytes]) -> Iterator[Event]:
    """Yield the events in *body*; raises ValueError if it is no UTF-8 text."""
    name, data = "", list[str]()
    for line in _lines(body):
        if not line:
            if data:
                yield Event(name, "\n".join(data))
            name, data = "", []
        elif line.startswith("data:"):
            data.append(line.removeprefix("data:").removeprefix(" "))
        elif line.startswith("event:"):
            name = line.removeprefix("event:").strip()
    rest = "\n".join(data)
    # Some servers omit the empty line after the last event. An event that was cut in
    # its middle is none.
    if rest.endswith(("}", DONE)):
        yield Event(name, rest)


def _lines(body: Iterable[bytes]) -> Iterator[str]:
    rest = b""
    mark = "\ufeff"  # only the first line may begin with it
    for part in body:
        rest += part
        *lines, rest = _LINE_END.split(rest)
        if len(rest) > _LONGEST_LINE:
            raise ValueError("a line without an end")
        for line in lines:
            yield line.decode().removeprefix(mark)
            mark = ""
    if rest:
        yield rest.rstrip(b"\r").decode().removeprefix(mark)
