"""Where the vaults of a bearer stand."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from promptvault.server.database import Connection

_HEADS = """
SELECT v.id, v.head_seq, extract(epoch FROM t.expires_at - now())::float8
  FROM tokens t
  JOIN users u ON u.id = t.user_id AND u.deleted_at IS NULL
  JOIN accounts a ON a.id = u.account_id AND a.deleted_at IS NULL
  LEFT JOIN vault_members m ON m.user_id = t.user_id
  LEFT JOIN vaults v ON v.id = m.vault_id
 WHERE t.id = %s AND t.user_id = %s AND t.revoked_at IS NULL AND t.expires_at > now()
"""


class Heads(NamedTuple):
    """Where the vaults of somebody who listens are."""

    seqs: dict[UUID, int]
    """The newest number of each."""
    seconds_left: float
    """Until the token expires."""


class HeadRepository:
    """Reads within one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def heads(self, token_id: UUID, user_id: UUID) -> Heads | None:
        """Return where the vaults of a user are; None where the token has ended."""
        cursor = await self._connection.execute(_HEADS, (token_id, user_id))
        rows = await cursor.fetchall()
        if not rows:
            return None
        return Heads({vault: seq for vault, seq, _ in rows if vault}, rows[0][2])

    async def seqs(self, vaults: Sequence[UUID]) -> dict[UUID, int]:
        """Return the newest number of each of *vaults* that there is."""
        cursor = await self._connection.execute(
            "SELECT id, head_seq FROM vaults WHERE id = ANY(%s)", (vaults,)
        )
        return dict(await cursor.fetchall())
