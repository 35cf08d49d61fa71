"""Sessions in the database, found by the hash of what lies in the cookie."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from psycopg.rows import class_row

from promptvault.server.database import Connection


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Who sits before the browser."""

    user_id: UUID
    email: str


class SessionRepository:
    """Reads and writes sessions within one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def add(self, session_hash: str, user_id: UUID, life: timedelta) -> None:
        """Store a session, and forget those of the user that have ended."""
        await self._connection.execute(
            "DELETE FROM sessions WHERE user_id = %s AND expires_at <= now()",
            (user_id,),
        )
        await self._connection.execute(
            "INSERT INTO sessions (user_id, hash, expires_at)"
            " VALUES (%s, %s, now() + %s)",
            (user_id, session_hash, life),
        )

    async def find(self, session_hash: str) -> SignedIn | None:
        """Return whose session it is; None for one unknown or ended."""
        cursor = self._connection.cursor(row_factory=class_row(SignedIn))
        await cursor.execute(
            """
            SELECT u.id AS user_id, u.email
              FROM sessions s
              JOIN users u ON u.id = s.user_id
              JOIN accounts a ON a.id = u.account_id
             WHERE s.hash = %s AND s.expires_at > now()
               AND u.deleted_at IS NULL AND a.deleted_at IS NULL
            """,
            (session_hash,),
        )
        return await cursor.fetchone()

    async def delete(self, session_hash: str) -> None:
        """End a session, if there is one."""
        await self._connection.execute(
            "DELETE FROM sessions WHERE hash = %s", (session_hash,)
        )

    async def delete_all(self, user_id: UUID) -> None:
        """End every session of a user's."""
        await self._connection.execute(
            "DELETE FROM sessions WHERE user_id = %s", (user_id,)
        )
