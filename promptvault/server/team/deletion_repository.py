"""Deleted teams in the database."""

from datetime import datetime
from uuid import UUID

from psycopg.rows import class_row

from promptvault.server.database import Connection
from promptvault.server.sync.cost import ROW_BYTES
from promptvault.server.team.repository import Found

# Without members, the vault is gone in every query. Its prompts are not counted any
# more, as those in the trash are not; the bytes are, until it is erased.
_MARK = """
WITH members AS (
    DELETE FROM vault_members WHERE vault_id = %(vault)s
    RETURNING user_id, role, created_at, invited_by
), frozen AS (
    UPDATE vaults SET frozen_at = now(), frozen_why = 'deleted'
     WHERE id = %(vault)s RETURNING team_id, account_id
), freed AS (
    UPDATE accounts a SET prompt_count = prompt_count - (
           SELECT count(*) FROM items WHERE vault_id = %(vault)s AND NOT deleted)
      FROM frozen WHERE a.id = frozen.account_id
)
UPDATE teams SET deleted_at = now(),
       deleted_members = (SELECT jsonb_agg(to_jsonb(members)) FROM members)
  FROM frozen WHERE teams.id = frozen.team_id
"""

# A member who was erased in the meantime is left out.
_UNMARK = """
WITH thawed AS (
    UPDATE vaults SET frozen_at = NULL, frozen_why = NULL
     WHERE id = %(vault)s RETURNING id, team_id, account_id
), counted AS (
    UPDATE accounts a SET prompt_count = prompt_count + (
           SELECT count(*) FROM items WHERE vault_id = %(vault)s AND NOT deleted)
      FROM thawed WHERE a.id = thawed.account_id
), members AS (
    INSERT INTO vault_members (vault_id, user_id, role, created_at, invited_by)
    SELECT thawed.id, m.user_id, m.role, m.created_at, m.invited_by
      FROM thawed JOIN teams t ON t.id = thawed.team_id
     CROSS JOIN LATERAL jsonb_to_recordset(t.deleted_members) AS m (
           user_id uuid, role text, created_at timestamptz, invited_by uuid)
      JOIN users u ON u.id = m.user_id
)
UPDATE teams SET deleted_at = NULL, deleted_members = NULL
  FROM thawed WHERE teams.id = thawed.team_id
"""

_DUE = """
SELECT v.id AS vault_id, v.account_id FROM teams t JOIN vaults v ON v.team_id = t.id
 WHERE t.deleted_at <= %s ORDER BY t.deleted_at LIMIT 1
"""

_ERASE = f"""
WITH erased AS (
    DELETE FROM teams USING vaults v
     WHERE v.id = %(vault)s AND teams.id = v.team_id
       AND teams.deleted_at IS NOT NULL RETURNING v.account_id
)
UPDATE accounts a SET stored_bytes = stored_bytes - (
       SELECT coalesce(sum({ROW_BYTES} + size), 0) FROM (
              SELECT coalesce(octet_length(payload), 0) AS size FROM items
               WHERE vault_id = %(vault)s
              UNION ALL
              SELECT coalesce(octet_length(payload), 0) FROM sides
               WHERE vault_id = %(vault)s
              UNION ALL
              SELECT octet_length(payload) FROM versions WHERE vault_id = %(vault)s
              UNION ALL
              SELECT 0 FROM revisions WHERE vault_id = %(vault)s) AS stored)
  FROM erased WHERE a.id = erased.account_id
"""


class DeletionRepository:
    """Deletes, restores and erases teams, whose accounts are locked."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def mark(self, vault_id: UUID) -> None:
        """Delete the team of a vault."""
        await self._connection.execute(_MARK, {"vault": vault_id})

    async def unmark(self, vault_id: UUID) -> bool:
        """Restore the team of a vault; False if it is not deleted."""
        cursor = await self._connection.execute(
            "SELECT 1 FROM vaults WHERE id = %s AND frozen_why = 'deleted'", (vault_id,)
        )
        if await cursor.fetchone() is None:
            return False
        await self._connection.execute(_UNMARK, {"vault": vault_id})
        return True

    async def next_due(self, before: datetime) -> Found | None:
        """Return a team that was deleted before a time."""
        cursor = self._connection.cursor(row_factory=class_row(Found))
        await cursor.execute(_DUE, (before,))
        return await cursor.fetchone()

    async def erase(self, vault_id: UUID) -> None:
        """Erase the team of a vault if it is deleted, with all that is in the vault."""
        await self._connection.execute(_ERASE, {"vault": vault_id})
