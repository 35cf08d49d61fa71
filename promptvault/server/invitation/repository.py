"""Invitations in the database, found by the hash of their token, or by their vault."""

from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from psycopg.rows import class_row, scalar_row

from promptvault.server.database import Connection
from promptvault.server.team.repository import Found


class Invitation(NamedTuple):
    """An invitation that is locked."""

    id: UUID
    email: str | None
    role: str
    invited_by: UUID
    created_at: datetime
    is_open: bool
    """Whether it has not expired, and was not revoked or used up."""


class Offer(NamedTuple):
    """An open invitation, as the person who is invited is shown it."""

    team_name: str
    email: str | None
    role: str
    inviter: str | None
    """None if the user was erased."""
    expires_at: datetime


class OpenInvitation(NamedTuple):
    """An open invitation, as members of the team are shown it."""

    id: UUID
    email: str | None
    role: str
    uses: int
    max_uses: int
    invited_by: str | None
    created_at: datetime
    expires_at: datetime


_IS_OPEN = (
    "(i.revoked_at IS NULL AND i.uses < i.max_uses"
    " AND i.expires_at > statement_timestamp())"
)

_OFFER = f"""
SELECT t.name AS team_name, i.email, i.role, u.email AS inviter, i.expires_at
  FROM invitations i
  JOIN vaults v ON v.id = i.vault_id
  JOIN teams t ON t.id = v.team_id
  LEFT JOIN users u ON u.id = i.invited_by
 WHERE {_IS_OPEN} AND t.deleted_at IS NULL
"""

_OPEN = f"""
SELECT i.id, i.email, i.role, i.uses, i.max_uses, u.email AS invited_by,
       i.created_at, i.expires_at
  FROM invitations i LEFT JOIN users u ON u.id = i.invited_by
 WHERE i.vault_id = %(vault)s AND {_IS_OPEN}
"""

# Who has a seat already needs no other one.
_RESERVED = f"""
SELECT count(DISTINCT lower(i.email))
  FROM invitations i JOIN vaults v ON v.id = i.vault_id
 WHERE v.account_id = %(account)s AND i.email IS NOT NULL AND {_IS_OPEN}
   AND lower(i.email) NOT IN (
       SELECT lower(u.email) FROM users u WHERE u.account_id = %(account)s
       UNION ALL
       SELECT lower(u.email) FROM users u
         JOIN vault_members m ON m.user_id = u.id
         JOIN vaults w ON w.id = m.vault_id WHERE w.account_id = %(account)s)
"""


class InvitationRepository:
    """Reads and writes invitations within one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def add(
        self,
        vault_id: UUID,
        id: UUID,
        token_hash: str,
        *,
        email: str | None,
        role: str,
        max_uses: int,
        invited_by: UUID,
        life: timedelta,
    ) -> None:
        """Add an invitation; one to the same address that was not used is void."""
        await self._connection.execute(
            "UPDATE invitations SET revoked_at = now() WHERE vault_id = %s"
            " AND lower(email) = lower(%s) AND revoked_at IS NULL AND uses = 0",
            (vault_id, email),
        )
        await self._connection.execute(
            """
            INSERT INTO invitations (id, vault_id, email, role, hash, max_uses,
                                     invited_by, expires_at)
            VALUES (%s, %s, %s, %s, %s, %s, %s, now() + %s)
            """,
            (id, vault_id, email, role, token_hash, max_uses, invited_by, life),
        )

    async def reserved_seats(self, account_id: UUID) -> int:
        """Return how many people without a seat in an account are invited by mail."""
        cursor = self._connection.cursor(row_factory=scalar_row)
        await cursor.execute(_RESERVED, {"account": account_id})
        count: int | None = await cursor.fetchone()
        return count or 0

    async def has_member(self, vault_id: UUID, email: str) -> bool:
        """Return True if a member has an address."""
        cursor = await self._connection.execute(
            "SELECT 1 FROM vault_members m JOIN users u ON u.id = m.user_id"
            " WHERE m.vault_id = %s AND lower(u.email) = lower(%s)",
            (vault_id, email),
        )
        return await cursor.fetchone() is not None

    async def has_seat(self, account_id: UUID, email: str) -> bool:
        """Return True if a person with an address has a seat in an account."""
        cursor = await self._connection.execute(
            """
            SELECT 1 FROM users
             WHERE account_id = %(account)s AND lower(email) = lower(%(email)s)
            UNION ALL
            SELECT 1 FROM users u JOIN vault_members m ON m.user_id = u.id
              JOIN vaults v ON v.id = m.vault_id
             WHERE v.account_id = %(account)s AND lower(u.email) = lower(%(email)s)
            """,
            {"account": account_id, "email": email},
        )
        return await cursor.fetchone() is not None

    async def page(
        self, vault_id: UUID, before: tuple[datetime, UUID] | None, limit: int
    ) -> list[OpenInvitation]:
        """Return open invitations before a place, the newest first."""
        cursor = self._connection.cursor(row_factory=class_row(OpenInvitation))
        created_at, id = before or (None, None)
        await cursor.execute(
            f"""{_OPEN}
               AND (%(created_at)s::timestamptz IS NULL
                    OR (i.created_at, i.id) < (%(created_at)s, %(id)s::uuid))
             ORDER BY i.created_at DESC, i.id DESC LIMIT %(limit)s
            """,
            {"vault": vault_id, "created_at": created_at, "id": id, "limit": limit},
        )
        return await cursor.fetchall()

    async def get(self, vault_id: UUID, id: UUID) -> OpenInvitation | None:
        """Return an open invitation."""
        cursor = self._connection.cursor(row_factory=class_row(OpenInvitation))
        await cursor.execute(
            f"{_OPEN} AND i.id = %(id)s", {"vault": vault_id, "id": id}
        )
        return await cursor.fetchone()

    async def revoke(self, vault_id: UUID, id: UUID) -> bool:
        """Make an invitation void; False if it was so before."""
        cursor = await self._connection.execute(
            "UPDATE invitations SET revoked_at = now()"
            " WHERE vault_id = %s AND id = %s AND revoked_at IS NULL",
            (vault_id, id),
        )
        return cursor.rowcount == 1

    async def find(self, token_hash: str) -> Found | None:
        """Return the team of an invitation, open or not, without a lock."""
        cursor = self._connection.cursor(row_factory=class_row(Found))
        await cursor.execute(
            "SELECT v.id AS vault_id, v.account_id FROM invitations i"
            "  JOIN vaults v ON v.id = i.vault_id WHERE i.hash = %s",
            (token_hash,),
        )
        return await cursor.fetchone()

    async def lock(self, token_hash: str) -> Invitation | None:
        """Lock an invitation, and return it. Lock its team before."""
        cursor = self._connection.cursor(row_factory=class_row(Invitation))
        await cursor.execute(
            f"""
            SELECT i.id, i.email, i.role, i.invited_by, i.created_at,
                   {_IS_OPEN} AS is_open
              FROM invitations i WHERE i.hash = %s FOR NO KEY UPDATE
            """,
            (token_hash,),
        )
        return await cursor.fetchone()

    async def use(self, vault_id: UUID, id: UUID) -> None:
        """Count a use."""
        await self._connection.execute(
            "UPDATE invitations SET uses = uses + 1 WHERE vault_id = %s AND id = %s",
            (vault_id, id),
        )

    async def verified_email(self, user_id: UUID) -> str | None:
        """Return the address of a user if it is verified."""
        cursor = self._connection.cursor(row_factory=scalar_row)
        await cursor.execute(
            "SELECT email FROM users"
            " WHERE id = %s AND email_verified_at IS NOT NULL AND deleted_at IS NULL",
            (user_id,),
        )
        return await cursor.fetchone()

    async def was_removed(self, vault_id: UUID, user_id: UUID, since: datetime) -> bool:
        """Return True if an admin has removed a user from a team since a time."""
        cursor = await self._connection.execute(
            "SELECT 1 FROM activities WHERE vault_id = %s AND created_at >= %s"
            "   AND action = 'member.removed' AND details->>'user' = %s",
            (vault_id, since, str(user_id)),
        )
        return await cursor.fetchone() is not None

    async def offer(self, token_hash: str) -> Offer | None:
        """Return what an open invitation offers."""
        cursor = self._connection.cursor(row_factory=class_row(Offer))
        await cursor.execute(f"{_OFFER} AND i.hash = %s", (token_hash,))
        return await cursor.fetchone()

    async def offer_by_id(self, id: UUID) -> Offer | None:
        """Return what an open invitation offers, for the job that mails it."""
        cursor = self._connection.cursor(row_factory=class_row(Offer))
        await cursor.execute(f"{_OFFER} AND i.id = %s", (id,))
        return await cursor.fetchone()
