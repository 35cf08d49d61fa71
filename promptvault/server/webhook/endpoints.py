"""Webhooks over HTTP: messages of Clerk, signed by Svix."""

from collections.abc import Mapping
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from pydantic import SecretStr
from standardwebhooks import Webhook, WebhookVerificationError
from starlette.exceptions import HTTPException

from promptvault.errors import NotFoundError
from promptvault.server.dependencies import AppSettings, Transaction
from promptvault.server.http.json_body import body_of, read_json
from promptvault.server.webhook.service import ClerkEvent, handle_event, parse_clerk
from promptvault.wire.error import ErrorRead

router = APIRouter(prefix="/webhooks", tags=["webhook"])

_SIGNED_HEADERS = ("id", "timestamp", "signature")


async def _signed_id(request: Request, settings: AppSettings) -> str:
    secret = settings.clerk_webhook_secret
    if secret is None:
        raise NotFoundError("This server takes no webhooks.")
    return _check_signature(secret, await body_of(request), request.headers)


def _check_signature(secret: SecretStr, body: bytes, headers: Mapping[str, str]) -> str:
    """Return the id of a message that is signed and at most five minutes old.

    Raises HTTPException with status 400 for any other.
    """
    # Svix sends the headers of the Standard Webhooks specification under its own name.
    named = {
        f"webhook-{name}": headers.get(f"svix-{name}", "") for name in _SIGNED_HEADERS
    }
    try:
        webhook = Webhook(secret.get_secret_value())
        webhook.verify(body, named, json_parse=False)
    except (WebhookVerificationError, ValueError) as error:
        raise HTTPException(400, "The signature is not good, or too old") from error
    return named["webhook-id"]


@router.post(
    "/clerk",
    status_code=204,
    responses={
        400: {"model": ErrorRead, "description": "The signature is not valid."},
        404: {"model": ErrorRead, "description": "The server has no secret for it."},
    },
)
async def receive_clerk_event(
    event_id: Annotated[str, Depends(_signed_id)],
    request: Request,
    settings: AppSettings,
    connection: Transaction,
) -> None:
    """Receive an event about a user of Clerk."""
    event = await read_json(request, partial(parse_clerk, ClerkEvent))
    await handle_event(connection, settings, event_id, event)
