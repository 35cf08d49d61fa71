"""Where the vaults of a bearer stand."""

from uuid import UUID

from promptvault.server.database import Connection

_HEADS = """
SELECT v.id, v.head_seq
  FROM tokens t
  JOIN users u ON u.id = t.user_id AND u.deleted_at IS NULL
  JOIN accounts a ON a.id = u.account_id AND a.deleted_at IS NULL
  LEFT JOIN vault_members m ON m.user_id = t.user_id
  LEFT JOIN vaults v ON v.id = m.vault_id
 WHERE t.id = %s AND t.user_id = %s AND t.revoked_at IS NULL AND t.expires_at > now()
"""


class HeadRepository:
    """Reads within one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def heads(self, token_id: UUID, user_id: UUID) -> dict[UUID, int] | None:
        """Return the newest number of each vault; None where the token has ended."""
        cursor = await self._connection.execute(_HEADS, (token_id, user_id))
        rows = await cursor.fetchall()
        return {vault: seq for vault, seq in rows if vault} if rows else None
