"""What an operator does about billing: check the settings, link and look again."""

from collections.abc import AsyncIterator, Iterator
from typing import NamedTuple

from promptvault.domain.entitlement import Entitlement
from promptvault.errors import ConflictError, NotFoundError
from promptvault.server.account.repository import User
from promptvault.server.billing.plan import settle_plan
from promptvault.server.billing.reconcile import STRIPE, look_at
from promptvault.server.billing.repository import BillingRepository
from promptvault.server.billing.settings import BillingSettings, Price
from promptvault.server.billing.stripe_client import (
    Endpoint,
    FetchedPrice,
    Stripe,
    StripeRefusedError,
    connected,
    known_version,
)
from promptvault.server.billing.webhook import EVENTS, PATH
from promptvault.server.database import Connection
from promptvault.server.job.queue import Kind, enqueue
from promptvault.server.settings import Settings


class Checked(NamedTuple):
    """What was found at Stripe, and what is wrong with it."""

    is_live: bool
    """Whether the key is for real payments."""
    prices: list[FetchedPrice]
    problems: list[str]


async def check(settings: Settings) -> Checked:
    """Compare the settings with what is at Stripe.

    Raises NotFoundError without a key, UnavailableError if Stripe does not answer.
    """
    prices, problems = list[FetchedPrice](), list[str]()
    async with connected(settings) as stripe:
        try:
            for wanted in settings.stripe_prices:
                async for found in _find_price(stripe, settings, wanted, problems):
                    prices.append(found)
            problems += _wrong_currencies(prices)
            problems += _wrong_endpoints(await stripe.endpoints(), settings)
        except StripeRefusedError:
            problems.append(
                f"Stripe refuses the key for the {_mode(settings)} mode, or it may not"
                " read prices and webhook endpoints."
            )
    return Checked(settings.is_live, prices, problems)


async def _find_price(
    stripe: Stripe, settings: BillingSettings, wanted: Price, problems: list[str]
) -> AsyncIterator[FetchedPrice]:
    """Yield a price if it is there, and add what is wrong with it."""
    try:
        found = await stripe.price(wanted.id)
    except NotFoundError:
        problems.append(
            f"{wanted.id}: there is no such price in the {_mode(settings)} mode, which"
            " is that of the key."
        )
        return
    problems += (f"{wanted.id}: {each}" for each in _wrong_price(found, wanted))
    yield found


def _wrong_price(found: FetchedPrice, wanted: Price) -> Iterator[str]:
    if not found.active and not wanted.is_hidden:
        yield "it is archived and cannot be bought: add ':hidden' to it."
    if found.recurring is None:
        yield "it is paid once, not by the month or year."
    elif found.recurring.interval != wanted.interval:
        yield f"it is paid by the {found.recurring.interval}, not {wanted.interval}."
    if found.unit_amount is None:
        yield "it has no fixed amount."


def _wrong_currencies(prices: list[FetchedPrice]) -> Iterator[str]:
    found = sorted({each.currency for each in prices})
    if len(found) > 1:
        yield f"The prices are in {' and '.join(found)}: one customer has one currency."


def _wrong_endpoints(found: list[Endpoint], settings: Settings) -> Iterator[str]:
    url = f"{settings.public_url}{PATH}"
    ours = [each for each in found if each.url.rstrip("/") == url]
    if not ours:
        yield f"No webhook endpoint of the {_mode(settings)} mode sends to {url}."
    for each in ours:
        yield from (f"The endpoint {url}: {what}" for what in _wrong_endpoint(each))


def _wrong_endpoint(found: Endpoint) -> Iterator[str]:
    if found.status != "enabled":
        yield f"it is {found.status}."
    if "*" not in found.enabled_events:
        if missing := sorted(EVENTS.difference(found.enabled_events)):
            yield f"it does not send {', '.join(missing)}."
    known = known_version()
    # What is read of an event is the same in all versions so far.
    if found.api_version and found.api_version[:10] > known[:10]:
        yield f"its API version is {found.api_version}; this server knows {known}."


def _mode(settings: BillingSettings) -> str:
    return "live" if settings.is_live else "test"


async def link(
    connection: Connection, settings: Settings, user: User, customer: str
) -> Entitlement:
    """Make a customer at Stripe that of a user's account, and settle the plan.

    Raises NotFoundError if Stripe does not know the customer, ConflictError if the
    account or the customer has another one.
    """
    billing = BillingRepository(connection)
    async with connected(settings) as stripe:
        await stripe.customer(customer)
    found = await billing.find(user.account_id)
    if found is None and not await billing.link(user.account_id, customer):
        raise ConflictError(f"{customer} belongs to another account.")
    if found is not None and found.customer != customer:
        raise ConflictError(f"The account has the customer {found.customer}.")
    return await reconcile_now(connection, settings, user)


async def reconcile_now(
    connection: Connection, settings: Settings, user: User
) -> Entitlement:
    """Look at a user's customer at Stripe, and settle the plan.

    Raises NotFoundError if the user has never bought anything.
    """
    found = await BillingRepository(connection).find(user.account_id)
    if found is None:
        raise NotFoundError("The account has bought nothing yet.")
    async with connected(settings) as stripe:
        await look_at(connection, settings, stripe, found.customer)
    entitled = await settle_plan(connection, settings, user.account_id, STRIPE)
    assert entitled is not None
    return entitled


async def reconcile_soon(connection: Connection, settings: Settings) -> int:
    """Enqueue a job for each customer, and one for missed events; return the number.

    Raises NotFoundError if the server sells nothing.
    """
    if not settings.has_billing:
        raise NotFoundError("This server sells nothing.")
    billing = BillingRepository(connection)
    customers = await billing.customers()
    for customer in customers:
        await billing.reconcile_soon(customer)
    await enqueue(connection, Kind.RECONCILE_ALL)
    return len(customers)
