"""Shares as the operator sees and ends them."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from psycopg.rows import class_row

from promptvault.server.database import Connection


@dataclass(frozen=True, slots=True)
class OperatorShare:
    """A share without its text and title: the operator opens the link to see them."""

    id: UUID
    token: str
    email: str
    """Of the user who has made it; empty if the user is erased."""
    views: int
    created_at: datetime
    expires_at: datetime | None
    is_paused: bool


_LIVE = """
SELECT s.id, s.token, coalesce(u.email, '') AS email, s.views, s.created_at,
       s.expires_at, s.paused_at IS NOT NULL AS is_paused
  FROM shares s LEFT JOIN users u ON u.id = s.created_by
 WHERE s.revoked_at IS NULL AND (s.expires_at IS NULL OR s.expires_at > now())
   AND (s.max_views IS NULL OR s.views < s.max_views)
   AND (%(email)s::text IS NULL OR lower(u.email) = lower(%(email)s))
 ORDER BY s.created_at DESC, s.id
"""


class ShareList:
    """Reads and changes the shares of all users within one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def live(self, email: str | None) -> list[OperatorShare]:
        """Return the shares that have not ended, the newest first.

        With *email*, only those of that user.
        """
        cursor = self._connection.cursor(row_factory=class_row(OperatorShare))
        await cursor.execute(_LIVE, {"email": email})
        return await cursor.fetchall()

    async def revoke(self, share_id: UUID) -> bool:
        """End a share; return False if there is none that has not ended."""
        cursor = await self._connection.execute(
            "UPDATE shares SET revoked_at = now() WHERE id = %s AND revoked_at IS NULL",
            (share_id,),
        )
        return cursor.rowcount == 1

    async def block(self, user_id: UUID) -> int:
        """Let a user make no shares, end those there are, and return their number."""
        await self._connection.execute(
            "UPDATE users SET shares_blocked_at = now() WHERE id = %s", (user_id,)
        )
        cursor = await self._connection.execute(
            "UPDATE shares SET revoked_at = now()"
            " WHERE created_by = %s AND revoked_at IS NULL",
            (user_id,),
        )
        return cursor.rowcount

    async def unblock(self, user_id: UUID) -> None:
        """Let a user make shares again; those that were ended stay so."""
        await self._connection.execute(
            "UPDATE users SET shares_blocked_at = NULL WHERE id = %s", (user_id,)
        )
