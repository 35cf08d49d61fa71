"""Events over HTTP, as server-sent events."""

from typing import Any

from fastapi import APIRouter
from fastapi.responses import StreamingResponse

from promptvault.server.dependencies import AppDatabase, AppSettings
from promptvault.server.event.dependencies import EventHub
from promptvault.server.event.service import Stream
from promptvault.server.guard import Authenticated

router = APIRouter(tags=["event"])

_HEADERS = {"X-Accel-Buffering": "no"}  # nginx would collect what is to go out at once
_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
        "description": "`event: vault` whenever a vault of the user's has moved.",
    }
}


@router.get("/events", response_class=StreamingResponse, responses=_RESPONSES)
async def events(
    bearer: Authenticated,
    database: AppDatabase,
    settings: AppSettings,
    hub: EventHub,
) -> StreamingResponse:
    """Tell of each vault where it stands now, and then whenever it moves."""
    hub.refuse_too_many(bearer.user_id)
    stream = Stream(hub, database, bearer, settings.heartbeat_seconds)
    return StreamingResponse(
        stream.parts(), headers=_HEADERS, media_type="text/event-stream"
    )
