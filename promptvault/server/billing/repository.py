"""Rows of customers, subscriptions and events of Stripe."""

from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from psycopg.rows import class_row, scalar_row
from psycopg.types.json import Jsonb

from promptvault.domain.entitlement import Entitlement
from promptvault.server.billing.stripe_client import FetchedSubscription
from promptvault.server.database import Connection
from promptvault.server.job.queue import Kind, enqueue

SOURCE = "stripe"

# Of a burst of events the first is looked at at once, and the others after a pause that
# grows up to half a minute. One waiting job for a customer is enough.
_ONCE = f"""
    ON CONFLICT ((payload->>'customer'))
 WHERE kind = '{Kind.RECONCILE}' AND attempts = 0 DO NOTHING
"""
_ENQUEUE = f"""
INSERT INTO jobs (kind, payload, run_at)
SELECT '{Kind.RECONCILE}', %(payload)s, greatest(now(), (
       SELECT reconciled_at + pause_seconds * interval '1 second'
         FROM billing_customers WHERE customer = %(customer)s))
{_ONCE}
"""

# The same, for an event that is new, or was stored and not handled.
_ADD_EVENT = f"""
WITH added AS (
     INSERT INTO external_events (source, external_id, kind, object_id)
     VALUES ('{SOURCE}', %(id)s, %(kind)s, %(customer)s)
         ON CONFLICT DO NOTHING RETURNING 1)
INSERT INTO jobs (kind, payload, run_at)
SELECT '{Kind.RECONCILE}', %(payload)s, greatest(now(), (
       SELECT reconciled_at + pause_seconds * interval '1 second'
         FROM billing_customers WHERE customer = %(customer)s))
 WHERE EXISTS (SELECT 1 FROM added) OR EXISTS (
       SELECT 1 FROM external_events
        WHERE source = '{SOURCE}' AND external_id = %(id)s AND handled_at IS NULL)
{_ONCE}
"""

_SUBSCRIPTION = """
id, status, price, interval, quantity, period_end, cancel_at, cancel_at_period_end,
trial_end, past_due_since, invoice_url
"""

_PUT = """
INSERT INTO subscriptions AS s (
       id, account_id, status, price, interval, quantity, period_end, cancel_at,
       cancel_at_period_end, trial_end, past_due_since, invoice_url, fetched_at)
VALUES (%(id)s, %(account)s, %(status)s, %(price)s, %(interval)s, %(quantity)s,
       %(period_end)s, %(cancel_at)s, %(cancel_at_period_end)s, %(trial_end)s,
       CASE WHEN %(status)s = 'past_due' THEN now() END, %(invoice_url)s, now())
    ON CONFLICT (id) DO UPDATE SET
       status = excluded.status, price = excluded.price, interval = excluded.interval,
       quantity = excluded.quantity, period_end = excluded.period_end,
       cancel_at = excluded.cancel_at, trial_end = excluded.trial_end,
       cancel_at_period_end = excluded.cancel_at_period_end,
       past_due_since = CASE WHEN excluded.status = 'past_due'
                             THEN coalesce(s.past_due_since, now()) END,
       warned_at = CASE WHEN excluded.status = 'past_due' THEN s.warned_at END,
       invoice_url = excluded.invoice_url, fetched_at = now()
RETURNING past_due_since = now()
"""


class Customer(NamedTuple):
    """An account that is a customer at Stripe."""

    account_id: UUID
    customer: str
    reconciled_at: datetime | None


class StoredSubscription(NamedTuple):
    """A subscription as it was fetched last."""

    id: str
    status: str
    price: str
    interval: str
    quantity: int
    period_end: datetime | None
    cancel_at: datetime | None
    cancel_at_period_end: bool
    trial_end: datetime | None
    past_due_since: datetime | None
    invoice_url: str | None


class Gift(NamedTuple):
    """What the operator gives an account, and the plan that it has."""

    plan: str
    granted_plan: str | None
    granted_until: datetime | None
    now: datetime


class PlanState(NamedTuple):
    """Why an account has its plan."""

    plan_why: str
    plan_until: datetime | None
    plan_notice: str | None
    plan_notice_at: datetime | None


class BillingRepository:
    """Reads and writes billing within one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def add_event(self, id: str, kind: str, customer: str) -> None:
        """Store an event, and enqueue a job as `reconcile_soon` if it is not handled.

        It is one statement, so it needs no transaction around it.
        """
        await self._enqueue(_ADD_EVENT, customer, id=id, kind=kind)

    async def missed(self, ids: list[str]) -> set[str]:
        """Return the events that were not stored, or not handled."""
        cursor = self._connection.cursor(row_factory=scalar_row)
        await cursor.execute(
            "SELECT external_id FROM external_events WHERE source = %s"
            " AND external_id = ANY(%s) AND handled_at IS NOT NULL",
            (SOURCE, ids),
        )
        return {*ids}.difference(await cursor.fetchall())

    async def reconcile_soon(self, customer: str) -> None:
        """Enqueue a job that looks at a customer, unless one is waiting."""
        await self._enqueue(_ENQUEUE, customer)

    async def _enqueue(self, query: str, customer: str, **more: str) -> None:
        payload = Jsonb({"customer": customer})
        values = {"customer": customer, "payload": payload, **more}
        cursor = await self._connection.execute(query, values)
        if cursor.rowcount:
            self._connection.has_new_jobs = True

    async def lock(self, customer: str) -> Customer | None:
        """Lock a customer, while Stripe is asked about it."""
        return await self._customer(
            "SELECT account_id, customer, reconciled_at FROM billing_customers"
            " WHERE customer = %s FOR UPDATE",
            customer,
        )

    async def lock_account(self, account_id: UUID) -> Customer | None:
        """Lock the customer of an account."""
        return await self._customer(
            "SELECT account_id, customer, reconciled_at FROM billing_customers"
            " WHERE account_id = %s FOR UPDATE",
            account_id,
        )

    async def find(self, account_id: UUID) -> Customer | None:
        """Return the customer of an account."""
        return await self._customer(
            "SELECT account_id, customer, reconciled_at FROM billing_customers"
            " WHERE account_id = %s",
            account_id,
        )

    async def link(self, account_id: UUID, customer: str) -> bool:
        """Make a customer that of an account, and lock it.

        Returns False if the account is not there, or if one of the two has another.
        """
        cursor = await self._connection.execute(
            """
            INSERT INTO billing_customers (account_id, customer)
            SELECT id, %s FROM accounts WHERE id = %s ON CONFLICT DO NOTHING
            """,
            (customer, account_id),
        )
        return cursor.rowcount == 1

    async def forget(self, account_id: UUID) -> None:
        """Forget the customer of an account, and the subscriptions."""
        await self._connection.execute(
            "DELETE FROM billing_customers WHERE account_id = %s", (account_id,)
        )
        await self._connection.execute(
            "DELETE FROM subscriptions WHERE account_id = %s", (account_id,)
        )

    async def replace(
        self, account_id: UUID, subscriptions: list[FetchedSubscription]
    ) -> list[str]:
        """Store what was fetched; return subscriptions that are newly past due."""
        failed = []
        for each in subscriptions:
            price = each.items.data[0].price
            values = {
                "id": each.id,
                "account": account_id,
                "status": each.status,
                "price": price.id,
                "interval": price.recurring.interval if price.recurring else "",
                "quantity": each.items.data[0].quantity,
                "period_end": each.period_end,
                "cancel_at": each.cancel_at,
                "cancel_at_period_end": each.cancel_at_period_end,
                "trial_end": each.trial_end,
                "invoice_url": each.invoice_url,
            }
            cursor = self._connection.cursor(row_factory=scalar_row)
            await cursor.execute(_PUT, values)
            if await cursor.fetchone():
                failed.append(each.id)
        await self._connection.execute(
            "DELETE FROM subscriptions WHERE account_id = %s AND id <> ALL(%s)",
            (account_id, [each.id for each in subscriptions]),
        )
        return failed

    async def mark_reconciled(self, customer: str, before: datetime) -> None:
        """Note that all events that were stored *before* are handled."""
        await self._connection.execute(
            f"""
            UPDATE external_events SET handled_at = now()
             WHERE source = '{SOURCE}' AND object_id = %s AND handled_at IS NULL
               AND created_at < %s
            """,
            (customer, before),
        )
        await self._connection.execute(
            """
            UPDATE billing_customers SET reconciled_at = clock_timestamp(),
                   pause_seconds = CASE
                   WHEN reconciled_at > now() - interval '1 minute'
                   THEN least(greatest(2 * pause_seconds, 1), 30) ELSE 1 END
             WHERE customer = %s
            """,
            (customer,),
        )

    async def subscriptions(self, account_id: UUID) -> list[StoredSubscription]:
        """Return the subscriptions of an account."""
        cursor = self._connection.cursor(row_factory=class_row(StoredSubscription))
        await cursor.execute(
            f"SELECT {_SUBSCRIPTION} FROM subscriptions WHERE account_id = %s"
            " ORDER BY id",
            (account_id,),
        )
        return await cursor.fetchall()

    async def gift(self, account_id: UUID) -> Gift | None:
        """Return what the operator gives an account; None if it is not there."""
        cursor = self._connection.cursor(row_factory=class_row(Gift))
        await cursor.execute(
            "SELECT plan, granted_plan, granted_until, clock_timestamp() AS now"
            " FROM accounts WHERE id = %s",
            (account_id,),
        )
        return await cursor.fetchone()

    async def is_deleted(self, account_id: UUID) -> bool:
        """Return True if an account is deleted, and can still be restored."""
        cursor = await self._connection.execute(
            "SELECT 1 FROM accounts WHERE id = %s AND deleted_at IS NOT NULL",
            (account_id,),
        )
        return await cursor.fetchone() is not None

    async def plan_state(self, account_id: UUID) -> PlanState:
        """Return why an account has its plan."""
        cursor = self._connection.cursor(row_factory=class_row(PlanState))
        await cursor.execute(
            "SELECT plan_why, plan_until, plan_notice, plan_notice_at"
            " FROM accounts WHERE id = %s",
            (account_id,),
        )
        found = await cursor.fetchone()
        assert found is not None
        return found

    async def set_gift(
        self, account_id: UUID, plan: str | None, until: datetime | None
    ) -> None:
        """Set what the operator gives an account."""
        await self._connection.execute(
            "UPDATE accounts SET granted_plan = %s, granted_until = %s WHERE id = %s",
            (plan, until, account_id),
        )

    async def set_plan(self, account_id: UUID, found: Entitlement) -> None:
        """Set the plan of an account, and its limits."""
        await self._connection.execute(
            """
            UPDATE accounts SET plan = %s, prompt_limit = %s, member_limit = %s,
                   plan_why = %s, plan_until = %s, plan_notice = %s,
                   plan_notice_at = %s
             WHERE id = %s
            """,
            (
                *(found.plan, found.allowance.prompts, found.allowance.members),
                *(found.why, found.until, found.notice, found.notice_at, account_id),
            ),
        )

    async def ended_plans(self, most: int) -> list[UUID]:
        """Return accounts whose plan has ended by its time."""
        cursor = self._connection.cursor(row_factory=scalar_row)
        await cursor.execute(
            "SELECT id FROM accounts WHERE plan_until <= now()"
            " ORDER BY plan_until LIMIT %s",
            (most,),
        )
        return await cursor.fetchall()

    async def customers(self) -> list[str]:
        """Return all customers."""
        cursor = self._connection.cursor(row_factory=scalar_row)
        await cursor.execute("SELECT customer FROM billing_customers ORDER BY customer")
        return await cursor.fetchall()

    async def not_seen_for(self, age: timedelta, most: int) -> list[str]:
        """Return customers that were fetched longest ago, if before *age*."""
        cursor = self._connection.cursor(row_factory=scalar_row)
        await cursor.execute(
            """
            SELECT customer FROM billing_customers
             WHERE reconciled_at IS NULL OR reconciled_at < now() - %s::interval
             ORDER BY reconciled_at NULLS FIRST LIMIT %s
            """,
            (age, most),
        )
        return await cursor.fetchall()

    async def to_warn(self, grace: timedelta, days: int) -> list[str]:
        """Return subscriptions whose grace ends within *days*, and mark them."""
        cursor = self._connection.cursor(row_factory=scalar_row)
        await cursor.execute(
            """
            UPDATE subscriptions SET warned_at = now()
             WHERE past_due_since IS NOT NULL AND warned_at IS NULL
               AND past_due_since + %(grace)s::interval
                   <= now() + %(days)s * interval '1 day'
               AND past_due_since + %(grace)s::interval > now()
            RETURNING id
            """,
            {"grace": grace, "days": days},
        )
        return await cursor.fetchall()

    async def _customer(self, query: str, value: object) -> Customer | None:
        cursor = self._connection.cursor(row_factory=class_row(Customer))
        await cursor.execute(query, (value,))
        return await cursor.fetchone()


async def end_subscriptions(connection: Connection, customer: str) -> None:
    """Enqueue a job that ends what the customer of a deleted account pays for.

    One that waits is enough.
    """
    cursor = await connection.execute(
        "SELECT 1 FROM jobs WHERE kind = %s AND payload->>'customer' = %s"
        " AND dead_at IS NULL",
        (Kind.CANCEL_SUBSCRIPTIONS, customer),
    )
    if await cursor.fetchone() is None:
        await enqueue(connection, Kind.CANCEL_SUBSCRIPTIONS, customer=customer)
