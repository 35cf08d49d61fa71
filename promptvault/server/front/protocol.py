"""HTTP on one connection, within the bounds of its worker."""

import asyncio
from typing import Any, cast

import h11
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from promptvault.server.front.bounds import Connections, Phase
from promptvault.server.http.address import network_of

STATE = "connections"
"""The key of the app's state under which its lifespan puts the `Connections`."""

_DISCARDED_BYTES = 1024 * 1024
"""How much of a body is still taken after its request was answered, so that a client
that sends it all before it reads finds the answer."""
_BUSY = b'{"error":{"code":"unavailable","message":"Too many connections."}}'
_REFUSAL = (
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\n"
    b"Retry-After: 2\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%b"
) % (len(_BUSY), _BUSY)


class BoundedProtocol(H11Protocol):
    """Tells the worker's `Connections` what it waits for, and closes when they say so.

    uvicorn knows a deadline for idle connections only; half of a head or of a body
    would hold a connection for ever.
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
        self._counted: Connections = app_state[STATE]
        self._discarded = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take a new connection, or refuse it."""
        super().connection_made(cast("asyncio.Transport", transport))
        self.network = network_of(self.client[0] if self.client else "")
        if not self._counted.admit(self, self.loop.time()):
            self.transport.write(_REFUSAL)
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Make room for another."""
        self._counted.leave(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what came, up to a bound also where nobody wants it any more."""
        if self.transport.is_closing():
            return
        super().data_received(data)
        if self.conn.our_state is h11.DONE and self.conn.their_state is h11.SEND_BODY:
            self._discarded += len(data)
            if self._discarded > _DISCARDED_BYTES:
                self.drop()

    def handle_events(self) -> None:
        """Pass on what came, and note what is missing now."""
        super().handle_events()
        self._counted.note(self, self._phase(), self.loop.time())

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        super().on_response_complete()
        self._counted.note(self, self._phase(), self.loop.time())

    def pause_writing(self) -> None:
        """Begin to wait until the other end takes what it was sent."""
        super().pause_writing()
        self._counted.note_stalled(self, self.loop.time())

    def resume_writing(self) -> None:
        """Go on."""
        super().resume_writing()
        self._counted.note_flowing(self)

    def drop(self) -> None:
        """Close at once; what was not sent is lost."""
        self.transport.abort()

    def _phase(self) -> Phase:
        match self.conn.their_state:
            case h11.IDLE:
                return Phase.HEAD
            case h11.SEND_BODY:
                return Phase.BODY
            case _:
                return Phase.ANSWER
