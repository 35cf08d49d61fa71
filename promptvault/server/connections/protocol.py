"""HTTP/1.1 on one connection, within the limits of its worker."""

import asyncio
from typing import Any, cast

import h11
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from promptvault.server.connections.tracker import ConnectionTracker, Phase
from promptvault.server.http.address import network_of

STATE = "connections"
"""The key of the `ConnectionTracker` in the lifespan state."""

_DISCARDED_BYTES = 1024 * 1024
"""How much of a body is still read after its request was answered. A client that sends
the whole body before it reads can then read the answer."""
_BUSY = b'{"error":{"code":"unavailable","message":"Too many connections."}}'
_REFUSAL = (
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\n"
    b"Retry-After: 2\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%b"
) % (len(_BUSY), _BUSY)


class TrackedProtocol(H11Protocol):
    """uvicorn's HTTP protocol, with deadlines for a request's head and body.

    uvicorn has a deadline for idle connections only. A client that sends half of a head
    or of a body would hold its connection forever.
    """

    transport: asyncio.Transport
    network = ""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._tracker: ConnectionTracker = app_state[STATE]
        self._discarded = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Accept a new connection, or refuse it with status 503."""
        super().connection_made(cast("asyncio.Transport", transport))
        self.network = network_of(self.client[0] if self.client else "")
        if not self._tracker.admit(self, self.loop.time()):
            self.transport.write(_REFUSAL)
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop tracking the connection."""
        self._tracker.leave(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read data; close the connection if too much follows an answer."""
        if self.transport.is_closing():
            return
        super().data_received(data)
        if self.conn.our_state is h11.DONE and self.conn.their_state is h11.SEND_BODY:
            self._discarded += len(data)
            if self._discarded > _DISCARDED_BYTES:
                self.drop()

    def handle_events(self) -> None:
        """Pass on what was read, and note what the connection waits for now."""
        super().handle_events()
        self._tracker.note(self, self._phase(), self.loop.time())

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        super().on_response_complete()
        self._tracker.note(self, self._phase(), self.loop.time())

    def pause_writing(self) -> None:
        """Note that the client does not receive."""
        super().pause_writing()
        self._tracker.note_stalled(self, self.loop.time())

    def resume_writing(self) -> None:
        """Note that the client receives again."""
        super().resume_writing()
        self._tracker.note_flowing(self)

    def drop(self) -> None:
        """Close at once and discard data that is not sent yet."""
        self.transport.abort()

    def _phase(self) -> Phase:
        match self.conn.their_state:
            case h11.IDLE:
                return Phase.HEAD
            case h11.SEND_BODY:
                return Phase.BODY
            case _:
                return Phase.ANSWER
