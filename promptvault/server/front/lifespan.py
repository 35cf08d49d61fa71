"""What bounds the connections of a worker, for as long as it runs."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

from fastapi import FastAPI

from promptvault.server.front import descriptors
from promptvault.server.front.bounds import Bounds, Connections
from promptvault.server.front.protocol import STATE
from promptvault.server.settings import Settings

_LOOK_SECONDS = 1.0


@contextlib.asynccontextmanager
async def bounded(app: FastAPI) -> AsyncIterator[dict[str, Any]]:
    """Yield the state that `BoundedProtocol` asks for; late connections are closed."""
    descriptors.report_shortage(asyncio.get_running_loop())
    connections = Connections(_bounds(app.state.settings))
    app.state.connections = connections
    watch = asyncio.create_task(_close_late(connections))
    try:
        yield {STATE: connections}
    finally:
        watch.cancel()


def _bounds(settings: Settings) -> Bounds:
    room = descriptors.room_for_connections(settings.pool_size)
    return Bounds(
        total=min(settings.connections, room),
        per_address=(
            None if settings.trusted_proxies else settings.connections_per_address
        ),
        head_seconds=settings.head_seconds,
        body_seconds=settings.body_seconds,
    )


async def _close_late(connections: Connections) -> None:
    bounds = connections.bounds
    seconds = min(_LOOK_SECONDS, bounds.head_seconds / 4, bounds.body_seconds / 4)
    while True:
        await asyncio.sleep(seconds)
        connections.drop_late(asyncio.get_running_loop().time())
