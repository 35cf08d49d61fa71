"""Members of teams in the database."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from psycopg.rows import class_row

from promptvault.server.database import Connection


class Member(NamedTuple):
    """A member of a team."""

    user: UUID
    email: str
    role: str
    joined_at: datetime
    last_seen_at: datetime | None


_MEMBER = """
SELECT m.user_id AS user, u.email, m.role, m.created_at AS joined_at,
       (SELECT max(last_used_at) FROM tokens WHERE user_id = m.user_id)
           AS last_seen_at
  FROM vault_members m JOIN users u ON u.id = m.user_id
 WHERE m.vault_id = %(vault)s
"""


class MemberRepository:
    """Reads and writes the members of one vault within one transaction."""

    def __init__(self, connection: Connection, vault_id: UUID) -> None:
        self._connection, self._vault_id = connection, vault_id

    async def page(
        self, after: tuple[datetime, UUID] | None, limit: int
    ) -> list[Member]:
        """Return members who follow a place, those who joined first before others."""
        cursor = self._connection.cursor(row_factory=class_row(Member))
        joined_at, user_id = after or (None, None)
        await cursor.execute(
            f"""{_MEMBER}
               AND (%(joined_at)s::timestamptz IS NULL
                    OR (m.created_at, m.user_id) > (%(joined_at)s, %(user)s::uuid))
             ORDER BY m.created_at, m.user_id LIMIT %(limit)s
            """,
            {
                "vault": self._vault_id,
                "joined_at": joined_at,
                "user": user_id,
                "limit": limit,
            },
        )
        return await cursor.fetchall()

    async def get(self, user_id: UUID) -> Member | None:
        """Return a member."""
        cursor = self._connection.cursor(row_factory=class_row(Member))
        await cursor.execute(
            f"{_MEMBER} AND m.user_id = %(user)s",
            {"vault": self._vault_id, "user": user_id},
        )
        return await cursor.fetchone()

    async def add(self, user_id: UUID, role: str, invited_by: UUID) -> None:
        """Add a member."""
        await self._connection.execute(
            "INSERT INTO vault_members (vault_id, user_id, role, invited_by)"
            " VALUES (%s, %s, %s, %s)",
            (self._vault_id, user_id, role, invited_by),
        )

    async def set_role(self, user_id: UUID, role: str) -> None:
        """Change the role of a member."""
        await self._connection.execute(
            "UPDATE vault_members SET role = %s WHERE vault_id = %s AND user_id = %s",
            (role, self._vault_id, user_id),
        )

    async def remove(self, user_id: UUID) -> None:
        """Remove a member, and revoke the member's shares of the team's prompts."""
        await self._connection.execute(
            "DELETE FROM vault_members WHERE vault_id = %s AND user_id = %s",
            (self._vault_id, user_id),
        )
        await self._connection.execute(
            "UPDATE shares SET revoked_at = now(), revoked_by = created_by"
            " WHERE vault_id = %s AND created_by = %s AND revoked_at IS NULL",
            (self._vault_id, user_id),
        )
