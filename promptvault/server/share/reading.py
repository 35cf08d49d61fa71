"""Shares in the database, for readers with a link. The token alone finds the share."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from psycopg.errors import ForeignKeyViolation
from psycopg.rows import class_row

from promptvault.secret_scan import RULES
from promptvault.server.database import Connection
from promptvault.server.limit.repository import take_from_known
from promptvault.server.limit.rule import Limit


@dataclass(frozen=True, slots=True)
class StoredShare:
    """A share, and its prompt at this moment."""

    id: UUID
    vault_id: UUID
    item_id: UUID
    mode: str
    version_id: UUID | None
    label: str | None
    token: str
    password_hash: str | None
    expires_at: datetime | None
    max_views: int | None
    views: int
    allow_secrets: bool
    show_author: bool
    is_paused: bool
    """Whether it was paused when it was read last."""
    is_revoked: bool
    is_expired: bool
    payload: bytes | None
    """The prompt; None if it is deleted, or if its team or account is."""
    now: datetime
    """The time of the database, which alone decides what has expired."""

    @property
    def is_used_up(self) -> bool:
        """Whether it was viewed as often as its limit allows."""
        return self.max_views is not None and self.views >= self.max_views

    @property
    def is_open(self) -> bool:
        """Whether the link alone shows the prompt, as often as it is opened."""
        return self.password_hash is None and self.max_views is None


@dataclass(frozen=True, slots=True)
class StoredVersion:
    """The version to show."""

    number: int
    payload: bytes
    kinds: list[str] | None
    """Of likely secrets; None if it was not looked at by the present rules."""


@dataclass(frozen=True, slots=True)
class Found:
    """What one statement returns: the state of the limit, and the share."""

    requests_left: float
    share: StoredShare | None


# One statement counts the visitor and finds the share.
_FIND = f"""
WITH counted AS (
    INSERT INTO rate_limits AS r (key, tokens, updated_at)
    VALUES (%(key)s, %(burst)s - 1, statement_timestamp())
    {take_from_known()}
)
SELECT counted.tokens, found.* FROM counted LEFT JOIN LATERAL (
    SELECT s.id, s.vault_id, s.item_id, s.mode, s.version_id, s.label, s.token,
           s.password_hash, s.expires_at, s.max_views, s.views, s.allow_secrets,
           s.show_author, s.paused_at IS NOT NULL AS is_paused,
           s.revoked_at IS NOT NULL AS is_revoked,
           coalesce(s.expires_at <= now(), false) AS is_expired,
           CASE WHEN NOT i.deleted AND a.deleted_at IS NULL
                 AND v.frozen_why IS DISTINCT FROM 'deleted' THEN i.payload END
               AS payload,
           now() AS now
      FROM shares s
      JOIN items i ON i.vault_id = s.vault_id AND i.item_id = s.item_id
      JOIN vaults v ON v.id = s.vault_id
      JOIN accounts a ON a.id = v.account_id
     WHERE s.token = %(token)s) AS found ON true
"""

# It looks at the share again: it may have been revoked since it was found.
_VERSION = """
SELECT v.number, v.payload, sc.kinds
  FROM versions v
  JOIN shares s
    ON s.vault_id = v.vault_id AND s.id = %(share)s AND s.revoked_at IS NULL
  LEFT JOIN share_scans sc
    ON sc.vault_id = v.vault_id AND sc.version_id = v.version_id
   AND sc.rules = %(rules)s
 WHERE v.vault_id = %(vault)s AND v.version_id = %(version)s AND v.item_id = %(item)s
"""

_COUNT = """
UPDATE shares SET views = views + 1, last_view_at = now()
 WHERE vault_id = %s AND id = %s AND revoked_at IS NULL
   AND (expires_at IS NULL OR expires_at > now())
   AND (max_views IS NULL OR views < max_views)
"""

_ADD_VIEWS = """
UPDATE shares SET views = views + seen.number, last_view_at = now()
  FROM unnest(%s::uuid[], %s::bigint[]) AS seen (id, number)
 WHERE shares.id = seen.id
"""

_NOTE_SCAN = """
INSERT INTO share_scans (vault_id, version_id, rules, kinds) VALUES (%s, %s, %s, %s)
    ON CONFLICT (vault_id, version_id) DO UPDATE
   SET rules = excluded.rules, kinds = excluded.kinds
"""


async def find_share(
    connection: Connection, token: str, limit: Limit, key: str
) -> Found:
    """Return the share with a token, and what is left in the bucket *key*.

    *connection* must commit each statement by itself, so that a request counts even if
    it fails.
    """
    values = {
        "token": token,
        "key": key,
        "burst": limit.burst,
        "per_second": limit.per_second,
    }
    cursor = await connection.execute(_FIND, values)
    ((left, *columns),) = await cursor.fetchall()
    share = StoredShare(*columns) if columns[0] is not None else None
    return Found(left, share)


async def find_version(
    connection: Connection, share: StoredShare, version_id: UUID
) -> StoredVersion | None:
    """Return a version of the prompt; None if it is deleted or the share is revoked."""
    cursor = connection.cursor(row_factory=class_row(StoredVersion))
    await cursor.execute(
        _VERSION,
        {
            "share": share.id,
            "vault": share.vault_id,
            "item": share.item_id,
            "version": version_id,
            "rules": RULES,
        },
    )
    return await cursor.fetchone()


async def count_view(connection: Connection, share: StoredShare) -> bool:
    """Count one view; return False if no view is left, or the share has ended."""
    cursor = await connection.execute(_COUNT, (share.vault_id, share.id))
    return cursor.rowcount == 1


async def add_views(connection: Connection, seen: Mapping[UUID, int]) -> None:
    """Add views of shares without a limit, by their ids."""
    await connection.execute(_ADD_VIEWS, ([*seen], [*seen.values()]))


async def note_scan(
    connection: Connection, vault_id: UUID, version_id: UUID, kinds: list[str]
) -> bool:
    """Store the findings in a version; return False if it is deleted."""
    values = (vault_id, version_id, RULES, kinds)
    try:
        async with connection.transaction():
            await connection.execute(_NOTE_SCAN, values)
    except ForeignKeyViolation:
        return False
    return True


async def pause(connection: Connection, share: StoredShare) -> bool:
    """Note that a share is paused; return True if this call did it."""
    cursor = await connection.execute(
        "UPDATE shares SET paused_at = now()"
        " WHERE vault_id = %s AND id = %s AND paused_at IS NULL",
        (share.vault_id, share.id),
    )
    return cursor.rowcount == 1


async def unpause(connection: Connection, share: StoredShare) -> None:
    """Note that a share shows a version without likely secrets again."""
    await connection.execute(
        "UPDATE shares SET paused_at = NULL WHERE vault_id = %s AND id = %s",
        (share.vault_id, share.id),
    )
