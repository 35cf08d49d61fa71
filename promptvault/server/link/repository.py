"""One-time links in the database, found by the hash of their token."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from psycopg.rows import class_row

from promptvault.server.database import Connection


@dataclass(frozen=True, slots=True)
class Link:
    """A valid link and its user."""

    user_id: UUID
    account_id: UUID
    email: str
    is_mailed: bool
    """Whether it was mailed, so that using it verifies the address."""
    erase_at: datetime | None
    """When the data of a deleted user are erased."""


class LinkRepository:
    """Reads and writes links within one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def add(
        self,
        token_hash: str,
        user_id: UUID,
        purpose: str,
        *,
        is_mailed: bool,
        life: timedelta,
    ) -> None:
        """Store the hash of a link's token."""
        await self._connection.execute(
            "INSERT INTO account_links (user_id, purpose, is_mailed, hash, expires_at)"
            " VALUES (%s, %s, %s, %s, now() + %s)",
            (user_id, purpose, is_mailed, token_hash, life),
        )

    async def find(self, token_hash: str, purpose: str) -> Link | None:
        """Return a link without using it up; None if it is unknown or has expired."""
        return await self._one(
            """
            SELECT u.id AS user_id, u.account_id, u.email, l.is_mailed, u.erase_at
              FROM account_links l JOIN users u ON u.id = l.user_id
             WHERE l.hash = %s AND l.purpose = %s AND l.expires_at > now()
            """,
            (token_hash, purpose),
        )

    async def use(self, token_hash: str, purpose: str) -> Link | None:
        """Delete a link and return it. Of concurrent calls, one gets it.

        The user's row is locked first, as in an erasure, so that no deadlock is
        possible.
        """
        return await self._one(
            """
            WITH owner AS (
                SELECT u.id, u.account_id, u.email, u.erase_at
                  FROM users u JOIN account_links l ON l.user_id = u.id
                 WHERE l.hash = %(hash)s AND l.purpose = %(purpose)s
                   FOR NO KEY UPDATE OF u)
            DELETE FROM account_links l USING owner
             WHERE l.user_id = owner.id AND l.hash = %(hash)s
               AND l.purpose = %(purpose)s AND l.expires_at > now()
            RETURNING owner.id AS user_id, owner.account_id, owner.email,
                      l.is_mailed, owner.erase_at
            """,
            {"hash": token_hash, "purpose": purpose},
        )

    async def delete_all(self, user_id: UUID, purpose: str) -> None:
        """Delete all links of a user for *purpose*."""
        await self._connection.execute(
            "DELETE FROM account_links WHERE user_id = %s AND purpose = %s",
            (user_id, purpose),
        )

    async def _one(
        self, query: str, values: dict[str, str] | tuple[str, ...]
    ) -> Link | None:
        cursor = self._connection.cursor(row_factory=class_row(Link))
        await cursor.execute(query, values)
        return await cursor.fetchone()
