"""Finding and deleting old rows; the caller passes the time."""

from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

from promptvault.server.database import Connection

DEVICE_LIFE = timedelta(days=180)
"""Deletions are not kept for a device that was not seen for this long."""
DELETION_LIFE = timedelta(days=30)
"""A deletion is kept at least this long, even if every device has read it."""

# One vault after the other, because the indexes begin with the vault.
_NEXT_VAULT = """
SELECT vault_id FROM (
       (SELECT vault_id FROM items WHERE deleted AND vault_id > %(after)s
         ORDER BY vault_id LIMIT 1)
       UNION ALL
       (SELECT vault_id FROM sides WHERE resolved AND vault_id > %(after)s
         ORDER BY vault_id LIMIT 1)) AS found
 ORDER BY vault_id LIMIT 1
"""
BEFORE_ALL = UUID(int=0)
"""Lower than any random id."""

# The work under one lock is bounded: so many deletions, and so many versions of them. A
# single prompt may have more versions.
_MOST_DELETIONS = 1000
_MOST_VERSIONS = 10_000

# Sequence numbers grow with time, so rows up to the number of an old revision are old.
# If no device is left, the age alone decides.
_LAST = """
WITH reach AS (
    SELECT least(
        (SELECT max(seq) FROM revisions
          WHERE vault_id = %(vault)s AND created_at < %(old)s),
        (SELECT min(seq) FROM device_cursors
          WHERE vault_id = %(vault)s AND seen_at > %(lost)s)
    ) AS seq WHERE EXISTS (
         SELECT FROM revisions WHERE vault_id = %(vault)s AND created_at < %(old)s)
)
, found AS (
    SELECT seq, item_id FROM items
     WHERE vault_id = %(vault)s AND deleted AND seq <= (SELECT seq FROM reach)
    UNION ALL
    SELECT seq, item_id FROM sides
     WHERE vault_id = %(vault)s AND resolved AND seq <= (SELECT seq FROM reach)
     ORDER BY seq LIMIT %(most)s
), counted AS (
    SELECT found.seq, row_number() OVER (ORDER BY found.seq) AS nth,
           sum(last.number) OVER (ORDER BY found.seq) AS versions
      FROM found LEFT JOIN LATERAL (
           SELECT number FROM versions v
            WHERE v.vault_id = %(vault)s AND v.item_id = found.item_id
            ORDER BY v.seq DESC, v.position DESC LIMIT 1) AS last ON true
)
SELECT max(seq) FROM counted
 WHERE nth = 1 OR coalesce(versions, 0) <= %(versions)s
"""

_MARKS = """
DELETE FROM marks WHERE vault_id = %(vault)s AND seq < (
    SELECT min(seq) FROM device_cursors WHERE vault_id = %(vault)s)
"""

_STORED = """
SELECT a.plan, a.stored_bytes
  FROM accounts a JOIN vaults v ON v.account_id = a.id WHERE v.id = %(vault)s
"""
_CROWDED = 0.9
"""The share of the limit at which an account is nearly full. A change may need all
of the rest."""

_BATCH = 1000
"""Rows that are deleted in one transaction."""

# Each has an index for its condition. Rows that are locked are left for the next purge.
_EXPIRED = (
    """DELETE FROM sessions WHERE id IN (
        SELECT id FROM sessions WHERE expires_at < %(now)s
         ORDER BY expires_at LIMIT %(batch)s FOR UPDATE SKIP LOCKED)""",
    """DELETE FROM sign_ups WHERE id IN (
        SELECT id FROM sign_ups WHERE expires_at < %(now)s
         ORDER BY expires_at LIMIT %(batch)s FOR UPDATE SKIP LOCKED)""",
    """DELETE FROM device_codes WHERE id IN (
        SELECT id FROM device_codes
         WHERE expires_at < %(now)s::timestamptz - interval '1 hour'
         ORDER BY expires_at LIMIT %(batch)s FOR UPDATE SKIP LOCKED)""",
    """DELETE FROM provider_sign_ins WHERE id IN (
        SELECT id FROM provider_sign_ins WHERE expires_at < %(now)s
         ORDER BY expires_at LIMIT %(batch)s FOR UPDATE SKIP LOCKED)""",
    """DELETE FROM external_events WHERE id IN (
        SELECT id FROM external_events
         WHERE created_at < %(now)s::timestamptz - interval '30 days'
         ORDER BY created_at LIMIT %(batch)s FOR UPDATE SKIP LOCKED)""",
    """DELETE FROM tokens WHERE id IN (
        SELECT id FROM tokens
         WHERE least(expires_at, revoked_at)
             < %(now)s::timestamptz - interval '30 days'
         ORDER BY least(expires_at, revoked_at) LIMIT %(batch)s
           FOR UPDATE SKIP LOCKED)""",
    """DELETE FROM account_links WHERE id IN (
        SELECT id FROM account_links WHERE expires_at < %(now)s
         ORDER BY expires_at LIMIT %(batch)s FOR UPDATE SKIP LOCKED)""",
    """DELETE FROM known_networks WHERE (user_id, hash) IN (
        SELECT user_id, hash FROM known_networks
         WHERE used_at < %(now)s::timestamptz - interval '180 days'
         ORDER BY used_at LIMIT %(batch)s FOR UPDATE SKIP LOCKED)""",
    """DELETE FROM shares WHERE id IN (
        SELECT id FROM shares
         WHERE least(expires_at, revoked_at)
             < %(now)s::timestamptz - interval '90 days'
         ORDER BY least(expires_at, revoked_at) LIMIT %(batch)s
           FOR UPDATE SKIP LOCKED)""",
    """DELETE FROM shares WHERE id IN (
        SELECT id FROM shares
         WHERE views >= max_views
           AND last_view_at < %(now)s::timestamptz - interval '90 days'
         ORDER BY last_view_at LIMIT %(batch)s FOR UPDATE SKIP LOCKED)""",
    """DELETE FROM invitations WHERE id IN (
        SELECT id FROM invitations
         WHERE least(expires_at, revoked_at)
             < %(now)s::timestamptz - interval '30 days'
         ORDER BY least(expires_at, revoked_at) LIMIT %(batch)s
           FOR UPDATE SKIP LOCKED)""",
    """DELETE FROM activities WHERE id IN (
        SELECT l.id FROM activities l JOIN accounts a ON a.id = l.account_id
         WHERE l.created_at < %(now)s::timestamptz - interval '90 days'
           AND (a.plan <> 'enterprise'
                OR l.created_at < %(now)s::timestamptz - interval '2 years')
         ORDER BY l.created_at LIMIT %(batch)s FOR UPDATE OF l SKIP LOCKED)""",
    """DELETE FROM ai_answers WHERE (account_id, hash) IN (
        SELECT account_id, hash FROM ai_answers
         WHERE created_at < %(now)s::timestamptz - interval '1 day'
         ORDER BY created_at LIMIT %(batch)s FOR UPDATE SKIP LOCKED)""",
    # The months keep the sums.
    """DELETE FROM ai_requests WHERE id IN (
        SELECT id FROM ai_requests
         WHERE created_at < %(now)s::timestamptz - interval '90 days'
           AND state <> 'open'
         ORDER BY created_at LIMIT %(batch)s FOR UPDATE SKIP LOCKED)""",
    """DELETE FROM ai_months WHERE (account_id, month) IN (
        SELECT account_id, month FROM ai_months
         WHERE month < %(now)s::timestamptz - interval '2 years'
         ORDER BY month LIMIT %(batch)s FOR UPDATE SKIP LOCKED)""",
    """DELETE FROM jobs WHERE id IN (
        SELECT id FROM jobs
         WHERE dead_at < %(now)s::timestamptz - interval '30 days'
         ORDER BY dead_at LIMIT %(batch)s FOR UPDATE SKIP LOCKED)""",
)

# These two have no index for old rows. Most devices are old, and an index on the time
# of a rate limit would slow down each request. All their rows are read, by key, in
# batches.
_PIECES = {
    "devices": """
WITH piece AS (
    SELECT id AS key FROM devices WHERE id > %(after)s::uuid
     ORDER BY id LIMIT %(batch)s
), gone AS (
    DELETE FROM devices USING piece
     WHERE id = key AND created_at < %(now)s::timestamptz - interval '30 days'
       AND NOT EXISTS (SELECT 1 FROM tokens WHERE device_id = devices.id)
    RETURNING id
)
SELECT (SELECT count(*) FROM gone), (SELECT key::text FROM piece
         ORDER BY key DESC LIMIT 1)
""",
    "rate_limits": """
WITH piece AS (
    SELECT r.key FROM rate_limits r WHERE r.key > %(after)s
     ORDER BY r.key LIMIT %(batch)s
), gone AS (
    DELETE FROM rate_limits l USING piece
     WHERE l.key = piece.key
       AND l.updated_at < %(now)s::timestamptz - interval '1 day'
    RETURNING l.key
)
SELECT (SELECT count(*) FROM gone), (SELECT key FROM piece
         ORDER BY key DESC LIMIT 1)
""",
}
_FIRST_KEYS = {"devices": str(BEFORE_ALL), "rate_limits": ""}


class RetentionRepository:
    """Reads and writes within the caller's transaction."""

    def __init__(self, connection: Connection, now: datetime) -> None:
        self._connection, self._now = connection, now

    async def next_vault(self, after: UUID) -> UUID | None:
        """Return the first vault after an id with tombstones or settled sides.

        None means that there are no more.
        """
        cursor = await self._connection.execute(_NEXT_VAULT, {"after": after})
        row = await cursor.fetchone()
        return row[0] if row else None

    async def is_nearly_full(
        self, vault_id: UUID, storage_limit: Callable[[str], int | None]
    ) -> bool:
        """Return True if the vault's account stores nearly as much as it may.

        *storage_limit* returns the bytes that a plan allows, None without limit.
        """
        cursor = await self._connection.execute(_STORED, {"vault": vault_id})
        row = await cursor.fetchone()
        if row is None:  # it was erased in the meantime
            return False
        plan, stored = row
        limit = storage_limit(plan)
        return limit is not None and stored >= _CROWDED * limit

    async def lock(self, vault_id: UUID) -> None:
        """Lock a vault as a push does."""
        await self._connection.execute(
            "SELECT 1 FROM vaults WHERE id = %s FOR NO KEY UPDATE", (vault_id,)
        )

    async def last(self, vault_id: UUID, life: timedelta) -> int | None:
        """Return the sequence number up to which to purge now.

        Deletions are kept for *life* at least. Returns None if there are none to purge:
        then the horizon must not move, since late devices would read everything again.
        """
        cursor = await self._connection.execute(
            _LAST,
            {
                "vault": vault_id,
                "old": self._now - life,
                "lost": self._now - DEVICE_LIFE,
                "most": _MOST_DELETIONS,
                "versions": _MOST_VERSIONS,
            },
        )
        row = await cursor.fetchone()
        return row[0] if row else None

    async def forget_devices(self, vault_id: UUID) -> None:
        """Delete the cursors of devices that were not seen for `DEVICE_LIFE`."""
        await self._connection.execute(
            "DELETE FROM device_cursors WHERE vault_id = %s AND seen_at <= %s",
            (vault_id, self._now - DEVICE_LIFE),
        )

    async def forget_marks(self, vault_id: UUID) -> None:
        """Delete the marks of writes that every device has read.

        A device whose own mark is deleted reads everything again.
        """
        await self._connection.execute(_MARKS, {"vault": vault_id})

    async def forget_expired(self) -> int:
        """Delete expired rows, and return their number.

        Commits after each thousand rows.
        """
        count = 0
        for query in _EXPIRED:
            deleted = _BATCH
            while deleted == _BATCH:
                values = {"now": self._now, "batch": _BATCH}
                deleted = (await self._connection.execute(query, values)).rowcount
                await self._connection.commit()
                count += deleted
        for table, query in _PIECES.items():
            count += await self._forget_pieces(query, _FIRST_KEYS[table])
        return count

    async def _forget_pieces(self, query: str, first: str) -> int:
        count, after = 0, first
        while after is not None:
            values = {"now": self._now, "batch": _BATCH, "after": after}
            cursor = await self._connection.execute(query, values)
            ((deleted, after),) = await cursor.fetchall()
            await self._connection.commit()
            count += deleted
        return count
