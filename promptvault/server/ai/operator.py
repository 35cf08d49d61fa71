"""The use of the server's model, as the operator sees and stops it."""

from dataclasses import dataclass
from uuid import UUID

from psycopg.rows import class_row, scalar_row

from promptvault.server.ai.repository import MONTH
from promptvault.server.database import Connection


@dataclass(frozen=True, slots=True)
class AccountUse:
    """What an account has used this month, in micro-USD."""

    email: str
    """Of its first user."""
    plan: str
    requests: int
    optimizations: int
    spent: int
    reserved: int
    is_blocked: bool


_USE = f"""
SELECT (SELECT email FROM users u WHERE u.account_id = a.id
         ORDER BY u.deleted_at NULLS FIRST, u.created_at LIMIT 1) AS email,
       a.plan, coalesce(m.spent, 0) AS spent, coalesce(m.reserved, 0) AS reserved,
       a.ai_blocked_at IS NOT NULL AS is_blocked,
       (SELECT count(*) FROM ai_requests r
         WHERE r.account_id = a.id AND r.month = {MONTH} AND r.state = 'settled')
           AS requests,
       (SELECT count(DISTINCT operation) FROM ai_requests r
         WHERE r.account_id = a.id AND r.month = {MONTH} AND r.state = 'settled'
           AND r.task = 'optimize') AS optimizations
  FROM accounts a LEFT JOIN ai_months m ON m.account_id = a.id AND m.month = {MONTH}
 WHERE CASE WHEN %(account)s::uuid IS NULL
       THEN m.month IS NOT NULL OR a.ai_blocked_at IS NOT NULL
       ELSE a.id = %(account)s END
 ORDER BY coalesce(m.spent, 0) DESC, a.id
"""


class AiUseList:
    """Reads and changes the use of all accounts within one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def all(self, account_id: UUID | None) -> list[AccountUse]:
        """Return what accounts have used this month, or one; the largest first."""
        cursor = self._connection.cursor(row_factory=class_row(AccountUse))
        await cursor.execute(_USE, {"account": account_id})
        return await cursor.fetchall()

    async def spent(self) -> int:
        """Return what all accounts have used this month, erased ones included."""
        cursor = self._connection.cursor(row_factory=scalar_row)
        await cursor.execute(
            f"SELECT spent FROM ai_instance_months WHERE month = {MONTH}"
        )
        spent: int | None = await cursor.fetchone()
        return spent or 0

    async def block(self, account_id: UUID) -> None:
        """Refuse an account from its next request on."""
        await self._connection.execute(
            "UPDATE accounts SET ai_blocked_at = coalesce(ai_blocked_at, now())"
            " WHERE id = %s",
            (account_id,),
        )

    async def unblock(self, account_id: UUID) -> None:
        """Undo `block`."""
        await self._connection.execute(
            "UPDATE accounts SET ai_blocked_at = NULL WHERE id = %s", (account_id,)
        )
