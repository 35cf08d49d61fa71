"""Device codes in the database. One statement changes a status, and only once."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from psycopg.rows import class_row

from promptvault.server.database import Connection


@dataclass(frozen=True, slots=True)
class WaitingDevice:
    """A device that waits for approval, as the page shows it."""

    user_code: str
    device_label: str
    device_os: str
    ip: str
    created_at: datetime
    wants_manage: bool
    """Whether it asks for the right to manage teams."""


@dataclass(frozen=True, slots=True)
class Approval:
    """An approved device and its user."""

    user_id: UUID
    device_label: str
    device_os: str
    may_manage: bool
    """Whether the user let it manage teams."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What a user decided about a device."""

    device_label: str
    is_approved: bool
    may_manage: bool


@dataclass(frozen=True, slots=True)
class Poll:
    """The state of a request when its device polls."""

    status: str
    is_expired: bool
    is_hasty: bool
    """Whether the device polled too early."""


class DeviceCodeRepository:
    """Reads and writes device codes within one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def add(
        self,
        code_hash: str,
        user_code: str,
        *,
        label: str,
        os: str,
        ip: str,
        life: timedelta,
        interval: int,
        wants_manage: bool,
    ) -> bool:
        """Store a request; return False if the user code is taken.

        *interval* is the number of seconds between two polls.
        """
        cursor = await self._connection.execute(
            """
            INSERT INTO device_codes (hash, user_code, status, device_label, device_os,
                                      ip, expires_at, interval_seconds,
                                      wants_manage)
            VALUES (%s, %s, 'pending', %s, %s, %s, now() + %s, %s, %s)
            ON CONFLICT (user_code) DO NOTHING
            """,
            (code_hash, user_code, label, os, ip, life, interval, wants_manage),
        )
        return cursor.rowcount == 1

    async def forget_old(self) -> None:
        """Delete requests that expired an hour ago."""
        await self._connection.execute(
            "DELETE FROM device_codes WHERE expires_at < now() - interval '1 hour'"
        )

    async def find_pending(self, user_code: str) -> WaitingDevice | None:
        """Return the request that waits with a user code, or None."""
        cursor = self._connection.cursor(row_factory=class_row(WaitingDevice))
        await cursor.execute(
            """
            SELECT user_code, device_label, device_os, ip, created_at, wants_manage
              FROM device_codes
             WHERE user_code = %s AND status = 'pending' AND expires_at > now()
            """,
            (user_code,),
        )
        return await cursor.fetchone()

    async def decide(
        self, user_code: str, user_id: UUID, status: str, may_manage: bool
    ) -> bool:
        """Approve or deny a waiting request; return False if there is none.

        With *may_manage* the device may manage teams, if it has asked for that.

        The device gets at least one more minute to fetch its token.
        """
        cursor = await self._connection.execute(
            """
            UPDATE device_codes SET status = %s, user_id = %s,
                   may_manage = wants_manage AND %s,
                   expires_at = greatest(expires_at, now() + interval '1 minute')
             WHERE user_code = %s AND status = 'pending' AND expires_at > now()
            """,
            (status, user_id, may_manage, user_code),
        )
        return cursor.rowcount == 1

    async def find_decision(self, user_code: str, user_id: UUID) -> Decision | None:
        """Return what a user decided about a request, until it is deleted."""
        cursor = self._connection.cursor(row_factory=class_row(Decision))
        await cursor.execute(
            """
            SELECT device_label, status <> 'denied' AS is_approved, may_manage
              FROM device_codes
             WHERE user_code = %s AND user_id = %s AND status <> 'pending'
            """,
            (user_code, user_id),
        )
        return await cursor.fetchone()

    async def exchange(self, code_hash: str) -> Approval | None:
        """Use up an approved request. Of concurrent calls, one gets it."""
        cursor = self._connection.cursor(row_factory=class_row(Approval))
        await cursor.execute(
            """
            UPDATE device_codes SET status = 'used'
             WHERE hash = %s AND status = 'approved' AND expires_at > now()
            RETURNING user_id, device_label, device_os, may_manage
            """,
            (code_hash,),
        )
        return await cursor.fetchone()

    async def note_manager(self, approval: Approval) -> None:
        """Record in the user's activity that a device may manage teams."""
        await self._connection.execute(
            """
            INSERT INTO activities (account_id, actor, actor_email, action, subject)
            SELECT account_id, id, email, 'device.let_in', %s FROM users WHERE id = %s
            """,
            (approval.device_label, approval.user_id),
        )

    async def poll(self, code_hash: str, tolerance: int) -> Poll | None:
        """Note that a device polls; after a hasty poll its interval is 5 s longer.

        *tolerance* is how many seconds too early a poll may arrive.
        """
        cursor = self._connection.cursor(row_factory=class_row(Poll))
        await cursor.execute(
            """
            WITH asked AS (
                SELECT id, coalesce(last_polled_at > now() - make_interval(
                           secs => interval_seconds - %s), false) AS is_hasty
                  FROM device_codes WHERE hash = %s FOR UPDATE)
            UPDATE device_codes d
               SET last_polled_at = now(),
                   interval_seconds = interval_seconds + 5 * is_hasty::int
              FROM asked WHERE d.id = asked.id
            RETURNING status, expires_at <= now() AS is_expired, is_hasty
            """,
            (tolerance, code_hash),
        )
        return await cursor.fetchone()
