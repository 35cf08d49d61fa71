"""Looking at customers again: what Stripe says now decides, whatever was sent."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import structlog

from promptvault.domain.entitlement import Notice
from promptvault.errors import NotFoundError
from promptvault.server.activity.actor import Actor
from promptvault.server.billing.plan import settle_plan
from promptvault.server.billing.repository import (
    BillingRepository,
    Customer,
    end_subscriptions,
)
from promptvault.server.billing.stripe_client import (
    ENDED,
    FetchedSubscription,
    Stripe,
    connected,
)
from promptvault.server.database import Connection
from promptvault.server.job.queue import Kind, enqueue
from promptvault.server.job.work import Work
from promptvault.server.settings import Settings

STRIPE = Actor(None, None, "billing")
_OLD = timedelta(hours=20)
_MOST = 200
"""Customers, or accounts, that one periodic job looks at."""
_EVENT_DAYS = 30
_WARNING_DAYS = 3
_log = structlog.get_logger("promptvault.server")


async def reconcile(work: Work) -> None:
    """Fetch the subscriptions of a customer, and settle the plan of the account.

    The customer is locked while Stripe answers, so that an older answer cannot
    overwrite a newer one. The account is locked after that.
    """
    async with connected(work.settings) as stripe:
        customer = work.ids["customer"]
        await look_at(work.connection, work.settings, stripe, customer)


async def look_at(
    connection: Connection, settings: Settings, stripe: Stripe, id: str
) -> None:
    """Fetch the subscriptions of a customer and settle the plan, as `reconcile`."""
    billing = BillingRepository(connection)
    found = await billing.lock(id)
    cursor = await connection.execute("SELECT clock_timestamp()")
    ((started,),) = await cursor.fetchall()
    found = found or await _adopt(billing, stripe, id)
    if found is None:  # one that buys something else, or was deleted
        await billing.mark_reconciled(id, started)
        return
    try:
        await stripe.customer(id)
        subscriptions = await stripe.subscriptions(id)
    except NotFoundError:
        await billing.forget(found.account_id)
        subscriptions = []
    failed = await billing.replace(found.account_id, subscriptions)
    await _end_of_deleted(connection, found, subscriptions)
    await billing.mark_reconciled(id, started)
    await _settle(connection, settings, found, subscriptions, failed)


async def _end_of_deleted(
    connection: Connection,
    found: Customer,
    subscriptions: Sequence[FetchedSubscription],
) -> None:
    """End what was bought on a page that was open when the account was deleted."""
    pays = any(each.status not in ENDED for each in subscriptions)
    if pays and await BillingRepository(connection).is_deleted(found.account_id):
        await end_subscriptions(connection, found.customer)


async def _settle(
    connection: Connection,
    settings: Settings,
    customer: Customer,
    subscriptions: Sequence[FetchedSubscription],
    failed: Sequence[str],
) -> None:
    entitled = await settle_plan(connection, settings, customer.account_id, STRIPE)
    if entitled and entitled.notice in {Notice.UNKNOWN_PRICE, Notice.TWO}:
        account = str(customer.account_id)
        _log.error("billing", reason=entitled.notice, account=account)
    if settings.smtp_host:
        for id in failed:
            await enqueue(connection, Kind.MAIL_PAYMENT_FAILED, subscription=id)


async def _adopt(
    billing: BillingRepository, stripe: Stripe, id: str
) -> Customer | None:
    """Return a customer that was not known, by the account that it names at Stripe.

    Returns None if it names none, or one that has another customer.
    """
    try:
        account_id = UUID((await stripe.customer(id)).metadata["account_id"])
    except (NotFoundError, KeyError, ValueError):
        return None
    await billing.link(account_id, id)
    found = await billing.lock(id)
    if found is None:
        reason = "a customer whose account is not there, or has another one"
        _log.error("billing", reason=reason, customer=id)
    return found


async def cancel_subscriptions(work: Work) -> None:
    """End what a customer pays for, unless the account is there again."""
    id = work.ids["customer"]
    billing = BillingRepository(work.connection)
    found = await billing.lock(id)
    if found and not await billing.is_deleted(found.account_id):
        return
    async with connected(work.settings) as stripe:
        try:
            await stripe.end_checkouts(id)
            for each in await stripe.subscriptions(id):
                if each.status not in ENDED:
                    await stripe.cancel(each.id)
        except NotFoundError:  # the customer is deleted at Stripe
            pass
        if found:
            await look_at(work.connection, work.settings, stripe, id)


async def reconcile_all(work: Work) -> None:
    """Look at customers that were not looked at for long, and at missed events.

    A job for each of them does the work. Events of the last month are listed, in case
    webhooks were lost for longer than Stripe repeats them.
    """
    billing = BillingRepository(work.connection)
    for customer in await billing.not_seen_for(_OLD, _MOST):
        await billing.reconcile_soon(customer)
    async with connected(work.settings) as stripe:
        async for page in stripe.events(_EVENT_DAYS):
            missed = await billing.missed([event.id for event in page])
            for customer in {each.customer for each in page if each.id in missed}:
                await billing.reconcile_soon(customer)


async def sweep_plans(work: Work) -> None:
    """Settle the plans that have ended, and warn where a grace period is about to."""
    billing = BillingRepository(work.connection)
    for account_id in await billing.ended_plans(_MOST):
        async with work.database.transaction() as connection:
            await settle_plan(connection, work.settings, account_id, STRIPE)
    grace = work.settings.billing_grace
    for id in await billing.to_warn(grace, _WARNING_DAYS):
        if work.settings.smtp_host:
            await enqueue(work.connection, Kind.MAIL_GRACE_ENDS, subscription=id)
