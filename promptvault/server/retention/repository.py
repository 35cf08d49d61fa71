"""What may be forgotten, found and deleted; the clock is the caller's."""

from datetime import datetime, timedelta
from uuid import UUID

from promptvault.server.database import Connection

DEVICE_LIFE = timedelta(days=180)
"""A device that was not seen for so long is waited for no more."""
DELETION_LIFE = timedelta(days=30)
"""So long at least a deletion is remembered, whoever has read of it."""

_CANDIDATES = """
SELECT vault_id FROM items WHERE deleted
UNION
SELECT vault_id FROM sides WHERE resolved
"""

# Numbers are given in the order of time, so what a revision of that age reaches is as
# old. Where all devices are gone, age alone decides.
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
SELECT max(seq) FROM (
    SELECT seq FROM items
     WHERE vault_id = %(vault)s AND deleted AND seq <= (SELECT seq FROM reach)
    UNION ALL
    SELECT seq FROM sides
     WHERE vault_id = %(vault)s AND resolved AND seq <= (SELECT seq FROM reach)
     ORDER BY seq LIMIT %(most)s) AS found
"""

_EXPIRED = (
    "DELETE FROM sessions WHERE expires_at < %s",
    "DELETE FROM sign_ups WHERE expires_at < %s",
    "DELETE FROM account_links WHERE expires_at < %s",
    "DELETE FROM known_networks WHERE used_at < %s::timestamptz - interval '180 days'",
    "DELETE FROM device_codes WHERE expires_at < %s::timestamptz - interval '1 hour'",
    "DELETE FROM provider_sign_ins WHERE expires_at < %s",
    "DELETE FROM external_events"
    " WHERE created_at < %s::timestamptz - interval '30 days'",
    "DELETE FROM tokens"
    " WHERE least(expires_at, revoked_at) < %s::timestamptz - interval '30 days'",
    "DELETE FROM devices WHERE created_at < %s::timestamptz - interval '30 days'"
    " AND NOT EXISTS (SELECT 1 FROM tokens WHERE device_id = devices.id)",
    "DELETE FROM rate_limits WHERE updated_at < %s::timestamptz - interval '1 day'",
)

# Whoever does it first on a day; the others find that it was done.
_CLAIM = """
INSERT INTO server_settings (name, value) VALUES ('purged_at', %(now)s::text)
    ON CONFLICT (name) DO UPDATE SET value = excluded.value
 WHERE server_settings.value::timestamptz <= %(now)s::timestamptz - interval '1 day'
"""


class RetentionRepository:
    """Reads and writes within the caller's transaction."""

    def __init__(self, connection: Connection, now: datetime) -> None:
        self._connection, self._now = connection, now

    async def candidates(self) -> list[UUID]:
        """Return the vaults in which something is deleted or settled."""
        cursor = await self._connection.execute(_CANDIDATES)
        return sorted(row[0] for row in await cursor.fetchall())

    async def lock(self, vault_id: UUID) -> None:
        """Lock a vault, as a push does."""
        await self._connection.execute(
            "SELECT 1 FROM vaults WHERE id = %s FOR NO KEY UPDATE", (vault_id,)
        )

    async def last(self, vault_id: UUID, most: int) -> int | None:
        """Return up to which number deletions may be forgotten, *most* at a time.

        None where there are none: a device that is late would begin anew for nothing.
        """
        cursor = await self._connection.execute(
            _LAST,
            {
                "vault": vault_id,
                "old": self._now - DELETION_LIFE,
                "lost": self._now - DEVICE_LIFE,
                "most": most,
            },
        )
        row = await cursor.fetchone()
        return row[0] if row else None

    async def forget_devices(self, vault_id: UUID) -> None:
        """Forget how far devices had read that were not seen for long."""
        await self._connection.execute(
            "DELETE FROM device_cursors WHERE vault_id = %s AND seen_at <= %s",
            (vault_id, self._now - DEVICE_LIFE),
        )

    async def forget_expired(self) -> int:
        """Delete what nobody can use any more, and return how much it was."""
        count = 0
        for query in _EXPIRED:
            cursor = await self._connection.execute(query, (self._now,))
            count += cursor.rowcount
        return count

    async def claim(self) -> bool:
        """Return whether it is up to the caller to purge today."""
        cursor = await self._connection.execute(_CLAIM, {"now": self._now})
        return cursor.rowcount == 1
