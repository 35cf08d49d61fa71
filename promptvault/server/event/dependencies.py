"""What endpoints ask for that tell something, or listen."""

from typing import Annotated

from fastapi import Depends, Request

from promptvault.server.event.hub import Hub


async def hub_of(request: Request) -> Hub:
    """Return what this worker tells and hears through."""
    hub: Hub = request.app.state.hub
    return hub


EventHub = Annotated[Hub, Depends(hub_of)]
