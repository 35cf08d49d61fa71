"""Teams and their owners in the database."""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from psycopg.rows import class_row, scalar_row

from promptvault.server.database import Connection
from promptvault.server.lock_order import lock_accounts
from promptvault.server.sync.cost import REVISION_BYTES, ROW_BYTES


class Team(NamedTuple):
    """A team that is not deleted."""

    id: UUID
    vault_id: UUID
    account_id: UUID
    slug: str
    name: str


@dataclass(frozen=True, slots=True)
class Member:
    """A member of a team."""

    user_id: UUID
    account_id: UUID
    email: str
    role: str
    is_deleted: bool
    """Whether the account is deleted, and erased later."""


class Orphaned(NamedTuple):
    """A team without an owner, for a mail to one of its admins."""

    name: str
    email: str
    """Of the admin."""
    erase_at: datetime


class Load(NamedTuple):
    """What a vault adds to the usage of its account."""

    prompts: int
    bytes: int


_TEAM = "t.id, v.id AS vault_id, v.account_id, t.slug, t.name"

# The bytes are those of `sync.cost`.
_LOAD = f"""
SELECT (SELECT count(*) FROM items WHERE vault_id = %(vault)s AND NOT deleted),
       (SELECT coalesce(sum({ROW_BYTES} + coalesce(octet_length(payload), 0)), 0)
          FROM items WHERE vault_id = %(vault)s)
     + (SELECT coalesce(sum({ROW_BYTES} + coalesce(octet_length(payload), 0)), 0)
          FROM sides WHERE vault_id = %(vault)s)
     + (SELECT coalesce(sum({ROW_BYTES} + octet_length(payload)), 0)
          FROM versions WHERE vault_id = %(vault)s)
     + (SELECT count(*) * {REVISION_BYTES} FROM revisions WHERE vault_id = %(vault)s)
"""

# Those of the user's teams, and those that may get one of the user's.
_CONCERNED = """
SELECT account_id FROM users WHERE id = %(user)s
UNION
SELECT v.account_id FROM vault_members m JOIN vaults v ON v.id = m.vault_id
 WHERE m.user_id = %(user)s
UNION
SELECT u.account_id FROM vault_members m
  JOIN vault_members o ON o.vault_id = m.vault_id AND o.role = 'admin'
  JOIN users u ON u.id = o.user_id
 WHERE m.user_id = %(user)s AND m.role = 'owner'
"""

_PAY = """
WITH gained AS (
    UPDATE accounts SET prompt_count = prompt_count + %(prompts)s,
                        stored_bytes = stored_bytes + %(bytes)s
     WHERE id = %(to)s
), lost AS (
    UPDATE accounts SET prompt_count = prompt_count - %(prompts)s,
                        stored_bytes = stored_bytes - %(bytes)s
     WHERE id = %(from)s
), owned AS (
    UPDATE teams SET account_id = %(to)s
     WHERE id = %(team)s AND account_id = %(from)s
)
UPDATE vaults SET account_id = %(to)s WHERE id = %(vault)s
"""


class OwnershipRepository:
    """Reads and writes the owners of teams within one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def find(self, slug: str, user_id: UUID) -> Team | None:
        """Return the team with a slug if the user is a member of it."""
        cursor = self._connection.cursor(row_factory=class_row(Team))
        await cursor.execute(
            f"""
            SELECT {_TEAM} FROM teams t
              JOIN vaults v ON v.team_id = t.id
              JOIN vault_members m ON m.vault_id = v.id AND m.user_id = %s
             WHERE t.slug = %s AND t.deleted_at IS NULL
            """,
            (user_id, slug),
        )
        return await cursor.fetchone()

    async def owned(self, user_id: UUID) -> list[Team]:
        """Return the teams that a user owns, in the order of their vaults' ids."""
        cursor = self._connection.cursor(row_factory=class_row(Team))
        await cursor.execute(
            f"""
            SELECT {_TEAM} FROM vault_members m
              JOIN vaults v ON v.id = m.vault_id
              JOIN teams t ON t.id = v.team_id AND t.deleted_at IS NULL
             WHERE m.user_id = %s AND m.role = 'owner' ORDER BY v.id
            """,
            (user_id,),
        )
        return await cursor.fetchall()

    async def joined(self, user_id: UUID) -> list[Team]:
        """Return the teams of which a user is a member and not the owner."""
        cursor = self._connection.cursor(row_factory=class_row(Team))
        await cursor.execute(
            f"""
            SELECT {_TEAM} FROM vault_members m
              JOIN vaults v ON v.id = m.vault_id
              JOIN teams t ON t.id = v.team_id
             WHERE m.user_id = %s AND m.role <> 'owner' ORDER BY v.id
            """,
            (user_id,),
        )
        return await cursor.fetchall()

    async def lock(self, user_id: UUID) -> None:
        """Lock the accounts that handing over or leaving a user's teams may change."""
        await lock_accounts(self._connection, lambda: self._concerned(user_id))

    async def _concerned(self, user_id: UUID) -> list[UUID]:
        cursor = self._connection.cursor(row_factory=scalar_row)
        await cursor.execute(_CONCERNED, {"user": user_id})
        return await cursor.fetchall()

    async def members(self, vault_id: UUID) -> list[Member]:
        """Return the members of a vault, those who joined first before the others.

        Call it when the vault is locked, to act on what it returns.
        """
        cursor = self._connection.cursor(row_factory=class_row(Member))
        await cursor.execute(
            """
            SELECT m.user_id, u.account_id, u.email, m.role,
                   u.deleted_at IS NOT NULL AS is_deleted
              FROM vault_members m JOIN users u ON u.id = m.user_id
             WHERE m.vault_id = %s
             ORDER BY m.created_at, m.user_id
            """,
            (vault_id,),
        )
        return await cursor.fetchall()

    async def load(self, vault_id: UUID) -> Load:
        """Return what a locked vault adds to the usage of its account."""
        cursor = await self._connection.execute(_LOAD, {"vault": vault_id})
        ((prompts, size),) = await cursor.fetchall()
        return Load(prompts, int(size))

    async def pay_from(self, team: Team, account_id: UUID, load: Load) -> None:
        """Charge another account for a team, whose vault adds *load* to its usage."""
        await self._connection.execute(
            _PAY,
            {
                "team": team.id,
                "vault": team.vault_id,
                "from": team.account_id,
                "to": account_id,
                "prompts": load.prompts,
                "bytes": load.bytes,
            },
        )

    async def set_role(self, vault_id: UUID, user_id: UUID, role: str) -> None:
        """Set the role of a member. A vault has one owner at any time."""
        await self._connection.execute(
            "UPDATE vault_members SET role = %s WHERE vault_id = %s AND user_id = %s",
            (role, vault_id, user_id),
        )

    async def erase_without_owner(self, account_id: UUID) -> None:
        """Erase the teams of an account that has no user left, with their vaults."""
        await self._connection.execute(
            """
            DELETE FROM teams WHERE account_id = %(account)s
               AND NOT EXISTS (SELECT 1 FROM users WHERE account_id = %(account)s)
            """,
            {"account": account_id},
        )

    async def orphaned(self, team_id: UUID, admin_id: UUID) -> Orphaned | None:
        """Return a team that its owner's deletion has frozen, and one of its admins."""
        cursor = self._connection.cursor(row_factory=class_row(Orphaned))
        await cursor.execute(
            """
            SELECT t.name, u.email, gone.erase_at
              FROM vaults v
              JOIN teams t ON t.id = v.team_id
              JOIN vault_members m ON m.vault_id = v.id AND m.user_id = %(user)s
              JOIN users u ON u.id = m.user_id AND u.deleted_at IS NULL
              JOIN vault_members o ON o.vault_id = v.id AND o.role = 'owner'
              JOIN users gone ON gone.id = o.user_id
             WHERE v.team_id = %(team)s AND v.frozen_why = 'owner_gone'
               AND gone.erase_at IS NOT NULL
            """,
            {"team": team_id, "user": admin_id},
        )
        return await cursor.fetchone()

    async def thaw(self, vault_id: UUID) -> None:
        """Thaw a locked vault that had no owner."""
        await self._connection.execute(
            "UPDATE vaults SET frozen_at = NULL, frozen_why = NULL"
            " WHERE id = %s AND frozen_why = 'owner_gone'",
            (vault_id,),
        )

    async def freeze(self, vault_id: UUID) -> None:
        """Freeze a locked vault, because its owner is deleted."""
        await self._connection.execute(
            "UPDATE vaults SET frozen_at = now(), frozen_why = 'owner_gone'"
            " WHERE id = %s",
            (vault_id,),
        )

    async def revoke_invitations(self, vault_id: UUID) -> None:
        """Revoke the open invitations to a vault."""
        await self._connection.execute(
            "UPDATE invitations SET revoked_at = now()"
            " WHERE vault_id = %s AND revoked_at IS NULL",
            (vault_id,),
        )
