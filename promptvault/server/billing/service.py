"""Buying a plan, and reading what an account pays for."""

import asyncio
import time
from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from promptvault.domain.tier import Tier
from promptvault.errors import (
    ConflictError,
    InvalidInputError,
    NotFoundError,
    PermissionDeniedError,
    PromptVaultError,
)
from promptvault.server.account.service import OWNER, usage_of
from promptvault.server.billing.repository import (
    BillingRepository,
    StoredSubscription,
)
from promptvault.server.billing.settings import Price
from promptvault.server.billing.stripe_client import (
    ENDED,
    FetchedPrice,
    Page,
    Stripe,
    connected,
)
from promptvault.server.database import Connection, Database
from promptvault.server.settings import Settings
from promptvault.wire.billing import BillingRead, OfferRead, PriceRead

_PRICE_SECONDS = 3600.0
_PATIENCE_SECONDS = 2.0
"""How long a page waits for the prices. It has a connection to the database then."""
_RANKS = [*Tier]


class Payer(NamedTuple):
    """A user who looks at billing, or buys."""

    account_id: UUID
    email: str
    role: str


class PriceList:
    """The amounts of the prices that are sold; asked for once in an hour."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._found: dict[str, FetchedPrice] = {}
        self._until = 0.0
        self._lock = asyncio.Lock()

    async def get(self) -> dict[str, FetchedPrice]:
        """Return prices by their ids; none that Stripe does not return now."""
        async with self._lock:
            if time.monotonic() > self._until and self._settings.has_billing:
                try:
                    async with (
                        asyncio.timeout(_PATIENCE_SECONDS),
                        connected(self._settings) as stripe,
                    ):
                        for price in self._settings.stripe_prices:
                            self._found[price.id] = await stripe.price(price.id)
                    self._until = time.monotonic() + _PRICE_SECONDS
                except (PromptVaultError, TimeoutError):
                    self._until = time.monotonic() + 10  # show what is known
            return self._found


async def read_billing(
    connection: Connection, settings: Settings, payer: Payer, prices: PriceList
) -> BillingRead:
    """Return what an account pays for; raises NotFoundError if nothing is sold."""
    _require_billing(settings)
    amounts = await prices.get()
    billing = BillingRepository(connection)
    state = await billing.plan_state(payer.account_id)
    tier, limits, usage = await usage_of(connection, settings, payer.account_id)
    live = _live(await billing.subscriptions(payer.account_id))
    price = amounts.get(live.price) if live else None
    failed = live.past_due_since if live else None
    return BillingRead(
        tier=tier,
        why=state.plan_why,
        status=live.status if live else None,
        interval=live.interval if live else None,
        price=_price_read(price),
        renews_at=live.period_end if live and not _end_of(live) else None,
        cancel_at=_end_of(live) if live else None,
        grace_until=failed + settings.billing_grace if failed else None,
        notice=state.plan_notice,
        notice_at=state.plan_notice_at,
        limits=limits,
        usage=usage,
        can_upgrade=[] if live else [*_offers(settings, tier, amounts)],
        has_portal=await billing.find(payer.account_id) is not None,
        is_owner=payer.role == OWNER,
    )


async def open_checkout(
    database: Database,
    settings: Settings,
    payer: Payer,
    origin: str,
    plan: str,
    interval: str,
) -> Page:
    """Return the page at Stripe on which a plan is bought.

    Raises PermissionDeniedError unless the payer owns the account, InvalidInputError if
    the plan is not sold, ConflictError if the account has a subscription,
    UnavailableError if Stripe does not answer.
    """
    _require_owner(settings, payer)
    price = settings.price_for(plan, interval)
    if price is None:
        raise InvalidInputError(f"This server does not sell {plan} by the {interval}.")
    async with connected(settings) as stripe:
        await _require_customer(database, stripe, payer)
        try:
            return await _open(database, stripe, payer, price, origin)
        except NotFoundError:  # the customer was deleted at Stripe
            async with database.transaction() as connection:
                await BillingRepository(connection).forget(payer.account_id)
        await _require_customer(database, stripe, payer)
        return await _open(database, stripe, payer, price, origin)


async def open_portal(
    database: Database, settings: Settings, payer: Payer, origin: str
) -> str:
    """Return the page at Stripe on which subscriptions are managed.

    Raises PermissionDeniedError unless the payer owns the account, ConflictError if the
    account has never bought anything, UnavailableError if Stripe does not answer.
    """
    _require_owner(settings, payer)
    async with database.transaction() as connection:
        found = await BillingRepository(connection).find(payer.account_id)
    if found is None:
        raise ConflictError("The account has bought nothing yet.")
    async with connected(settings) as stripe:
        try:
            return await stripe.open_portal(found.customer, origin)
        except NotFoundError:
            raise ConflictError("The account has bought nothing yet.") from None


async def look_again(connection: Connection, account_id: UUID) -> None:
    """Enqueue a job that looks at the customer of an account."""
    billing = BillingRepository(connection)
    if found := await billing.find(account_id):
        await billing.reconcile_soon(found.customer)


async def _require_customer(database: Database, stripe: Stripe, payer: Payer) -> None:
    """Make the customer of an account, if there is none."""
    async with database.transaction() as connection:
        if await BillingRepository(connection).find(payer.account_id):
            return
    customer = await _add_customer(stripe, payer)
    async with database.transaction() as connection:
        await BillingRepository(connection).link(payer.account_id, customer)


async def _add_customer(stripe: Stripe, payer: Payer) -> str:
    """Return a new customer at Stripe; two requests at once make one.

    Stripe repeats an answer for a day, and the customer may have been deleted since.
    """
    before = "first"
    while True:
        customer = await stripe.add_customer(payer.account_id, payer.email, before)
        try:
            await stripe.customer(customer)
        except NotFoundError:
            before = customer
        else:
            return customer


async def _open(
    database: Database, stripe: Stripe, payer: Payer, price: Price, origin: str
) -> Page:
    """Open a page to pay while the customer is locked.

    Other open pages are ended first. Then what was paid on one of them is seen, so that
    no one pays twice.
    """
    async with database.transaction() as connection:
        found = await BillingRepository(connection).lock_account(payer.account_id)
        if found is None:
            raise ConflictError("The account has just changed: try again.")
        await stripe.end_checkouts(found.customer)
        subscriptions = await stripe.subscriptions(found.customer)
        if any(each.status not in ENDED for each in subscriptions):
            await BillingRepository(connection).reconcile_soon(found.customer)
            is_paid = True
        else:
            is_paid = False
            page = await stripe.open_checkout(
                found.customer, payer.account_id, price, origin
            )
    if is_paid:
        raise ConflictError(
            "The account has a subscription already: pay or change it with"
            " 'promptvault billing portal'."
        )
    return page


def _require_billing(settings: Settings) -> None:
    if not settings.has_billing:
        raise NotFoundError("This server sells nothing.")


def _require_owner(settings: Settings, payer: Payer) -> None:
    _require_billing(settings)
    if payer.role != OWNER:
        raise PermissionDeniedError("Only the owner of the account can do this.")


def _live(found: Iterable[StoredSubscription]) -> StoredSubscription | None:
    """Return the subscription to show: one that has not ended."""
    return next((each for each in found if each.status not in ENDED), None)


def _end_of(found: StoredSubscription) -> datetime | None:
    return found.cancel_at or (found.period_end if found.cancel_at_period_end else None)


def _price_read(price: FetchedPrice | None) -> PriceRead | None:
    if price is None or price.unit_amount is None:
        return None
    return PriceRead(amount=price.unit_amount, currency=price.currency)


def _offers(
    settings: Settings, tier: str, amounts: dict[str, FetchedPrice]
) -> Iterable[OfferRead]:
    for price in settings.stripe_prices:
        if price.is_hidden or _RANKS.index(price.plan) <= _RANKS.index(Tier(tier)):
            continue
        found = amounts.get(price.id)
        yield OfferRead(
            plan=price.plan,
            interval=price.interval,
            amount=found.unit_amount if found else None,
            currency=found.currency if found else None,
        )
