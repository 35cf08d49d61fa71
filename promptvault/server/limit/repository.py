"""Token buckets in PostgreSQL: one row a bucket, one statement to take a token."""

from psycopg.rows import scalar_row

from promptvault.server.database import Connection
from promptvault.server.limit.rule import Limit


def take_from_known(
    burst: str = "%(burst)s", per_second: str = "%(per_second)s"
) -> str:
    """Return the end of an INSERT that takes a token from a bucket ``r`` that exists.

    The row stores what is left in the bucket. A value below zero means that the last
    request was refused, which takes no token: the value is then what was missing to a
    whole token, so 1 more than the value is left.
    """
    return f"""
    ON CONFLICT (key) DO UPDATE SET
        tokens = least(
            {burst},
            r.tokens + (r.tokens < 0)::int + {per_second} * greatest(
                0, extract(epoch FROM excluded.updated_at - r.updated_at)::float8)
        ) - 1,
        updated_at = excluded.updated_at
    RETURNING tokens
    """


_TAKE = f"""
INSERT INTO rate_limits AS r (key, tokens, updated_at)
VALUES (%(key)s, %(burst)s - 1, statement_timestamp())
{take_from_known()}
"""

_FORGET_IDLE = """
DELETE FROM rate_limits WHERE key IN (
    SELECT key FROM rate_limits WHERE updated_at < now() - interval '1 day'
       FOR UPDATE SKIP LOCKED)
"""


class LimitRepository:
    """Reads and writes buckets within one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def take(self, key: str, limit: Limit) -> float:
        """Take a token and return what is left.

        A value below zero means that none was left, and how much was missing to one.
        """
        cursor = self._connection.cursor(row_factory=scalar_row)
        await cursor.execute(
            _TAKE,
            {"key": key, "burst": limit.burst, "per_second": limit.per_second},
        )
        left: float | None = await cursor.fetchone()
        assert left is not None
        return left

    async def forget_idle(self) -> None:
        """Delete buckets that were not used for a day. By then each is full again."""
        await self._connection.execute(_FORGET_IDLE)
