"""Money reserved and settled, by account and month, and for the whole instance.

The caps hold in the database: a row of a month is changed only if what is spent and
reserved stays within its cap. So they hold for all processes together, at any moment.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from psycopg.rows import class_row, scalar_row

from promptvault.domain.hosted import Task
from promptvault.server.database import Connection
from promptvault.server.limit.repository import take_from_known
from promptvault.server.limit.rule import Limit

AT_ONCE = 4
"""Requests of one account that are answered at the same time."""
OVERDUE = "10 minutes"
"""After so long, what is still reserved counts as spent: its process was killed."""

# Whole months in UTC, as the caps are.
MONTH = "date_trunc('month', now() AT TIME ZONE 'UTC')::date"
_NEXT_MONTH = """
(date_trunc('month', now() AT TIME ZONE 'UTC') + interval '1 month') AT TIME ZONE 'UTC'
"""

_ADMIT = f"""
WITH customer AS (
    SELECT plan, plan_why = 'gift' AS is_gift, ai_blocked_at IS NOT NULL AS is_blocked,
           extract(epoch FROM now() - created_at)::float8 AS age
      FROM accounts WHERE id = %(account)s
), taken AS (
    INSERT INTO rate_limits AS r (key, tokens, updated_at)
    SELECT %(key)s, %(burst)s - 1, statement_timestamp()
      FROM customer WHERE plan <> 'free'
    {take_from_known()}
)
SELECT customer.*, taken.tokens FROM customer LEFT JOIN taken ON true
"""

# In the order of `server.lock_order`. A part that a cap refuses returns no row; then
# the transaction is rolled back.
_RESERVE = f"""
WITH request AS (
    INSERT INTO ai_requests (account_id, user_id, operation, task, month, reserved)
    SELECT id, %(user)s, %(operation)s, %(task)s, {MONTH}, %(amount)s
      FROM accounts
     WHERE id = %(account)s AND plan = %(plan)s AND deleted_at IS NULL FOR KEY SHARE
    RETURNING id, month
), of_account AS (
    INSERT INTO ai_months AS m (account_id, month, reserved, open)
    SELECT %(account)s, month, %(amount)s, 1 FROM request
     WHERE %(amount)s <= %(cap)s
    ON CONFLICT (account_id, month) DO UPDATE
       SET reserved = m.reserved + excluded.reserved, open = m.open + 1
     WHERE m.spent + m.reserved + excluded.reserved <= %(cap)s AND m.open < {AT_ONCE}
    RETURNING month
), of_instance AS (
    INSERT INTO ai_instance_months AS i (month, reserved)
    SELECT month, %(amount)s FROM of_account WHERE %(amount)s <= %(instance_cap)s
    ON CONFLICT (month) DO UPDATE SET reserved = i.reserved + excluded.reserved
     WHERE i.spent + i.reserved + excluded.reserved <= %(instance_cap)s
    RETURNING month
)
SELECT (SELECT id FROM request) AS id,
       EXISTS (SELECT FROM of_account) AS has_account,
       EXISTS (SELECT FROM of_instance) AS has_instance
"""

_ROOM = f"""
SELECT coalesce((SELECT spent FROM ai_months
                  WHERE account_id = %(account)s AND month = {MONTH}), 0) AS spent,
       coalesce((SELECT open FROM ai_months
                  WHERE account_id = %(account)s AND month = {MONTH}), 0) AS open,
       coalesce((SELECT spent FROM ai_instance_months WHERE month = {MONTH}), 0)
           AS instance_spent,
       extract(epoch FROM {_NEXT_MONTH} - now())::float8 AS seconds_left
"""


# One request, or all of an account without users. There are few open ones, and they
# have an index of their own.
_SETTLE = """
WITH request AS (
    UPDATE ai_requests
       SET state = %(state)s, cost = least(coalesce(%(cost)s, reserved), reserved),
           model = %(model)s, settled_at = now(),
           tokens_in = %(tokens_in)s, tokens_out = %(tokens_out)s
     WHERE account_id = %(account)s AND state = 'open'
       AND CASE WHEN %(id)s::uuid IS NOT NULL THEN id = %(id)s
           ELSE NOT EXISTS (SELECT FROM users u WHERE u.account_id = %(account)s) END
    RETURNING month, reserved, cost
), total AS (
    SELECT month, sum(reserved)::bigint AS reserved, sum(cost)::bigint AS cost,
           count(*)::integer AS requests
      FROM request GROUP BY month
), of_account AS (
    UPDATE ai_months m
       SET reserved = m.reserved - t.reserved, spent = m.spent + t.cost,
           open = m.open - t.requests
      FROM total t WHERE m.account_id = %(account)s AND m.month = t.month
    RETURNING m.month
), of_instance AS (
    UPDATE ai_instance_months i
       SET reserved = i.reserved - t.reserved, spent = i.spent + t.cost
      FROM total t, of_account a WHERE i.month = t.month AND a.month = t.month
)
SELECT count(*) FROM request
"""

_BY_TASK = f"""
SELECT task, count(*) AS requests, sum(cost)::bigint AS spent,
       count(DISTINCT operation) AS operations
  FROM ai_requests
 WHERE account_id = %(account)s AND month = {MONTH} AND state = 'settled'
 GROUP BY task ORDER BY task
"""


class Customer(NamedTuple):
    """What decides whether an account may use the model."""

    plan: str
    is_gift: bool
    """Whether the operator has given the plan."""
    is_blocked: bool
    age: float
    """Seconds since it was made."""
    requests_left: float | None
    """In the bucket of its requests; None on the free plan, which has none."""


class Wish(NamedTuple):
    """A request to reserve money for."""

    account_id: UUID
    user_id: UUID
    operation: UUID
    task: Task
    plan: str
    """The plan by which *cap* was found; it must still be the account's."""
    cap: int
    instance_cap: int
    amount: int
    """The most that it can cost, in micro-USD."""


class Reserved(NamedTuple):
    """The result of an attempt to reserve: it holds if all three are there."""

    id: UUID | None
    """Of the request; None if the plan of the account has changed."""
    has_account: bool
    has_instance: bool


@dataclass(frozen=True, slots=True)
class Room:
    """Why nothing could be reserved."""

    spent: int
    open: int
    instance_spent: int
    seconds_left: float
    """Until the next month."""


class Settlement(NamedTuple):
    """How a request has ended."""

    state: str
    """``settled``, or ``failed`` if it has cost nothing."""
    cost: int | None
    """In micro-USD; None is what was reserved, and no more than that is counted."""
    model: str | None = None
    tokens_in: int | None = None
    tokens_out: int | None = None


UNKNOWN = Settlement("settled", None)
"""The end of a request of which no one knows what it has cost."""
FREE = Settlement("failed", 0)
"""The end of a request that the model has not begun to answer."""


@dataclass(frozen=True, slots=True)
class TaskUse:
    """What an account has used for one task this month."""

    task: str
    requests: int
    spent: int
    operations: int


class Month(NamedTuple):
    """The present month of an account."""

    name: str
    spent: int
    resets_at: datetime


class AiRepository:
    """Reads and writes the use of the model within one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def admit(self, account_id: UUID, limit: Limit) -> Customer:
        """Count a request of an account, and return what decides whether it may ask.

        One statement does both, and commits by itself.
        """
        values = {
            "account": account_id,
            "key": f"ai:{account_id}",
            "burst": limit.burst,
            "per_second": limit.per_second,
        }
        cursor = await self._connection.execute(_ADMIT, values)
        (row,) = await cursor.fetchall()
        return Customer(*row)

    async def reserve(self, wish: Wish) -> Reserved:
        """Reserve money; the caller rolls back unless all parts are there."""
        values = {
            "account": wish.account_id,
            "user": wish.user_id,
            "operation": wish.operation,
            "task": wish.task,
            "plan": wish.plan,
            "cap": wish.cap,
            "instance_cap": wish.instance_cap,
            "amount": wish.amount,
        }
        cursor = await self._connection.execute(_RESERVE, values)
        (row,) = await cursor.fetchall()
        return Reserved(*row)

    async def room(self, account_id: UUID) -> Room:
        """Return what is used up, to say why nothing can be reserved."""
        cursor = self._connection.cursor(row_factory=class_row(Room))
        await cursor.execute(_ROOM, {"account": account_id})
        (room,) = await cursor.fetchall()
        return room

    async def settle(self, account_id: UUID, id: UUID, end: Settlement) -> bool:
        """Settle a request; return False if it was settled before."""
        return await self._settle(account_id, id, end) > 0

    async def settle_without_users(self, account_id: UUID) -> None:
        """Settle all open requests of an account that is about to be erased.

        The account is locked, so that there is no new one. Otherwise the money would
        stay reserved in the month of the instance.
        """
        await self._connection.execute(
            "SELECT FROM accounts WHERE id = %s FOR UPDATE", (account_id,)
        )
        await self._settle(account_id, None, UNKNOWN)

    async def _settle(self, account_id: UUID, id: UUID | None, end: Settlement) -> int:
        cursor = self._connection.cursor(row_factory=scalar_row)
        await cursor.execute(
            _SETTLE, {**end._asdict(), "account": account_id, "id": id}
        )
        (count,) = await cursor.fetchall()
        return int(count)

    async def overdue(self, most: int) -> list[tuple[UUID, UUID]]:
        """Return open requests whose process was killed: account and id."""
        cursor = await self._connection.execute(
            f"""
            SELECT account_id, id FROM ai_requests
             WHERE state = 'open' AND created_at < now() - interval '{OVERDUE}'
             ORDER BY created_at LIMIT %s
            """,
            (most,),
        )
        return await cursor.fetchall()

    async def month(self, account_id: UUID) -> Month:
        """Return the present month of an account."""
        cursor = await self._connection.execute(
            f"""
            SELECT to_char({MONTH}, 'YYYY-MM'), coalesce((
                   SELECT spent FROM ai_months
                    WHERE account_id = %(account)s AND month = {MONTH}), 0),
                   {_NEXT_MONTH}
            """,
            {"account": account_id},
        )
        (row,) = await cursor.fetchall()
        return Month(*row)

    async def by_task(self, account_id: UUID) -> list[TaskUse]:
        """Return what an account has used this month, by task."""
        cursor = self._connection.cursor(row_factory=class_row(TaskUse))
        await cursor.execute(_BY_TASK, {"account": account_id})
        return await cursor.fetchall()

    async def forget_user(self, account_id: UUID, user_id: UUID) -> None:
        """Remove the id of a user who is erased from the requests of the account."""
        await self._connection.execute(
            "UPDATE ai_requests SET user_id = NULL"
            " WHERE account_id = %s AND user_id = %s",
            (account_id, user_id),
        )
