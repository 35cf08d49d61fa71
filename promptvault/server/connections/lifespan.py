"""Tracking the connections of a worker while it runs."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

from fastapi import FastAPI

from promptvault.server.connections import descriptors
from promptvault.server.connections.protocol import STATE
from promptvault.server.connections.tracker import ConnectionLimits, ConnectionTracker
from promptvault.server.settings import Settings

_CHECK_SECONDS = 1.0


@contextlib.asynccontextmanager
async def tracking(app: FastAPI) -> AsyncIterator[dict[str, Any]]:
    """Yield the lifespan state that `TrackedProtocol` reads; close late connections."""
    descriptors.report_shortage(asyncio.get_running_loop())
    tracker = ConnectionTracker(_limits(app.state.settings))
    app.state.connections = tracker
    task = asyncio.create_task(_close_late(tracker))
    try:
        yield {STATE: tracker}
    finally:
        task.cancel()


def _limits(settings: Settings) -> ConnectionLimits:
    room = descriptors.room_for_connections(settings.pool_size)
    return ConnectionLimits(
        total=min(settings.connections, room),
        per_address=(
            None if settings.trusted_proxies else settings.connections_per_address
        ),
        head_seconds=settings.head_seconds,
        body_seconds=settings.body_seconds,
    )


async def _close_late(tracker: ConnectionTracker) -> None:
    limits = tracker.limits
    seconds = min(_CHECK_SECONDS, limits.head_seconds / 4, limits.body_seconds / 4)
    while True:
        await asyncio.sleep(seconds)
        tracker.drop_late(asyncio.get_running_loop().time())
