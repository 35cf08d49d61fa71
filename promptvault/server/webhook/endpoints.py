"""Webhooks over HTTP."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Request

from promptvault.errors import NotFoundError
from promptvault.server.dependencies import AppSettings, Transaction
from promptvault.server.http.json_body import body_of, read_json
from promptvault.server.webhook.clerk_event import ClerkEvent, read
from promptvault.server.webhook.service import handle
from promptvault.server.webhook.signature import check
from promptvault.wire.error import ErrorRead

router = APIRouter(prefix="/webhooks", tags=["webhook"])


async def _signed_id(request: Request, settings: AppSettings) -> str:
    secret = settings.clerk_webhook_secret
    if secret is None:
        raise NotFoundError("This server takes no webhooks.")
    return check(secret, await body_of(request), request.headers)


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
    request: Request,
    settings: AppSettings,
    connection: Transaction,
) -> None:
    """Take what Clerk tells of a user, signed by Svix."""
    event = await read_json(request, partial(read, ClerkEvent))
    await handle(connection, settings, event_id, event)
