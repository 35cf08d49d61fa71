"""Requests to Stripe, and the signatures of its webhooks.

The one module that imports Stripe's package, which takes 0.4 s and is an extra. It
reads plain dictionaries, since its objects are none. Fields are those of API version
2026-10-28: the end of a period is that of an item, and an invoice has no subscription.
"""

import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

import structlog
from pydantic import BaseModel

from promptvault.errors import NotFoundError, UnavailableError
from promptvault.server.billing.settings import BillingSettings, Price

ENDED = frozenset({"canceled", "incomplete_expired"})
"""The states of subscriptions that cost nothing any more."""
TOLERANCE = 300
"""Seconds that the time of a webhook may be off, in either direction."""
_PAGE = 100
_SESSION_SECONDS = 3600
_MISSING = "resource_missing"
_DAY = 86_400
_log = structlog.get_logger("promptvault.server")


class StripeRefusedError(UnavailableError):
    """Stripe refuses the key, or a request that the operator must look at."""


class Interval(BaseModel):
    interval: str


class FetchedPrice(BaseModel):
    """A price at Stripe."""

    id: str
    active: bool = True
    currency: str = ""
    unit_amount: int | None = None
    recurring: Interval | None = None


class Item(BaseModel):
    price: FetchedPrice
    quantity: int = 1
    current_period_end: datetime | None = None


class Items(BaseModel):
    data: list[Item]


class Invoice(BaseModel):
    hosted_invoice_url: str | None = None


class FetchedSubscription(BaseModel):
    """A subscription at Stripe."""

    id: str
    status: str
    items: Items
    cancel_at: datetime | None = None
    cancel_at_period_end: bool = False
    trial_end: datetime | None = None
    metadata: dict[str, str] = {}
    latest_invoice: Invoice | str | None = None

    @property
    def period_end(self) -> datetime | None:
        """When the last of its items is due again."""
        ends = [each.current_period_end for each in self.items.data]
        return max((end for end in ends if end), default=None)

    @property
    def invoice_url(self) -> str | None:
        """The page of the last invoice."""
        invoice = self.latest_invoice
        return invoice.hosted_invoice_url if isinstance(invoice, Invoice) else None


class FetchedCustomer(BaseModel):
    """A customer at Stripe."""

    id: str
    metadata: dict[str, str] = {}


class Page(NamedTuple):
    """A page at Stripe, to send a person to."""

    url: str
    expires_at: datetime


class Event(NamedTuple):
    """An event, and the customer that it is about."""

    id: str
    customer: str


class Endpoint(BaseModel):
    """An endpoint of webhooks at Stripe."""

    url: str
    status: str = "enabled"
    enabled_events: list[str]
    api_version: str | None = None
    """None means that of the account at Stripe."""


class Stripe:
    """Sends requests to Stripe.

    Every method raises UnavailableError if Stripe does not answer, NotFoundError for an
    object that Stripe does not know, and StripeRefusedError if it refuses the key or
    the request.
    """

    def __init__(self, client: Any, settings: BillingSettings) -> None:
        self._v1, self._settings = client.v1, settings

    async def subscriptions(self, customer: str) -> list[FetchedSubscription]:
        """Return all subscriptions of a customer, ended ones as well."""
        parameters = {
            "customer": customer,
            "status": "all",
            "limit": _PAGE,
            "expand": ["data.latest_invoice"],
        }
        found = await _asked(self._v1.subscriptions.list_async(parameters))
        return [FetchedSubscription.model_validate(each) for each in found["data"]]

    async def customer(self, id: str) -> FetchedCustomer:
        """Return a customer; raise NotFoundError for a deleted one."""
        found = await _asked(self._v1.customers.retrieve_async(id))
        if found.get("deleted"):
            raise NotFoundError("Stripe knows no such customer.")
        return FetchedCustomer.model_validate(found)

    async def add_customer(self, account_id: UUID, email: str, attempt: str) -> str:
        """Return the id of a new customer; for a day, one for the same *attempt*."""
        parameters = {"email": email, "metadata": {"account_id": str(account_id)}}
        options = {"idempotency_key": f"pv:customer:{account_id}:{attempt}"}
        found = await _asked(self._v1.customers.create_async(parameters, options))
        return str(found["id"])

    async def open_checkout(
        self, customer: str, account_id: UUID, price: Price, origin: str
    ) -> Page:
        """Return the page on which a price is paid."""
        account = {"account_id": str(account_id)}
        expires = int(time.time()) + _SESSION_SECONDS
        parameters: dict[str, Any] = {
            "mode": "subscription",
            "customer": customer,
            "line_items": [{"price": price.id, "quantity": 1}],
            "client_reference_id": str(account_id),
            "subscription_data": {"metadata": account},
            "success_url": f"{origin}/billing/done?session_id={{CHECKOUT_SESSION_ID}}",
            "cancel_url": f"{origin}/billing",
            "expires_at": expires,
            "locale": "auto",
        }
        if self._settings.billing_tax:
            parameters["automatic_tax"] = {"enabled": True}
            parameters["customer_update"] = {"address": "auto"}
        found = await _asked(self._v1.checkout.sessions.create_async(parameters))
        return Page(found["url"], datetime.fromtimestamp(found["expires_at"], UTC))

    async def end_checkouts(self, customer: str) -> None:
        """End the pages of a customer that were not paid."""
        sessions = self._v1.checkout.sessions
        parameters = {"customer": customer, "status": "open", "limit": _PAGE}
        for each in (await _asked(sessions.list_async(parameters)))["data"]:
            # One that was paid meanwhile cannot be ended.
            with contextlib.suppress(StripeRefusedError):
                await _asked(sessions.expire_async(each["id"]))

    async def open_portal(self, customer: str, origin: str) -> str:
        """Return the URL of the page on which a customer manages subscriptions."""
        parameters = {"customer": customer, "return_url": f"{origin}/billing"}
        if self._settings.stripe_portal_configuration:
            parameters["configuration"] = self._settings.stripe_portal_configuration
        found = await _asked(self._v1.billing_portal.sessions.create_async(parameters))
        return str(found["url"])

    async def cancel(self, subscription: str) -> None:
        """End a subscription at once; one that has ended stays so."""
        with contextlib.suppress(NotFoundError):
            await _asked(self._v1.subscriptions.cancel_async(subscription))

    async def events(self, days: int) -> AsyncIterator[list[Event]]:
        """Yield pages of the events about customers in *days*, the newest first."""
        parameters: dict[str, Any] = {
            "limit": _PAGE,
            "created": {"gte": int(time.time()) - days * _DAY},
        }
        while True:
            page = await _asked(self._v1.events.list_async(parameters))
            yield [
                Event(event["id"], customer)
                for event in page["data"]
                if (customer := customer_of(event))
            ]
            if not page["has_more"] or not page["data"]:
                return
            parameters["starting_after"] = page["data"][-1]["id"]

    async def price(self, id: str) -> FetchedPrice:
        """Return a price."""
        return FetchedPrice.model_validate(
            await _asked(self._v1.prices.retrieve_async(id))
        )

    async def endpoints(self) -> list[Endpoint]:
        """Return the endpoints that events are sent to."""
        found = await _asked(self._v1.webhook_endpoints.list_async({"limit": _PAGE}))
        return [Endpoint.model_validate(each) for each in found["data"]]


@contextlib.asynccontextmanager
async def connected(settings: BillingSettings) -> AsyncIterator[Stripe]:
    """Yield a client of Stripe; raise NotFoundError if the server sells nothing."""
    if settings.stripe_secret_key is None:
        raise NotFoundError("This server sells nothing.")
    import stripe

    http = stripe.HTTPXClient(timeout=20)
    addresses: Any = {}
    if settings.stripe_api_url:
        addresses["api"] = settings.stripe_api_url
    client = stripe.StripeClient(
        settings.stripe_secret_key.get_secret_value(),
        http_client=http,
        max_network_retries=1,
        base_addresses=addresses,
    )
    try:
        yield Stripe(client, settings)
    except StripeRefusedError as error:
        _log.error("billing", reason=str(error))
        raise
    finally:
        await http.close_async()  # type: ignore[no-untyped-call]


def known_version() -> str:
    """Return the version of the API that the package speaks."""
    import stripe

    return str(stripe.api_version)


def is_signed(body: bytes, header: str, settings: BillingSettings) -> bool:
    """Return True if a webhook is signed with one of the secrets, and is not old."""
    import stripe

    try:
        text = body.decode()
        times = [
            int(value)
            for name, _, value in (part.partition("=") for part in header.split(","))
            if name == "t"
        ]
    except ValueError:
        return False
    # Stripe's package accepts a time in the future.
    if len(times) != 1 or times[0] > time.time() + TOLERANCE:
        return False
    for secret in settings.webhook_secrets:
        with contextlib.suppress(stripe.SignatureVerificationError):
            stripe.WebhookSignature.verify_header(text, header, secret, TOLERANCE)
            return True
    return False


def customer_of(event: Mapping[str, Any]) -> str | None:
    """Return the customer that an event is about."""
    found = event["data"].get("object")
    if not isinstance(found, Mapping):
        return None
    is_customer = found.get("object") == "customer"
    customer = found.get("id" if is_customer else "customer")
    if isinstance(customer, Mapping):
        customer = customer.get("id")
    return customer if isinstance(customer, str) else None


async def _asked(request: Awaitable[Any]) -> dict[str, Any]:
    """Return an answer as a dictionary, and translate errors."""
    import stripe

    try:
        found: dict[str, Any] = (await request).to_dict()
    except (stripe.AuthenticationError, stripe.PermissionError) as error:
        raise StripeRefusedError("Stripe refuses the key of the server.") from error
    except stripe.InvalidRequestError as error:
        is_of_item = (error.param or "").startswith("line_items")
        if error.code == _MISSING and not is_of_item:
            raise NotFoundError("Stripe knows no such object.") from error
        # What Stripe says may quote values of the request.
        reason = error.code or "no reason is given"
        raise StripeRefusedError(f"Stripe refuses the request: {reason}.") from error
    except stripe.StripeError as error:
        raise UnavailableError("Stripe does not answer: try again later.") from error
    return found
