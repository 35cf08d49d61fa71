"""Webhooks over HTTP."""

from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Request

from promptvault.errors import NotFoundError
from promptvault.server.dependencies import AppSettings, Transaction
from promptvault.server.webhook.clerk_event import ClerkEvent, read
from promptvault.server.webhook.service import handle
from promptvault.server.webhook.signature import check
from promptvault.wire.error import ErrorRead

router = APIRouter(prefix="/webhooks", tags=["webhook"])


async def _signed_id(request: Request, settings: AppSettings) -> str:
    secret = settings.clerk_webhook_secret
    if secret is None:
        raise NotFoundError("This server takes no webhooks.")
    return check(secret, await request.body(), request.headers)


@router.post(
    "/clerk",
    status_code=204,
    responses={
        400: {"model": ErrorRead, "description": "The signature is not good."},
        404: {"model": ErrorRead, "description": "There is no secret to check it by."},
    },
)
async def receive_clerk_event(
    event_id: Annotated[str, Depends(_signed_id)],
    settings: AppSettings,
    connection: Transaction,
    body: Annotated[dict[str, Any], Body()],
) -> None:
    """Take what Clerk tells of a user, signed by Svix."""
    await handle(connection, settings, event_id, read(ClerkEvent, body))
