"""The API: all resources under /v1, each route behind the guard."""

from typing import Any

from fastapi import APIRouter, Depends

from promptvault.server.account.endpoints import router as account
from promptvault.server.device.endpoints import router as device
from promptvault.server.device_code.endpoints import router as device_code
from promptvault.server.event.endpoints import router as event
from promptvault.server.guard import Guard
from promptvault.server.invitation.endpoints import router as invitation
from promptvault.server.limit.service import enforce_route_limit
from promptvault.server.share.endpoints import router as share
from promptvault.server.sync.endpoints import router as sync
from promptvault.server.team.endpoints import router as team
from promptvault.server.token.endpoints import router as token
from promptvault.server.vault.endpoints import router as vault
from promptvault.server.webhook.endpoints import router as webhook
from promptvault.wire.error import ErrorRead

_ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"model": ErrorRead, "description": description}
    for status, description in {
        400: "The body cannot be read.",
        401: "No token, or one that is unknown, expired or revoked.",
        403: "Not allowed.",
        413: "The body is too long.",
        415: "The body is in an encoding other than gzip and zstd.",
        422: "The request is not valid.",
        429: "Too many requests; `Retry-After` says when to try again.",
        503: "The database does not answer.",
    }.items()
}


def protected(*resources: APIRouter) -> APIRouter:
    """Return *resources* under /v1; each of their routes asks the guard."""
    api = APIRouter(
        prefix="/v1",
        dependencies=[Depends(enforce_route_limit), Depends(Guard())],
        responses=_ERRORS,
    )
    for resource in resources:
        api.include_router(resource)
    return api


# Routes are matched in this order, so the most frequent ones come first.
api = protected(
    *(sync, event, vault, account, device, team, invitation),
    *(device_code, token, share, webhook),
)
