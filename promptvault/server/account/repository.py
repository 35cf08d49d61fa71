"""Accounts, users and vaults in the database."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from psycopg.errors import UniqueViolation
from psycopg.rows import class_row, scalar_row

from promptvault.server.database import Connection
from promptvault.wire.vault import VaultRead


@dataclass(frozen=True, slots=True)
class User:
    """A user who is not deleted."""

    id: UUID
    account_id: UUID
    email: str
    role: str
    password_hash: str | None
    email_verified_at: datetime | None


@dataclass(frozen=True, slots=True)
class Membership:
    """A user and the account, as the operator's list shows them."""

    email: str
    plan: str
    prompt_limit: int | None
    prompt_count: int
    stored_bytes: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Usage:
    """An account's plan and usage."""

    plan: str
    prompt_limit: int | None
    prompt_count: int
    stored_bytes: int
    """Of all rows in its vaults, deletions included; see `sync.cost`."""
    member_limit: int | None
    member_count: int


@dataclass(frozen=True, slots=True)
class VaultMembership:
    """A vault, and the role of a user in it."""

    id: UUID
    name: str
    role: str


# Personal vaults come first, then the account's own. Older programs sync the first one,
# whatever it is.
_OF_USER = """
 WHERE m.user_id = %s AND v.frozen_why IS DISTINCT FROM 'deleted'
 ORDER BY v.team_id IS NOT NULL, v.account_id <> %s, v.created_at, v.id
"""
_VAULTS = f"""
SELECT v.id, v.name, m.role
  FROM vault_members m JOIN vaults v ON v.id = m.vault_id {_OF_USER}
"""
_ROSTER = f"""
SELECT v.id, CASE WHEN v.team_id IS NULL THEN 'personal' ELSE 'team' END AS kind,
       coalesce(t.name, v.name) AS name, t.slug, m.role, v.team_id AS team,
       v.frozen_why AS frozen, t.on_leave,
       ARRAY(SELECT label FROM label_rules r
              WHERE r.vault_id = v.id ORDER BY label) AS protected,
       (SELECT count(*) FROM vault_members o WHERE o.vault_id = v.id) AS members
  FROM vault_members m
  JOIN vaults v ON v.id = m.vault_id
  LEFT JOIN teams t ON t.id = v.team_id {_OF_USER}
"""

_USER = "id, account_id, email, role, password_hash, email_verified_at"


class AccountRepository:
    """Reads and writes accounts within one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def add_account(
        self, plan: str, prompt_limit: int | None, member_limit: int | None
    ) -> UUID:
        """Add an account, and return its id. None is no limit.

        A plan other than the free one is a gift of the operator.
        """
        return await self._id(
            """
            INSERT INTO accounts (
                   plan, prompt_limit, member_limit, granted_plan, plan_why)
            VALUES (%(plan)s, %(prompts)s, %(members)s, nullif(%(plan)s, 'free'),
                   CASE %(plan)s WHEN 'free' THEN 'none' ELSE 'gift' END)
            RETURNING id
            """,
            {"plan": plan, "prompts": prompt_limit, "members": member_limit},
        )

    async def add_user(self, account_id: UUID, email: str, role: str) -> UUID | None:
        """Add a user, and return the id; None if the address is taken."""
        cursor = self._connection.cursor(row_factory=scalar_row)
        await cursor.execute(
            """
            INSERT INTO users (account_id, email, role) VALUES (%s, %s, %s)
            ON CONFLICT (lower(email)) WHERE deleted_at IS NULL DO NOTHING
            RETURNING id
            """,
            (account_id, email, role),
        )
        return await cursor.fetchone()

    async def add_vault(self, account_id: UUID, user_id: UUID, name: str) -> UUID:
        """Add a vault that *user_id* owns, and return its id."""
        return await self._id(
            """
            WITH made AS (INSERT INTO vaults (account_id, name) VALUES (%s, %s)
                          RETURNING id)
            INSERT INTO vault_members (vault_id, user_id, role)
            SELECT id, %s, 'owner' FROM made RETURNING vault_id
            """,
            (account_id, name, user_id),
        )

    async def find_user(self, email: str) -> User | None:
        """Return the user with an address; case does not matter."""
        cursor = self._connection.cursor(row_factory=class_row(User))
        await cursor.execute(
            f"SELECT {_USER} FROM users"
            " WHERE lower(email) = lower(%s) AND deleted_at IS NULL",
            (email,),
        )
        return await cursor.fetchone()

    async def find_email(self, user_id: UUID) -> str | None:
        """Return the address of a user who is not deleted."""
        cursor = self._connection.cursor(row_factory=scalar_row)
        await cursor.execute(
            "SELECT email FROM users WHERE id = %s AND deleted_at IS NULL", (user_id,)
        )
        return await cursor.fetchone()

    async def password_hash(self, user_id: UUID) -> str | None:
        """Return the hash of a user's password; None if there is no password."""
        cursor = self._connection.cursor(row_factory=scalar_row)
        await cursor.execute(
            "SELECT password_hash FROM users WHERE id = %s AND deleted_at IS NULL",
            (user_id,),
        )
        return await cursor.fetchone()

    async def set_password(self, user_id: UUID, password_hash: str) -> None:
        """Set the hash of a user's password."""
        await self._connection.execute(
            "UPDATE users SET password_hash = %s WHERE id = %s AND deleted_at IS NULL",
            (password_hash, user_id),
        )

    async def is_live(self, user_id: UUID) -> bool:
        """Return True if the user exists and is not deleted."""
        cursor = await self._connection.execute(
            "SELECT 1 FROM users WHERE id = %s AND deleted_at IS NULL", (user_id,)
        )
        return await cursor.fetchone() is not None

    async def set_verified_email(self, user_id: UUID, email: str) -> bool:
        """Set a user's address, and mark it as verified.

        Returns False and changes nothing if another user has the address, or if the
        user is deleted.
        """
        try:
            async with self._connection.transaction():
                cursor = await self._connection.execute(
                    "UPDATE users SET email = %s, email_verified_at = now()"
                    " WHERE id = %s AND deleted_at IS NULL",
                    (email, user_id),
                )
        except UniqueViolation:
            return False
        return cursor.rowcount > 0

    async def usage(self, account_id: UUID) -> Usage:
        """Return an account's plan and usage."""
        cursor = self._connection.cursor(row_factory=class_row(Usage))
        await cursor.execute(
            """
            SELECT plan, prompt_limit, prompt_count, stored_bytes, member_limit,
                   member_count
              FROM accounts WHERE id = %s
            """,
            (account_id,),
        )
        usage = await cursor.fetchone()
        assert usage is not None
        return usage

    async def vaults(self, user_id: UUID, account_id: UUID) -> list[VaultMembership]:
        """Return the vaults of a user, personal ones first."""
        cursor = self._connection.cursor(row_factory=class_row(VaultMembership))
        await cursor.execute(_VAULTS, (user_id, account_id))
        return await cursor.fetchall()

    async def roster(self, user_id: UUID, account_id: UUID) -> list[VaultRead]:
        """Return the vaults of a user in the same order, with all that devices need."""
        cursor = self._connection.cursor(row_factory=class_row(VaultRead))
        await cursor.execute(_ROSTER, (user_id, account_id))
        return await cursor.fetchall()

    async def memberships(self) -> list[Membership]:
        """Return all users, the oldest first."""
        cursor = self._connection.cursor(row_factory=class_row(Membership))
        await cursor.execute(
            """
            SELECT u.email, a.plan, a.prompt_limit, a.prompt_count, a.stored_bytes,
                   u.created_at
              FROM users u JOIN accounts a ON a.id = u.account_id
             WHERE u.deleted_at IS NULL ORDER BY u.created_at, u.id
            """
        )
        return await cursor.fetchall()

    async def renew_epochs(self) -> int:
        """Give each vault a new epoch, and return the number of vaults.

        Vaults are locked in the order in which sync locks them.
        """
        cursor = await self._connection.execute(
            """
            WITH locked AS (SELECT id FROM vaults ORDER BY id FOR NO KEY UPDATE)
            UPDATE vaults SET epoch = gen_random_uuid()
              FROM locked WHERE vaults.id = locked.id
            """
        )
        return cursor.rowcount

    async def _id(
        self, query: str, values: tuple[object, ...] | Mapping[str, object]
    ) -> UUID:
        cursor = self._connection.cursor(row_factory=scalar_row)
        await cursor.execute(query, values)
        found: UUID | None = await cursor.fetchone()
        assert found is not None
        return found
