"""Sessions in the database, found by the hash of what lies in the cookie."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from psycopg.rows import class_row

from promptvault.server.database import Connection
from promptvault.server.session.visitor import Visitor


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Who sits before the browser."""

    session_id: UUID
    user_id: UUID
    account_id: UUID
    email: str
    has_password: bool
    is_recent: bool
    """Whether they signed in within the last ten minutes."""


@dataclass(frozen=True, slots=True)
class Session:
    """A browser that is signed in, as its user sees it."""

    id: UUID
    browser: str
    """Such as "Firefox on Linux"; empty if it did not say."""
    ip: str
    created_at: datetime
    expires_at: datetime


class SessionRepository:
    """Reads and writes sessions within one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def add(
        self, session_hash: str, user_id: UUID, visitor: Visitor, life: timedelta
    ) -> None:
        """Store a session, and forget those of the user that have ended."""
        await self._connection.execute(
            "DELETE FROM sessions WHERE user_id = %s AND expires_at <= now()",
            (user_id,),
        )
        await self._connection.execute(
            "INSERT INTO sessions (user_id, hash, browser, ip, expires_at)"
            " VALUES (%s, %s, %s, %s, now() + %s)",
            (user_id, session_hash, visitor.browser, visitor.ip, life),
        )

    async def find(self, session_hash: str) -> SignedIn | None:
        """Return whose session it is; None for one unknown or ended."""
        cursor = self._connection.cursor(row_factory=class_row(SignedIn))
        await cursor.execute(
            """
            SELECT s.id AS session_id, u.id AS user_id, u.account_id, u.email,
                   u.password_hash IS NOT NULL AS has_password,
                   s.created_at > now() - interval '10 minutes' AS is_recent
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

    async def of_user(self, user_id: UUID) -> list[Session]:
        """Return every session of a user that has not ended, the newest first."""
        cursor = self._connection.cursor(row_factory=class_row(Session))
        await cursor.execute(
            "SELECT id, browser, ip, created_at, expires_at FROM sessions"
            " WHERE user_id = %s AND expires_at > now() ORDER BY created_at DESC, id",
            (user_id,),
        )
        return await cursor.fetchall()

    async def delete_one(self, user_id: UUID, session_id: UUID) -> None:
        """End a session of a user's, if there is one."""
        await self._connection.execute(
            "DELETE FROM sessions WHERE user_id = %s AND id = %s",
            (user_id, session_id),
        )

    async def delete_all(self, user_id: UUID) -> None:
        """End every session of a user's."""
        await self._connection.execute(
            "DELETE FROM sessions WHERE user_id = %s", (user_id,)
        )
