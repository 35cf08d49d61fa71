"""Shares in the database, for those who manage them.

Readers without an account are in `reading`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from psycopg.rows import class_row, scalar_row
from psycopg.types.json import Jsonb

from promptvault.server.database import Connection
from promptvault.wire.share import ShareMode


@dataclass(frozen=True, slots=True)
class Membership:
    """A vault that is locked, and what decides whether its member may share."""

    role: str
    shares_by: str
    """The lowest role that may share; in a personal vault that of an editor."""
    frozen_why: str | None
    account_id: UUID
    plan: str
    is_new_account: bool
    is_blocked: bool


@dataclass(frozen=True, slots=True)
class NewShare:
    """A share to store."""

    vault_id: UUID
    item_id: UUID
    mode: ShareMode
    version_id: UUID | None
    label: str | None
    token: str
    password_hash: str | None
    life: timedelta | None
    max_views: int | None
    allow_secrets: bool
    show_author: bool
    created_by: UUID


@dataclass(frozen=True, slots=True)
class ManagedShare:
    """A share with its prompt, as those see it who manage it."""

    id: UUID
    vault_id: UUID
    item_id: UUID
    mode: str
    version_id: UUID | None
    label: str | None
    token: str
    has_password: bool
    expires_at: datetime | None
    max_views: int | None
    views: int
    allow_secrets: bool
    show_author: bool
    created_by: str | None
    created_at: datetime
    last_view_at: datetime | None
    is_revoked: bool
    is_expired: bool
    payload: bytes | None
    """The prompt now; None if it is deleted."""

    @property
    def is_used_up(self) -> bool:
        """Whether it was viewed as often as its limit allows."""
        return self.max_views is not None and self.views >= self.max_views


@dataclass(frozen=True, slots=True)
class ShareTarget:
    """The prompt to share."""

    payload: bytes | None
    deleted: bool


@dataclass(frozen=True, slots=True)
class VersionOf:
    """A version of a shared prompt, and what was found in it."""

    vault_id: UUID
    version_id: UUID
    number: int
    kinds: list[str] | None
    """Of likely secrets; None if it was not looked at by the present rules."""


# A share of a team belongs to who has made it, and to the team's admins.
_MANAGED = """
SELECT s.id, s.vault_id, s.item_id, s.mode, s.version_id, s.label, s.token,
       s.password_hash IS NOT NULL AS has_password, s.expires_at, s.max_views, s.views,
       s.allow_secrets, s.show_author, u.email AS created_by, s.created_at,
       s.last_view_at, s.revoked_at IS NOT NULL AS is_revoked,
       coalesce(s.expires_at <= now(), false) AS is_expired,
       CASE WHEN NOT i.deleted THEN i.payload END AS payload
  FROM shares s
  JOIN vault_members m ON m.vault_id = s.vault_id AND m.user_id = %(user)s
  JOIN vaults v ON v.id = s.vault_id AND v.frozen_why IS DISTINCT FROM 'deleted'
  JOIN items i ON i.vault_id = s.vault_id AND i.item_id = s.item_id
  LEFT JOIN users u ON u.id = s.created_by AND u.deleted_at IS NULL
 WHERE (s.created_by = %(user)s OR m.role IN ('owner', 'admin'))
"""
_ENDED = """
(s.revoked_at IS NOT NULL OR coalesce(s.expires_at <= now(), false)
 OR coalesce(s.views >= s.max_views, false) OR i.deleted)
"""
_LIST = f"""
{_MANAGED}
   AND (%(vault)s::uuid IS NULL OR s.vault_id = %(vault)s)
   AND (%(item)s::uuid IS NULL OR s.item_id = %(item)s)
   AND {_ENDED} = %(ended)s
   AND (%(before_time)s::timestamptz IS NULL
        OR (s.created_at, s.id) < (%(before_time)s, %(before_id)s))
 ORDER BY s.created_at DESC, s.id DESC LIMIT %(limit)s
"""
_FIND = f"{_MANAGED} AND s.id = %(share)s"

_MEMBERSHIP = """
WITH locked AS MATERIALIZED (
    SELECT v.id, v.account_id, v.frozen_why,
           coalesce(t.shares_by, 'editor') AS shares_by
      FROM vaults v
      JOIN vault_members m ON m.vault_id = v.id AND m.user_id = %(user)s
      LEFT JOIN teams t ON t.id = v.team_id
     WHERE v.id = %(vault)s FOR NO KEY UPDATE OF v
), paying AS MATERIALIZED (
    SELECT a.id, a.plan, a.created_at FROM accounts a
     WHERE a.id = (SELECT account_id FROM locked) FOR NO KEY UPDATE
)
SELECT m.role, locked.shares_by, locked.frozen_why, paying.id AS account_id,
       paying.plan,
       paying.created_at > now() - interval '1 day' AS is_new_account,
       u.shares_blocked_at IS NOT NULL AS is_blocked
  FROM locked
  JOIN paying ON true
  JOIN vault_members m ON m.vault_id = locked.id AND m.user_id = %(user)s
  JOIN users u ON u.id = %(user)s
"""

_COUNT_LIVE = """
SELECT count(*) FROM shares s
  JOIN vaults v ON v.id = s.vault_id
  JOIN items i ON i.vault_id = s.vault_id AND i.item_id = s.item_id AND NOT i.deleted
 WHERE v.account_id = %s AND s.revoked_at IS NULL
   AND (s.expires_at IS NULL OR s.expires_at > now())
   AND (s.max_views IS NULL OR s.views < s.max_views)
"""

_ADD = """
INSERT INTO shares (vault_id, item_id, mode, version_id, label, token, password_hash,
                    expires_at, max_views, allow_secrets, show_author, created_by)
VALUES (%(vault_id)s, %(item_id)s, %(mode)s, %(version_id)s, %(label)s, %(token)s,
        %(password_hash)s, now() + %(life)s, %(max_views)s, %(allow_secrets)s,
        %(show_author)s, %(created_by)s)
RETURNING id
"""

_VERSIONS = """
SELECT v.vault_id, v.version_id, v.number, sc.kinds
  FROM unnest(%(vaults)s::uuid[], %(versions)s::uuid[]) AS named (vault_id, version_id)
  JOIN versions v
    ON v.vault_id = named.vault_id AND v.version_id = named.version_id
  JOIN vault_members m ON m.vault_id = v.vault_id AND m.user_id = %(user)s
  LEFT JOIN share_scans sc
    ON sc.vault_id = v.vault_id AND sc.version_id = v.version_id
   AND sc.rules = %(rules)s
"""


class ShareRepository:
    """Reads and writes the shares of one user within one transaction."""

    def __init__(self, connection: Connection, user_id: UUID) -> None:
        self._connection, self._user_id = connection, user_id

    async def target(self, vault_id: UUID, item_id: UUID) -> ShareTarget | None:
        """Return the prompt to share; None if the user cannot read it."""
        cursor = self._connection.cursor(row_factory=class_row(ShareTarget))
        await cursor.execute(
            """
            SELECT i.payload, i.deleted FROM items i
              JOIN vault_members m ON m.vault_id = i.vault_id AND m.user_id = %s
             WHERE i.vault_id = %s AND i.item_id = %s
            """,
            (self._user_id, vault_id, item_id),
        )
        return await cursor.fetchone()

    async def version(
        self, vault_id: UUID, item_id: UUID, version_id: UUID
    ) -> bytes | None:
        """Return a version of a prompt; the caller has checked the membership."""
        cursor = self._connection.cursor(row_factory=scalar_row)
        await cursor.execute(
            "SELECT payload FROM versions"
            " WHERE vault_id = %s AND version_id = %s AND item_id = %s",
            (vault_id, version_id, item_id),
        )
        return await cursor.fetchone()

    async def membership(self, vault_id: UUID) -> Membership | None:
        """Lock a vault and its account, and return the user's membership.

        A removal of the member waits for the lock, and then revokes the new share.
        """
        cursor = self._connection.cursor(row_factory=class_row(Membership))
        await cursor.execute(_MEMBERSHIP, {"vault": vault_id, "user": self._user_id})
        return await cursor.fetchone()

    async def count_live(self, account_id: UUID) -> int:
        """Return how many shares of an account's vaults have not ended."""
        cursor = self._connection.cursor(row_factory=scalar_row)
        await cursor.execute(_COUNT_LIVE, (account_id,))
        count: int | None = await cursor.fetchone()
        return count or 0

    async def add(self, share: NewShare) -> UUID:
        """Store a share, and return its id."""
        cursor = self._connection.cursor(row_factory=scalar_row)
        values = {name: getattr(share, name) for name in share.__slots__}
        await cursor.execute(_ADD, values)
        found: UUID | None = await cursor.fetchone()
        assert found is not None
        return found

    async def page(
        self,
        *,
        vault_id: UUID | None,
        item_id: UUID | None,
        ended: bool,
        before: tuple[datetime, UUID] | None,
        limit: int,
    ) -> list[ManagedShare]:
        """Return shares that the user manages, the newest first."""
        time, id = before or (None, None)
        values = {
            "user": self._user_id,
            "vault": vault_id,
            "item": item_id,
            "ended": ended,
            "before_time": time,
            "before_id": id,
            "limit": limit,
        }
        cursor = self._connection.cursor(row_factory=class_row(ManagedShare))
        await cursor.execute(_LIST, values)
        return await cursor.fetchall()

    async def find(self, share_id: UUID) -> ManagedShare | None:
        """Return a share; None if the user does not manage it."""
        cursor = self._connection.cursor(row_factory=class_row(ManagedShare))
        await cursor.execute(_FIND, {"user": self._user_id, "share": share_id})
        return await cursor.fetchone()

    async def versions(
        self, wanted: Sequence[tuple[UUID, UUID]], rules: int
    ) -> dict[UUID, VersionOf]:
        """Return the versions with these vaults and ids, by id."""
        cursor = self._connection.cursor(row_factory=class_row(VersionOf))
        await cursor.execute(
            _VERSIONS,
            {
                "user": self._user_id,
                "vaults": [vault for vault, _ in wanted],
                "versions": [version for _, version in wanted],
                "rules": rules,
            },
        )
        return {each.version_id: each for each in await cursor.fetchall()}

    async def set_life(self, share: ManagedShare, life: timedelta | None) -> None:
        """Set when a share expires, from now on; None is never."""
        await self._connection.execute(
            "UPDATE shares SET expires_at = now() + %s WHERE vault_id = %s AND id = %s",
            (life, share.vault_id, share.id),
        )

    async def set_password(
        self, share: ManagedShare, password_hash: str | None
    ) -> None:
        """Set or remove the password; browsers that have given the old one lose it."""
        await self._connection.execute(
            "UPDATE shares SET password_hash = %s WHERE vault_id = %s AND id = %s",
            (password_hash, share.vault_id, share.id),
        )

    async def set_max_views(self, share: ManagedShare, max_views: int | None) -> None:
        """Set or remove the limit of views."""
        await self._connection.execute(
            "UPDATE shares SET max_views = %s WHERE vault_id = %s AND id = %s",
            (max_views, share.vault_id, share.id),
        )

    async def note(
        self, vault_id: UUID, action: str, subject: str, share_id: UUID
    ) -> None:
        """Add a line to the activity of a vault; it has no text and no link."""
        await self._connection.execute(
            """
            INSERT INTO activities
                   (account_id, vault_id, actor, actor_email, action, subject, details)
            SELECT v.account_id, v.id, u.id, u.email, %s, %s, %s
              FROM vaults v JOIN vault_members m ON m.vault_id = v.id
              JOIN users u ON u.id = m.user_id
             WHERE v.id = %s AND m.user_id = %s
            """,
            (
                *(action, subject, Jsonb({"share": str(share_id)})),
                *(vault_id, self._user_id),
            ),
        )

    async def revoke(self, share: ManagedShare) -> bool:
        """End a share for good; return False if it had been revoked before."""
        cursor = await self._connection.execute(
            "UPDATE shares SET revoked_at = now(), revoked_by = %s"
            " WHERE vault_id = %s AND id = %s AND revoked_at IS NULL",
            (self._user_id, share.vault_id, share.id),
        )
        return cursor.rowcount > 0
