"""The events of a server, as they arrive: server-sent events of the HTML standard.

https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

import contextlib
import re
import socket
from collections.abc import Generator, Iterable, Iterator
from types import TracebackType
from typing import NamedTuple, Self

import httpx
from pydantic import TypeAdapter, ValidationError

from promptvault.client.transport import Transport
from promptvault.wire.event import (
    ROSTER_EVENT,
    VAULT_EVENT,
    RosterEvent,
    VaultEvent,
)

ServerEvent = VaultEvent | RosterEvent
_EVENTS: dict[str, TypeAdapter[ServerEvent]] = {
    VAULT_EVENT: TypeAdapter(VaultEvent),
    ROSTER_EVENT: TypeAdapter(RosterEvent),
}
"""By the type of an event; a newer server may send others, which are ignored."""
_SILENCE_SECONDS = 40.0
"""The server sends a comment at least every 15 seconds."""
_LINE_END = re.compile(rb"\r\n|\n|\r")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_LARGEST = 64 * 1024
"""Bytes of an event; those of our server have about a hundred."""


class EventListener(Iterator[ServerEvent]):
    """An iterator over the events of a server from now on.

    It ends when it is closed, which may happen in another thread. It raises
    UnavailableError if the server ends the stream, sends nothing for 40 seconds, or is
    not a PromptVault server.
    """

    def __init__(
        self, transport: Transport, silence_seconds: float = _SILENCE_SECONDS
    ) -> None:
        self._transport = transport
        self._silence_seconds = silence_seconds
        self._response: httpx.Response | None = None
        self._is_closed = False
        self._events = self._listen()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __next__(self) -> ServerEvent:
        try:
            return next(self._events)
        except StopIteration:
            raise
        except Exception:
            if self._is_closed:
                raise StopIteration from None
            raise

    def close(self) -> None:
        """End the iteration, even while another thread waits for the next event."""
        self._is_closed = True
        try:
            self._events.close()
        except ValueError:  # another thread is running the generator
            if self._response is not None:
                _shut_down(self._response)

    def _listen(self) -> Generator[ServerEvent, None, None]:
        with self._transport.stream("/v1/events", self._silence_seconds) as response:
            self._response = response
            if self._is_closed:
                return
            self._check(response)
            try:
                for event in read_events(response.iter_raw()):
                    if kind := _EVENTS.get(event.type):
                        yield kind.validate_json(event.data)
            except (NotEventsError, ValidationError):
                raise self._transport.not_promptvault() from None
            raise self._transport.connection_lost()

    def _check(self, response: httpx.Response) -> None:
        kind = response.headers.get("Content-Type", "").partition(";")[0].strip()
        if (
            kind.lower() != "text/event-stream"
            or "Content-Encoding" in response.headers
        ):
            raise self._transport.not_promptvault()


def _shut_down(response: httpx.Response) -> None:
    """Shut the connection down: closing alone does not wake a thread that reads."""
    stream = response.extensions["network_stream"]
    connection = stream.get_extra_info("socket")
    with contextlib.suppress(OSError):
        # An SSL socket's own method would remove the state that the reader needs.
        socket.socket.shutdown(connection, socket.SHUT_RDWR)


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
