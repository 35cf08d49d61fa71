"""Tokens in the database, found by their hash."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from psycopg.rows import class_row

from promptvault.server.database import Connection
from promptvault.server.limit.repository import take_from_known
from promptvault.server.limit.rule import Limit


@dataclass(frozen=True, slots=True)
class Bearer:
    """A token that is good, and whose it is."""

    token_id: UUID
    user_id: UUID
    account_id: UUID
    device_id: UUID | None
    email: str
    role: str
    scopes: list[str]
    is_touch_due: bool
    """Whether its last use was written down a minute ago or more."""
    requests_left: float = 0
    """Of its device's, or a machine's; below zero, what was missing to one."""
    account_requests_left: float | None = 0
    """Of its account's, in the same way; None where its device has none left."""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A device with tokens that are good, or such a token that is of no device."""

    id: UUID
    label: str
    os: str
    is_machine: bool
    is_current: bool
    created_at: datetime
    last_seen_at: datetime | None
    expires_at: datetime


class TokenRepository:
    """Reads and writes tokens within one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def find_bearer(
        self, token_hash: str, limit: Limit, account_limit: Limit
    ) -> Bearer | None:
        """Return whose token it is; None for one unknown, expired or revoked.

        The request counts against *limit*, and then against *account_limit*, in the
        same statement. A device that is refused takes nothing from its account.
        """
        cursor = self._connection.cursor(row_factory=class_row(Bearer))
        await cursor.execute(
            f"""
            WITH bearer AS (
                SELECT t.id AS token_id, t.user_id, u.account_id, t.device_id, u.email,
                       u.role, t.scopes,
                       coalesce(t.last_used_at < now() - interval '1 minute', true)
                           AS is_touch_due
                  FROM tokens t
                  JOIN users u ON u.id = t.user_id
                  JOIN accounts a ON a.id = u.account_id
                 WHERE t.hash = %(hash)s
                   AND t.revoked_at IS NULL AND t.expires_at > now()
                   AND u.deleted_at IS NULL AND a.deleted_at IS NULL
            ), taken AS (
                INSERT INTO rate_limits AS r (key, tokens, updated_at)
                SELECT 'bearer:' || coalesce(device_id, token_id), %(burst)s - 1,
                       statement_timestamp()
                  FROM bearer
                {take_from_known()}
            ), shared AS (
                INSERT INTO rate_limits AS r (key, tokens, updated_at)
                SELECT 'account:' || account_id, %(account_burst)s - 1,
                       statement_timestamp()
                  FROM bearer, taken WHERE taken.tokens >= 0
                {take_from_known("%(account_burst)s", "%(account_per_second)s")}
            )
            SELECT bearer.*, taken.tokens AS requests_left,
                   shared.tokens AS account_requests_left
              FROM bearer, taken LEFT JOIN shared ON true
            """,
            {
                "hash": token_hash,
                "burst": limit.burst,
                "per_second": limit.per_second,
                "account_burst": account_limit.burst,
                "account_per_second": account_limit.per_second,
            },
        )
        return await cursor.fetchone()

    async def touch(self, bearer: Bearer, life: timedelta) -> None:
        """Write down that a token and its device are in use, and let it live on.

        A request never waits for another that does the same.
        """
        await self._connection.execute(
            """
            WITH used AS (
                UPDATE tokens SET last_used_at = now(), expires_at = now() + %s
                 WHERE id = (SELECT id FROM tokens WHERE id = %s
                                FOR UPDATE SKIP LOCKED)
                RETURNING device_id)
            UPDATE devices SET last_seen_at = now() FROM used
             WHERE devices.id = used.device_id
            """,
            (life, bearer.token_id),
        )

    async def add(
        self,
        token_hash: str,
        *,
        user_id: UUID,
        device_id: UUID | None,
        name: str,
        scopes: list[str],
        life: timedelta,
    ) -> datetime:
        """Store a token's hash and return when it expires."""
        cursor = await self._connection.execute(
            """
            INSERT INTO tokens (user_id, device_id, name, hash, scopes, expires_at)
            VALUES (%s, %s, %s, %s, %s, now() + %s) RETURNING expires_at
            """,
            (user_id, device_id, name, token_hash, scopes, life),
        )
        row = await cursor.fetchone()
        assert row is not None
        expires_at: datetime = row[0]
        return expires_at

    async def signed_in(
        self, user_id: UUID, token_id: UUID | None = None
    ) -> list[SignedIn]:
        """Return what is signed in as a user, the last seen first.

        *token_id* is the token that asks, if one does.
        """
        cursor = self._connection.cursor(row_factory=class_row(SignedIn))
        await cursor.execute(
            """
            SELECT coalesce(d.id, t.id) AS id, coalesce(d.label, t.name) AS label,
                   coalesce(d.os, '') AS os, d.id IS NULL AS is_machine,
                   coalesce(bool_or(t.id = %s), false) AS is_current,
                   min(coalesce(d.created_at, t.created_at)) AS created_at,
                   max(t.last_used_at) AS last_seen_at, max(t.expires_at) AS expires_at
              FROM tokens t
              LEFT JOIN devices d ON d.id = t.device_id AND d.user_id = t.user_id
             WHERE t.user_id = %s AND t.revoked_at IS NULL AND t.expires_at > now()
             GROUP BY 1, 2, 3, 4
             ORDER BY max(t.last_used_at) DESC NULLS LAST, 1
            """,
            (token_id, user_id),
        )
        return await cursor.fetchall()

    async def revoke(self, user_id: UUID, signed_in_id: UUID) -> bool:
        """End a user's tokens of a device, or one of a machine; tell if there was any.

        *signed_in_id* is what `signed_in` tells.
        """
        cursor = await self._connection.execute(
            """
            UPDATE tokens SET revoked_at = now()
             WHERE user_id = %s AND coalesce(device_id, id) = %s
               AND revoked_at IS NULL AND expires_at > now()
            """,
            (user_id, signed_in_id),
        )
        return cursor.rowcount > 0

    async def revoke_every(self, user_id: UUID) -> None:
        """End every token of a user's."""
        await self._connection.execute(
            "UPDATE tokens SET revoked_at = now()"
            " WHERE user_id = %s AND revoked_at IS NULL",
            (user_id,),
        )
