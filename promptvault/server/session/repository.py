"""Sessions, and the networks that users sign in from, in the database."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from psycopg.rows import class_row

from promptvault.server.database import Connection
from promptvault.server.session.visitor import Visitor

_NO_USER = UUID(int=0)


@dataclass(frozen=True, slots=True)
class SignedIn:
    """The user of a session."""

    session_id: UUID
    user_id: UUID
    account_id: UUID
    email: str
    role: str
    """Whether the user owns the account."""
    has_password: bool
    is_confirmed: bool
    """Whether the user gave the password, or signed in again at the provider, within
    the last ten minutes."""
    pay_by: datetime | None
    """When the plan ends because a payment has failed; None if none has."""


@dataclass(frozen=True, slots=True)
class Session:
    """A session as its user sees it."""

    id: UUID
    browser: str
    """Such as "Firefox on Linux"; empty if the browser did not say."""
    ip: str
    created_at: datetime
    expires_at: datetime


class SessionRepository:
    """Reads and writes sessions within one transaction.

    A session is found by the hash of the secret in its cookie.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def add(
        self,
        session_hash: str,
        user_id: UUID,
        visitor: Visitor,
        life: timedelta,
        *,
        is_confirmed: bool,
    ) -> None:
        """Store a session, and delete the user's expired ones."""
        await self._connection.execute(
            "DELETE FROM sessions WHERE user_id = %s AND expires_at <= now()",
            (user_id,),
        )
        await self._connection.execute(
            """
            INSERT INTO sessions
                   (user_id, hash, browser, ip, expires_at, confirmed_at)
            VALUES (%s, %s, %s, %s, now() + %s, CASE WHEN %s THEN now() END)
            """,
            (user_id, session_hash, visitor.browser, visitor.ip, life, is_confirmed),
        )

    async def find(self, session_hash: str) -> SignedIn | None:
        """Return the user of a session; None if it is unknown or has expired."""
        cursor = self._connection.cursor(row_factory=class_row(SignedIn))
        await cursor.execute(
            """
            SELECT s.id AS session_id, u.id AS user_id, u.account_id, u.email, u.role,
                   u.password_hash IS NOT NULL AS has_password,
                   coalesce(s.confirmed_at > now() - interval '10 minutes', false)
                       AS is_confirmed,
                   CASE WHEN a.plan_notice = 'pay_by' THEN a.plan_notice_at END
                       AS pay_by
              FROM sessions s
              JOIN users u ON u.id = s.user_id
              JOIN accounts a ON a.id = u.account_id
             WHERE s.hash = %s AND s.expires_at > now()
               AND u.deleted_at IS NULL AND a.deleted_at IS NULL
            """,
            (session_hash,),
        )
        return await cursor.fetchone()

    async def confirm(self, user_id: UUID, session_id: UUID) -> None:
        """Store that the user of a session has just proved who they are."""
        await self._connection.execute(
            "UPDATE sessions SET confirmed_at = now() WHERE user_id = %s AND id = %s",
            (user_id, session_id),
        )

    async def delete(self, session_hash: str) -> None:
        """End a session, if there is one."""
        await self._connection.execute(
            "DELETE FROM sessions WHERE hash = %s", (session_hash,)
        )

    async def of_user(self, user_id: UUID) -> list[Session]:
        """Return a user's sessions that have not expired, the newest first."""
        cursor = self._connection.cursor(row_factory=class_row(Session))
        await cursor.execute(
            "SELECT id, browser, ip, created_at, expires_at FROM sessions"
            " WHERE user_id = %s AND expires_at > now() ORDER BY created_at DESC, id",
            (user_id,),
        )
        return await cursor.fetchall()

    async def delete_one(self, user_id: UUID, session_id: UUID) -> None:
        """End one of a user's sessions, if there is one with that id."""
        await self._connection.execute(
            "DELETE FROM sessions WHERE user_id = %s AND id = %s",
            (user_id, session_id),
        )

    async def delete_all(self, user_id: UUID) -> None:
        """End all sessions of a user."""
        await self._connection.execute(
            "DELETE FROM sessions WHERE user_id = %s", (user_id,)
        )


class NetworkRepository:
    """Reads and writes, within one transaction, the networks users signed in from."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def note(self, user_id: UUID, network_hash: str) -> None:
        """Store that a user has signed in from a network now."""
        await self._connection.execute(
            """
            INSERT INTO known_networks (user_id, hash, used_at) VALUES (%s, %s, now())
            ON CONFLICT (user_id, hash) DO UPDATE SET used_at = excluded.used_at
            """,
            (user_id, network_hash),
        )

    async def is_known(self, user_id: UUID | None, network_hash: str) -> bool:
        """Return True if the user has signed in from the network before.

        Without a user the same query runs, so that the time reveals nothing.
        """
        cursor = await self._connection.execute(
            "SELECT 1 FROM known_networks WHERE user_id = %s AND hash = %s",
            (user_id or _NO_USER, network_hash),
        )
        return await cursor.fetchone() is not None

    async def forget_all(self, user_id: UUID) -> None:
        """Delete all networks of a user."""
        await self._connection.execute(
            "DELETE FROM known_networks WHERE user_id = %s", (user_id,)
        )
