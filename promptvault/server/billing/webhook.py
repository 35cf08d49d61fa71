"""Events of Stripe over HTTP: a hint to look at a customer, and nothing more."""

import json
from typing import Annotated

import structlog
from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, Field, ValidationError
from starlette.exceptions import HTTPException

from promptvault.errors import NotFoundError
from promptvault.server.billing.repository import BillingRepository
from promptvault.server.billing.stripe_client import customer_of, is_signed
from promptvault.server.dependencies import AppDatabase, AppSettings
from promptvault.server.http.json_body import body_of
from promptvault.wire.error import ErrorRead

router = APIRouter(prefix="/webhooks", tags=["webhook"])

EVENTS = frozenset(
    {
        "checkout.session.completed",
        "checkout.session.async_payment_succeeded",
        "checkout.session.async_payment_failed",
        "checkout.session.expired",
        "customer.subscription.created",
        "customer.subscription.updated",
        "customer.subscription.deleted",
        "customer.subscription.paused",
        "customer.subscription.resumed",
        "customer.subscription.pending_update_applied",
        "customer.subscription.pending_update_expired",
        "invoice.paid",
        "invoice.payment_failed",
        "invoice.payment_action_required",
        "invoice.marked_uncollectible",
        "invoice.voided",
        "customer.deleted",
        "charge.dispute.created",
        "charge.dispute.closed",
    }
)
"""The events that an endpoint at Stripe has to send."""
PATH = "/v1/webhooks/stripe"
"""Where the endpoint at Stripe has to send them."""
_LONGEST = 256 * 1024
_log = structlog.get_logger("promptvault.server")


class StripeEvent(BaseModel):
    """What is read of an event."""

    id: Annotated[str, Field(max_length=255, pattern=r"^evt_\w+$")]
    type: Annotated[str, Field(max_length=100)]
    livemode: bool
    data: dict[str, object]


async def _signed_body(request: Request, settings: AppSettings) -> bytes:
    """Return the body of a request that Stripe has signed."""
    if not settings.webhook_secrets:
        raise NotFoundError("This server takes no events of Stripe.")
    body = await body_of(request)
    header = request.headers.get("stripe-signature", "")
    if len(body) > _LONGEST or not is_signed(body, header, settings):
        raise HTTPException(400, "The signature is not good, or too old")
    return body


@router.post(
    "/stripe",
    status_code=204,
    responses={
        400: {"model": ErrorRead, "description": "The signature is not valid."},
        404: {"model": ErrorRead, "description": "The server sells nothing."},
    },
)
async def receive_stripe_event(
    body: Annotated[bytes, Depends(_signed_body)],
    settings: AppSettings,
    database: AppDatabase,
) -> None:
    """Receive an event of Stripe."""
    try:
        value = json.loads(body)
        event = StripeEvent.model_validate(value)
    except (ValueError, ValidationError) as error:
        raise HTTPException(400, "This is no event of Stripe's") from error
    customer = customer_of(value)
    if event.type not in EVENTS or customer is None:
        return
    if event.livemode != settings.is_live:
        _log.warning("billing", reason="an event of the other mode")
        return
    async with database.statements() as connection:
        await BillingRepository(connection).add_event(event.id, event.type, customer)
