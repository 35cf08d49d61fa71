"""Teams in the database; each query names the user, the vault or the account.

`server.lock_order` locks a team: its vault, and the account that pays for it.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Any, LiteralString, NamedTuple
from uuid import UUID

from psycopg.errors import UniqueViolation
from psycopg.rows import class_row, scalar_row

from promptvault.server.database import Connection

LONGEST_REFERENCE = 36


class Found(NamedTuple):
    """A team, found without a lock."""

    vault_id: UUID
    account_id: UUID


class Team(NamedTuple):
    """A team whose account is locked."""

    id: UUID
    vault_id: UUID
    account_id: UUID
    slug: str
    name: str
    on_leave: str
    shares_by: str
    role: str | None
    """Of the user who asks; None if the user is no member."""
    member_limit: int | None
    member_count: int


class TeamRow(NamedTuple):
    """A team as a member is shown it."""

    id: UUID
    slug: str
    name: str
    vault: UUID
    role: str
    owner_email: str | None
    members: int
    member_limit: int | None
    prompts: int
    on_leave: str
    shares_by: str
    frozen: str | None
    protected: list[str]
    created_at: datetime


class ListedTeam(NamedTuple):
    """A team as the operator's list shows it."""

    slug: str
    name: str
    owner_email: str | None
    members: int
    prompts: int
    frozen: str | None
    created_at: datetime
    deleted_at: datetime | None


_TEAM = """
SELECT t.id, v.id AS vault_id, v.account_id, t.slug, t.name, t.on_leave, t.shares_by,
       m.role, a.member_limit, a.member_count
  FROM vaults v JOIN teams t ON t.id = v.team_id
  JOIN accounts a ON a.id = v.account_id
  LEFT JOIN vault_members m ON m.vault_id = v.id AND m.user_id = %(user)s
 WHERE v.id = %(vault)s AND t.deleted_at IS NULL
"""

# The members of a team are the rows of its vault.
_ROW = """
SELECT t.id, t.slug, t.name, v.id AS vault, m.role, u.email AS owner_email,
       (SELECT count(*) FROM vault_members WHERE vault_id = v.id) AS members,
       a.member_limit,
       (SELECT count(*) FROM items WHERE vault_id = v.id AND NOT deleted) AS prompts,
       t.on_leave, t.shares_by, v.frozen_why AS frozen,
       ARRAY(SELECT label FROM label_rules WHERE vault_id = v.id ORDER BY label)
           AS protected,
       t.created_at
  FROM vault_members m
  JOIN vaults v ON v.id = m.vault_id
  JOIN teams t ON t.id = v.team_id
  JOIN accounts a ON a.id = v.account_id
  LEFT JOIN vault_members o ON o.vault_id = v.id AND o.role = 'owner'
  LEFT JOIN users u ON u.id = o.user_id
 WHERE m.user_id = %(user)s AND t.deleted_at IS NULL
"""


class TeamRepository:
    """Reads and writes teams within one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def find(self, user_id: UUID, team: str) -> Found | None:
        """Return a team of a user by its id or short name."""
        cursor = self._connection.cursor(row_factory=class_row(Found))
        await cursor.execute(
            """
            SELECT v.id AS vault_id, v.account_id
              FROM vault_members m JOIN vaults v ON v.id = m.vault_id
              JOIN teams t ON t.id = v.team_id
             WHERE m.user_id = %(user)s AND t.deleted_at IS NULL
               AND (t.slug = %(team)s OR t.id::text = %(team)s)
            """,
            {"user": user_id, "team": team},
        )
        return await cursor.fetchone()

    async def get(self, vault_id: UUID, user_id: UUID | None) -> Team | None:
        """Return a team, with the role of a user. Call it when its account is locked:
        until then all of it may change."""
        cursor = self._connection.cursor(row_factory=class_row(Team))
        await cursor.execute(_TEAM, {"vault": vault_id, "user": user_id})
        return await cursor.fetchone()

    async def row(self, user_id: UUID, vault_id: UUID) -> TeamRow | None:
        """Return a team as a member is shown it."""
        rows = await self._rows(
            f"{_ROW} AND v.id = %(vault)s", {"user": user_id, "vault": vault_id}
        )
        return rows[0] if rows else None

    async def rows(self, user_id: UUID, after: str, limit: int) -> list[TeamRow]:
        """Return the teams of a user whose short names follow *after*, sorted."""
        return await self._rows(
            f"{_ROW} AND t.slug > %(after)s ORDER BY t.slug LIMIT %(limit)s",
            {"user": user_id, "after": after, "limit": limit},
        )

    async def _rows(
        self, query: LiteralString, values: dict[str, Any]
    ) -> list[TeamRow]:
        cursor = self._connection.cursor(row_factory=class_row(TeamRow))
        await cursor.execute(query, values)
        return await cursor.fetchall()

    async def count(self, account_id: UUID) -> int:
        """Return the number of teams of an account, deleted ones as well."""
        cursor = self._connection.cursor(row_factory=scalar_row)
        await cursor.execute(
            "SELECT count(*) FROM teams WHERE account_id = %s", (account_id,)
        )
        count: int | None = await cursor.fetchone()
        return count or 0

    async def add(
        self, account_id: UUID, owner_id: UUID, name: str, slug: str
    ) -> UUID | None:
        """Add a team with its vault, and return the vault; None if *slug* is taken."""
        cursor = self._connection.cursor(row_factory=scalar_row)
        await cursor.execute(
            """
            WITH team AS (
                INSERT INTO teams (account_id, name, slug) VALUES (%(account)s,
                       %(name)s, %(slug)s) ON CONFLICT (slug) DO NOTHING RETURNING id
            ), made AS (
                INSERT INTO vaults (account_id, team_id, name)
                SELECT %(account)s, id, %(name)s FROM team RETURNING id
            )
            INSERT INTO vault_members (vault_id, user_id, role)
            SELECT id, %(owner)s, 'owner' FROM made RETURNING vault_id
            """,
            {"account": account_id, "owner": owner_id, "name": name, "slug": slug},
        )
        return await cursor.fetchone()

    async def change(self, team: Team) -> bool:
        """Store the names and settings of a team; False if its slug is taken."""
        try:
            async with self._connection.transaction():
                await self._connection.execute(
                    "UPDATE teams SET name = %s, slug = %s, on_leave = %s,"
                    " shares_by = %s WHERE id = %s",
                    (team.name, team.slug, team.on_leave, team.shares_by, team.id),
                )
        except UniqueViolation:
            return False
        await self._connection.execute(
            "UPDATE vaults SET name = %s WHERE id = %s", (team.name, team.vault_id)
        )
        return True

    async def add_rule(self, vault_id: UUID, label: str, user_id: UUID) -> bool:
        """Protect a label; False if it is protected."""
        cursor = await self._connection.execute(
            "INSERT INTO label_rules (vault_id, label, created_by) VALUES (%s, %s, %s)"
            " ON CONFLICT DO NOTHING",
            (vault_id, label, user_id),
        )
        return cursor.rowcount == 1

    async def remove_rule(self, vault_id: UUID, label: str) -> bool:
        """Stop protecting a label; False if it was not protected."""
        cursor = await self._connection.execute(
            "DELETE FROM label_rules WHERE vault_id = %s AND label = %s",
            (vault_id, label),
        )
        return cursor.rowcount == 1

    async def rule_count(self, vault_id: UUID) -> int:
        """Return the number of protected labels."""
        cursor = self._connection.cursor(row_factory=scalar_row)
        await cursor.execute(
            "SELECT count(*) FROM label_rules WHERE vault_id = %s", (vault_id,)
        )
        count: int | None = await cursor.fetchone()
        return count or 0

    async def all(self) -> list[ListedTeam]:
        """Return all teams, deleted ones as well, by their short names."""
        cursor = self._connection.cursor(row_factory=class_row(ListedTeam))
        await cursor.execute(
            """
            SELECT t.slug, t.name,
                   (SELECT u.email FROM vault_members o JOIN users u ON u.id = o.user_id
                     WHERE o.vault_id = v.id AND o.role = 'owner') AS owner_email,
                   (SELECT count(*) FROM vault_members WHERE vault_id = v.id)
                       AS members,
                   (SELECT count(*) FROM items WHERE vault_id = v.id AND NOT deleted)
                       AS prompts,
                   v.frozen_why AS frozen, t.created_at, t.deleted_at
              FROM teams t JOIN vaults v ON v.team_id = t.id ORDER BY t.slug
            """
        )
        return await cursor.fetchall()

    async def find_any(self, slug: str) -> Found | None:
        """Return a team by its short name, deleted or not, for the operator."""
        cursor = self._connection.cursor(row_factory=class_row(Found))
        await cursor.execute(
            "SELECT v.id AS vault_id, v.account_id FROM vaults v"
            "  JOIN teams t ON t.id = v.team_id WHERE t.slug = %s",
            (slug,),
        )
        return await cursor.fetchone()


class RosterRepository:
    """Raises the numbers by which devices notice changes of a user's vaults."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def members(self, vault_ids: Collection[UUID]) -> set[UUID]:
        """Return the users who are members of vaults."""
        cursor = self._connection.cursor(row_factory=scalar_row)
        await cursor.execute(
            "SELECT user_id FROM vault_members WHERE vault_id = ANY(%s)",
            ([*vault_ids],),
        )
        return {*await cursor.fetchall()}

    async def of_account(self, account_id: UUID) -> set[UUID]:
        """Return the members of all vaults of an account."""
        cursor = self._connection.cursor(row_factory=scalar_row)
        await cursor.execute(
            "SELECT m.user_id FROM vault_members m JOIN vaults v ON v.id = m.vault_id"
            " WHERE v.account_id = %s",
            (account_id,),
        )
        return {*await cursor.fetchall()}

    async def raise_versions(self, users: Collection[UUID]) -> None:
        """Raise the roster version of users.

        They are locked in the order of their ids, so that two changes do not wait for
        each other. Call it once in a transaction, at its end.
        """
        await self._connection.execute(
            """
            WITH locked AS (SELECT id FROM users WHERE id = ANY(%(users)s)
                             ORDER BY id FOR NO KEY UPDATE)
            UPDATE users SET roster_version = roster_version + 1
              FROM locked WHERE users.id = locked.id AND users.id = ANY(%(users)s)
            """,
            {"users": [*users]},
        )
