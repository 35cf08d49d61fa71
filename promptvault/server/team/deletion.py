"""Deleted teams: restored by the operator, or erased after the grace period."""

from datetime import datetime, timedelta

from promptvault.errors import ConflictError, NotFoundError
from promptvault.server.activity.actor import OPERATOR
from promptvault.server.activity.repository import Action
from promptvault.server.database import Connection
from promptvault.server.lock_order import lock_account
from promptvault.server.team.change import changing_account
from promptvault.server.team.deletion_repository import DeletionRepository
from promptvault.server.team.repository import TeamRepository


async def restore_team(connection: Connection, slug: str) -> None:
    """Undo the deletion of a team.

    It is frozen if it has more members than its account may have. Raises NotFoundError,
    ConflictError if it is not deleted.
    """
    found = await TeamRepository(connection).find_any(slug)
    if found is None:
        raise NotFoundError("There is no team with this short name.")
    async with changing_account(connection, OPERATOR, found.account_id) as change:
        if not await DeletionRepository(connection).unmark(found.vault_id):
            raise ConflictError("The team is not deleted.")
        change.vaults.add(found.vault_id)
        await change.record(Action.TEAM_RESTORED, slug, vault_id=found.vault_id)


async def erase_due(connection: Connection, now: datetime, grace: timedelta) -> int:
    """Erase all teams whose grace period has ended, and return their number.

    Commits after each team.
    """
    teams, count = DeletionRepository(connection), 0
    while found := await teams.next_due(now - grace):
        await lock_account(connection, found.account_id)
        await teams.erase(found.vault_id)
        await connection.commit()
        count += 1
    await connection.commit()
    return count
