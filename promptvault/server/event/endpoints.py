"""Events over HTTP, as server-sent events."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import StreamingResponse

from promptvault.server.dependencies import AppDatabase, AppSettings
from promptvault.server.event.hub import Hub
from promptvault.server.event.stream import Stream
from promptvault.server.guard import Authenticated

router = APIRouter(tags=["event"])

_HEADERS = {"X-Accel-Buffering": "no"}  # nginx would hold events back
_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
        "description": "`event: vault` whenever a vault of the user has changed, and"
        " `event: roster` whenever `GET /v1/vaults` has.",
    }
}


async def _hub_of(request: Request) -> Hub:
    hub: Hub = request.app.state.hub
    return hub


@router.get("/events", response_class=StreamingResponse, responses=_RESPONSES)
async def events(
    bearer: Authenticated,
    database: AppDatabase,
    settings: AppSettings,
    hub: Annotated[Hub, Depends(_hub_of)],
) -> StreamingResponse:
    """Send the sequence number of each vault now, and then whenever one changes."""
    hub.refuse_too_many(bearer.user_id)
    stream = Stream(hub, database, bearer, settings.heartbeat_seconds)
    return StreamingResponse(
        stream.parts(), headers=_HEADERS, media_type="text/event-stream"
    )
