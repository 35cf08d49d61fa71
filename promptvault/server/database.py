"""PostgreSQL: the pool of connections, and one transaction for one request."""

import contextlib
import re
import time
from collections.abc import AsyncIterator
from typing import Any

import psycopg
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from promptvault.errors import UnavailableError
from promptvault.server.settings import Settings

_TRUSTED_SECONDS = 5.0
"""A connection that lay idle for longer is tried before it is used: the other side may
have gone to sleep or started anew."""


class Connection(psycopg.AsyncConnection[Any]):
    """A connection that knows since when nobody uses it."""

    idle_since = 0.0


def connection_failure(error: psycopg.Error) -> UnavailableError:
    """Return what tells that no connection comes about, and why.

    Of the driver's own words, what it quotes is left out: names, hosts, addresses.
    """
    if not isinstance(error, psycopg.OperationalError):
        return UnavailableError("The database's address cannot be understood.")
    words = str(error).partition("\n")[0]
    reason = re.sub(r"""(["']).*\1""", "…", words)
    return UnavailableError(f"The database does not answer: {reason}")


class Database:
    """The connections of one worker."""

    def __init__(self, settings: Settings) -> None:
        self._pool = AsyncConnectionPool(
            settings.address,
            connection_class=Connection,
            min_size=1,
            max_size=settings.pool_size,
            timeout=settings.pool_timeout,
            kwargs={"prepare_threshold": 5 if settings.prepare_statements else None},
            configure=_plan_once if settings.prepare_statements else None,
            check=_check,
            open=False,
        )

    async def open(self) -> None:
        """Begin to connect, without waiting for it."""
        await self._pool.open()

    async def close(self) -> None:
        """Close every connection."""
        await self._pool.close()

    @contextlib.asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """Hold a connection and commit at the end; any exception rolls back.

        Raises UnavailableError where none is free in time. Nothing is tried twice:
        whoever sent the request knows whether it may be.
        """
        try:
            async with self._pool.connection() as connection:
                yield connection
                connection.idle_since = time.monotonic()
        except PoolTimeout as error:
            raise UnavailableError("The database does not answer.") from error


async def _plan_once(connection: Connection) -> None:
    """Let a prepared statement keep one plan, whatever its values.

    PostgreSQL would make a new one for each, in which a list is as long as it is: to
    plan a small push takes longer than to do it.
    """
    await connection.execute("SET plan_cache_mode = force_generic_plan")
    await connection.commit()


async def _check(connection: Connection) -> None:
    if time.monotonic() - connection.idle_since > _TRUSTED_SECONDS:
        await AsyncConnectionPool.check_connection(connection)
