"""Seats: the people that the plan of an account allows, counted under its lock."""

from typing import NamedTuple
from uuid import UUID

from psycopg.rows import class_row

from promptvault.domain.team import Frozen
from promptvault.server.activity.actor import Actor
from promptvault.server.activity.repository import Action, ActivityRepository
from promptvault.server.database import Connection

# Each person is counted once: users of the account, and members of its vaults.
_RECOUNT = """
UPDATE accounts SET member_count = (
       SELECT count(*) FROM (
              SELECT id FROM users WHERE account_id = %(account)s
              UNION
              SELECT m.user_id FROM vault_members m JOIN vaults v ON v.id = m.vault_id
               WHERE v.account_id = %(account)s) AS people)
 WHERE id = %(account)s
RETURNING member_count > member_limit
"""

# If there are too many, all stay. A vault that is frozen for another reason stays so.
_FREEZE = f"""
UPDATE vaults SET frozen_why = CASE WHEN %(over)s THEN '{Frozen.PLAN}' END,
                  frozen_at = CASE WHEN %(over)s THEN now() END
 WHERE account_id = %(account)s AND team_id IS NOT NULL
   AND CASE WHEN %(over)s THEN frozen_why IS NULL ELSE frozen_why = '{Frozen.PLAN}' END
RETURNING id AS vault_id, name
"""


class Settled(NamedTuple):
    """Vaults that were frozen, or whose freezing has ended."""

    is_frozen: bool
    vaults: set[UUID]


class _TeamVault(NamedTuple):
    """The vault of a team, and its name."""

    vault_id: UUID
    name: str


async def settle_seats(
    connection: Connection, actor: Actor, account_id: UUID
) -> Settled:
    """Count the people of an account, and freeze or thaw the vaults of its teams.

    Call it while the vaults and the account are locked. The activity log names *actor*.
    """
    counted = await connection.execute(_RECOUNT, {"account": account_id})
    rows = await counted.fetchall()
    is_over = bool(rows and rows[0][0])
    cursor = connection.cursor(row_factory=class_row(_TeamVault))
    await cursor.execute(_FREEZE, {"account": account_id, "over": is_over})
    changed = await cursor.fetchall()
    action = Action.TEAM_FROZEN if is_over else Action.TEAM_THAWED
    log = ActivityRepository(connection)
    for vault_id, name in changed:
        await log.add(
            actor, action, account_id=account_id, vault_id=vault_id, subject=name
        )
    return Settled(is_over, {vault.vault_id for vault in changed})


async def is_counted(connection: Connection, account_id: UUID, user_id: UUID) -> bool:
    """Return True if a user has a seat in an account."""
    cursor = await connection.execute(
        """
        SELECT 1 FROM users WHERE id = %(user)s AND account_id = %(account)s
        UNION ALL
        SELECT 1 FROM vault_members m JOIN vaults v ON v.id = m.vault_id
         WHERE m.user_id = %(user)s AND v.account_id = %(account)s
        """,
        {"user": user_id, "account": account_id},
    )
    return await cursor.fetchone() is not None
