"""Tokens in the database, found by their hash."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from psycopg.rows import class_row, scalar_row

from promptvault.server.database import Connection
from promptvault.server.limit.repository import take_from_known
from promptvault.server.limit.rule import Limit


@dataclass(frozen=True, slots=True)
class Bearer:
    """A valid token and its user."""

    token_id: UUID
    user_id: UUID
    account_id: UUID
    device_id: UUID | None
    email: str
    role: str
    scopes: list[str]
    is_touch_due: bool
    """Whether its last use was stored a minute ago or more."""
    roster: int
    """Changes with the user's vaults; see `wire.sync.SyncAnswer`."""
    requests_left: float = 0
    """In the bucket of its device or machine; below zero, what is missing to one."""
    account_requests_left: float | None = 0
    """In the bucket of its account; None if the device has none left."""
    is_confirmed: bool = True
    """Whether the token is known to be valid. If not, address, role and roster are not
    known either; see `known_bearers`."""

    def counted(self, left: float, account_left: float | None = None) -> "Bearer":
        """Return the bearer with what its request has left in the buckets."""
        return replace(self, requests_left=left, account_requests_left=account_left)


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A device with a valid token, or a valid token without a device."""

    id: UUID
    """Of the device, or of a machine's token."""
    label: str
    os: str
    is_machine: bool
    is_current: bool
    created_at: datetime
    last_seen_at: datetime | None
    expires_at: datetime


_IS_VALID = """
t.revoked_at IS NULL AND t.expires_at > now()
AND u.deleted_at IS NULL AND a.deleted_at IS NULL
"""
_BEARER = f"""
SELECT t.id AS token_id, t.user_id, u.account_id, t.device_id, u.email, u.role,
       t.scopes, u.roster_version AS roster,
       coalesce(t.last_used_at < now() - interval '1 minute', true) AS is_touch_due
  FROM tokens t
  JOIN users u ON u.id = t.user_id
  JOIN accounts a ON a.id = u.account_id
 WHERE t.hash = %(hash)s AND {_IS_VALID}
"""
VALID_ROSTER = f"""
SELECT u.roster_version
  FROM tokens t
  JOIN users u ON u.id = t.user_id
  JOIN accounts a ON a.id = u.account_id
 WHERE t.id = %(token)s AND t.user_id = %(user)s AND {_IS_VALID}
"""
"""The roster of the user of a token; no row if the token is no longer valid."""


class TokenRepository:
    """Reads and writes tokens within one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def find(self, token_hash: str) -> Bearer | None:
        """Return the bearer of a token, and count nothing; None as `find_bearer`."""
        cursor = self._connection.cursor(row_factory=class_row(Bearer))
        await cursor.execute(_BEARER, {"hash": token_hash})
        return await cursor.fetchone()

    async def valid_roster(self, token_id: UUID, user_id: UUID) -> int | None:
        """Return the roster of the token's user; None if it is not valid any more."""
        cursor = self._connection.cursor(row_factory=scalar_row)
        await cursor.execute(VALID_ROSTER, {"token": token_id, "user": user_id})
        roster: int | None = await cursor.fetchone()
        return roster

    async def find_bearer(
        self, token_hash: str, limit: Limit, account_limit: Limit
    ) -> Bearer | None:
        """Return the bearer of a token; None if it is unknown, expired or revoked.

        The same statement counts the request for the device, by *limit*, and then for
        the account, by *account_limit*. A device over its limit takes nothing from the
        account's bucket.
        """
        cursor = self._connection.cursor(row_factory=class_row(Bearer))
        await cursor.execute(
            f"""
            WITH bearer AS ({_BEARER}), taken AS (
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
        """Store that a token and its device were used, and extend the token by *life*.

        If another request does the same, this one does not wait for it.
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
        """Store the hash of a token, and return when the token expires."""
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
        """Return a user's devices and machine tokens, the last used first.

        *token_id* is the token of the request, if it has one.
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
        """Revoke the tokens of a user's device, or one machine token.

        *signed_in_id* is an id of `signed_in`. Returns True if there was a valid token.
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
        """Revoke all tokens of a user."""
        await self._connection.execute(
            "UPDATE tokens SET revoked_at = now()"
            " WHERE user_id = %s AND revoked_at IS NULL",
            (user_id,),
        )
