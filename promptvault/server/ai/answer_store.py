"""Answers by the key of their request, encrypted, for 24 hours."""

import contextlib
import hmac
import os
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from promptvault.errors import ConflictError
from promptvault.server.database import Database
from promptvault.server.redis.client import Redis, RedisAwayError
from promptvault.server.token.secret import hash_secret

RUNNING_SECONDS = 600
"""A first request that has not ended by then was killed."""
KEPT_SECONDS = 24 * 3600
_NONCE_BYTES = 12
_CACHED_MS = 3_600_000
_CACHED_BYTES = 64 * 1024

# A row without an answer is a claim. Of many requests at once, one gets the row.
_CLAIM = f"""
INSERT INTO ai_answers AS a (account_id, hash) VALUES (%(account)s, %(hash)s)
ON CONFLICT (account_id, hash) DO UPDATE SET created_at = now(), answer = NULL
 WHERE a.created_at < now() - interval '1 second' * CASE
       WHEN a.answer IS NULL THEN {RUNNING_SECONDS} ELSE {KEPT_SECONDS} END
RETURNING hash
"""
_FORGET_OLD = f"""
DELETE FROM ai_answers
 WHERE created_at < now() - interval '{KEPT_SECONDS} seconds'
"""


class AnswerStore:
    """Gives the first answer again to the same request with the same key.

    The database alone decides which request is the first. A Redis saves it the reading
    of answers, for an hour: a request whose connection was cut is repeated soon.
    """

    def __init__(
        self, database: Database, secret: str, redis: Redis | None = None
    ) -> None:
        self._database, self._redis = database, redis
        self._secret = secret
        key = hmac.digest(secret.encode(), b"answers of the server's model", "sha256")
        self._cipher = AESGCM(key)

    def hash_of(self, key: str, request: bytes) -> str:
        """Return what is stored in place of a key and its request."""
        body = hmac.digest(self._secret.encode(), request, "sha256").hex()
        return hash_secret(self._secret, f"{body}:{key}")

    async def claim(self, account_id: UUID, hash: str) -> bytes | None:
        """Return the stored answer; None if this request is the first.

        Raises ConflictError while the first one is being answered.
        """
        if (sealed := await self._cached(account_id, hash)) is not None:
            return self._decrypted(sealed, hash)
        values = {"account": account_id, "hash": hash}
        async with self._database.statements() as connection:
            cursor = await connection.execute(_CLAIM, values)
            if await cursor.fetchone() is not None:
                return None
            cursor = await connection.execute(
                "SELECT answer FROM ai_answers"
                " WHERE account_id = %(account)s AND hash = %(hash)s",
                values,
            )
            row = await cursor.fetchone()
        if row is None or row[0] is None:
            raise ConflictError("The first request with this key is still running.")
        return self._decrypted(row[0], hash)

    async def keep(self, account_id: UUID, hash: str, answer: bytes) -> None:
        """Store the answer to a claimed request."""
        nonce = os.urandom(_NONCE_BYTES)
        sealed = nonce + self._cipher.encrypt(nonce, answer, hash.encode())
        async with self._database.statements() as connection:
            await connection.execute(
                "UPDATE ai_answers SET answer = %s WHERE account_id = %s AND hash = %s",
                (sealed, account_id, hash),
            )
        if self._redis is not None and len(sealed) <= _CACHED_BYTES:
            with contextlib.suppress(RedisAwayError):
                await self._redis.set(_name(account_id, hash), sealed, _CACHED_MS)

    async def _cached(self, account_id: UUID, hash: str) -> bytes | None:
        """Return the answer that Redis has."""
        if self._redis is None:
            return None
        with contextlib.suppress(RedisAwayError):
            return await self._redis.get(_name(account_id, hash))
        return None

    async def release(self, account_id: UUID, hash: str) -> None:
        """Give up a claim, since there is no answer."""
        async with self._database.statements() as connection:
            await connection.execute(
                "DELETE FROM ai_answers"
                " WHERE account_id = %s AND hash = %s AND answer IS NULL",
                (account_id, hash),
            )

    async def forget_old(self) -> None:
        """Delete answers that are older than a day."""
        async with self._database.statements() as connection:
            await connection.execute(_FORGET_OLD)

    def _decrypted(self, sealed: bytes, hash: str) -> bytes:
        """Return an answer; raises ConflictError if it was stored by another secret."""
        nonce, text = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
        try:
            return self._cipher.decrypt(nonce, text, hash.encode())
        except InvalidTag:
            raise ConflictError(
                "The answer to this key cannot be read any more: use another key."
            ) from None


def _name(account_id: UUID, hash: str) -> str:
    return f"answer:{account_id}:{hash}"
