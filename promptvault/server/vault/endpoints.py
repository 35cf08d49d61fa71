"""Vaults over HTTP."""

from uuid import UUID

from fastapi import APIRouter
from psycopg.rows import dict_row

from promptvault.server.database import Connection
from promptvault.server.dependencies import Transaction
from promptvault.server.guard import Authenticated
from promptvault.wire.vault import VaultRead, VaultsRead

router = APIRouter(tags=["vault"])


@router.get("/vaults")
async def list_vaults(connection: Transaction, bearer: Authenticated) -> VaultsRead:
    """Return the user's vaults, and the number of this roster.

    The number was read with the token, before the vaults: it may be too old for them,
    and never too new.
    """
    vaults = await _read_vaults(connection, bearer.user_id, bearer.account_id)
    return VaultsRead(roster=bearer.roster, items=vaults)


_VAULTS = """
SELECT v.id, CASE WHEN v.team_id IS NULL THEN 'personal' ELSE 'team' END AS kind,
       coalesce(t.name, v.name) AS name, t.slug, mine.role, v.team_id AS team,
       v.frozen_why AS frozen, t.on_leave,
       ARRAY(SELECT label FROM label_rules r
              WHERE r.vault_id = v.id ORDER BY label) AS protected,
       (SELECT count(*) FROM vault_members m WHERE m.vault_id = v.id) AS members
  FROM vault_members mine
  JOIN vaults v ON v.id = mine.vault_id
  LEFT JOIN teams t ON t.id = v.team_id
 WHERE mine.user_id = %s AND v.frozen_why IS DISTINCT FROM 'deleted'
 ORDER BY v.team_id IS NOT NULL, v.account_id <> %s, v.created_at, v.id
"""


async def _read_vaults(
    connection: Connection, user_id: UUID, account_id: UUID
) -> list[VaultRead]:
    """Return the vaults of a user, in the order of `AccountRepository.vaults`."""
    cursor = connection.cursor(row_factory=dict_row)
    await cursor.execute(_VAULTS, (user_id, account_id))
    return [VaultRead(**row) for row in await cursor.fetchall()]
