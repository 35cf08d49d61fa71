"""What a server says of its own accord, as it says it."""

import contextlib
import socket
from collections.abc import Generator, Iterator
from types import TracebackType
from typing import Self

import httpx
from pydantic import TypeAdapter, ValidationError

from promptvault.client.event_stream import NotEventsError, read_events
from promptvault.client.transport import Transport
from promptvault.wire.event import VAULT_EVENT, VaultEvent

_EVENT = TypeAdapter(VaultEvent)
_SILENCE_SECONDS = 40.0
"""The server is heard every 15 seconds, if only to say that it is there."""


class Listener(Iterator[VaultEvent]):
    """The events of a server, from now on.

    It ends when it is closed, which another thread may do. A server that ends it, that
    is not heard for 40 seconds or that is none of ours raises UnavailableError.
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

    def __next__(self) -> VaultEvent:
        try:
            return next(self._events)
        except StopIteration:
            raise
        except Exception:
            if self._is_closed:
                raise StopIteration from None
            raise

    def close(self) -> None:
        """End it, also while another thread waits for the next event."""
        self._is_closed = True
        try:
            self._events.close()
        except ValueError:  # another thread is in it
            if self._response is not None:
                _hang_up(self._response)

    def _listen(self) -> Generator[VaultEvent, None, None]:
        with self._transport.stream("/v1/events", self._silence_seconds) as response:
            self._response = response
            if self._is_closed:
                return
            self._check(response)
            try:
                for event in read_events(response.iter_raw()):
                    if event.type == VAULT_EVENT:
                        yield _EVENT.validate_json(event.data)
            except (NotEventsError, ValidationError):
                raise self._transport.stranger() from None
            raise self._transport.broken_off()

    def _check(self, response: httpx.Response) -> None:
        kind = response.headers.get("Content-Type", "").partition(";")[0].strip()
        if (
            kind.lower() != "text/event-stream"
            or "Content-Encoding" in response.headers
        ):
            raise self._transport.stranger()


def _hang_up(response: httpx.Response) -> None:
    """Shut the connection: closing it alone would not wake who waits for it."""
    stream = response.extensions["network_stream"]
    connection = stream.get_extra_info("socket")
    with contextlib.suppress(OSError):
        # Not the method of an SSL socket's own, which takes its state from the reader.
        socket.socket.shutdown(connection, socket.SHUT_RDWR)
