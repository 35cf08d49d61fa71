"""The pool of PostgreSQL connections, and one transaction for one request."""

import asyncio
import contextlib
import math
import re
import time
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Any, TypeVar

import psycopg
from psycopg.abc import PQGen
from psycopg.pq import TransactionStatus
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from promptvault.errors import UnavailableError
from promptvault.server.settings import Settings

# A request that hangs, or waits for a lock, must not keep its connection for ever: ten
# of them would use up the pool. The wait for a lock is shorter than the wait of other
# requests for a connection.
_LIMITS = """
SET lock_timeout = '5s';
SET statement_timeout = '30s';
SET idle_in_transaction_session_timeout = '60s';
"""
_LONG_LIMITS = """
SET lock_timeout = '60s';
SET statement_timeout = '1h';
SET idle_in_transaction_session_timeout = '10min';
"""
# A prepared statement keeps one plan for all values. Otherwise PostgreSQL plans lists
# by their length again and again, and planning a small push takes longer than running
# it.
_ONE_PLAN = "SET plan_cache_mode = force_generic_plan"

_NETWORK: dict[str, Any] = {
    "connect_timeout": 5,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}
"""How soon a lost database is noticed. All in seconds, but the last in milliseconds."""

_INTERVAL_SECONDS = 0.1
"""How often psycopg checks for an interrupt; its own default."""

T = TypeVar("T")

_TRUSTED_SECONDS = 5.0
"""A connection that was idle for longer is checked before it is used, because the
database may have restarted."""

_PATIENCE_SECONDS = 10.0
"""How long a connection waits outside of a request, such as for its configuration."""
_CHECK_SECONDS = 3.0
_LEAST_SECONDS = 1.0
"""How long a statement waits at least, so that a late request can still roll back."""


class Connection(psycopg.AsyncConnection[Any]):
    """A connection with a deadline, which knows since when it is idle."""

    idle_since = 0.0
    deadline: float | None = None
    """When to give up, on the clock of `time.monotonic`."""
    has_new_jobs = False
    """Whether its transaction has added jobs."""

    async def wait(
        self,
        gen: PQGen[T],
        interval: float = _INTERVAL_SECONDS,
        timeout: float | None = None,
    ) -> T:
        """Wait for the database until the deadline.

        Then it raises psycopg.OperationalError, and the connection is closed. A
        database that hangs does not enforce its own timeouts.
        """
        try:
            return await super().wait(gen, interval, timeout or self._seconds_left())
        except psycopg.OperationalError:
            if self.pgconn.transaction_status == TransactionStatus.ACTIVE:
                self.pgconn.finish()
            raise

    def _seconds_left(self) -> float:
        if self.deadline is None:
            return _PATIENCE_SECONDS
        return max(_LEAST_SECONDS, self.deadline - time.monotonic())


def connection_failure(error: psycopg.Error) -> UnavailableError:
    """Return the error for a connection that cannot be opened, with the reason.

    Quoted names, hosts and addresses are removed from the driver's message.
    """
    if not isinstance(error, psycopg.OperationalError):
        return UnavailableError("The database's address cannot be understood.")
    words = str(error).partition("\n")[0]
    reason = re.sub(r""""[^"]*"|'[^']*'""", "…", words)
    return UnavailableError(f"The database does not answer: {reason}")


class Database:
    """The database connections of one worker."""

    def __init__(self, settings: Settings) -> None:
        self._address = settings.address
        self._seconds = settings.database_seconds
        self._prepare_threshold = 5 if settings.prepare_statements else None
        self._pool = AsyncConnectionPool(
            settings.address,
            connection_class=Connection,
            min_size=1,
            max_size=settings.pool_size,
            timeout=min(settings.pool_timeout, settings.database_seconds),
            # The pool waits longer after each attempt, at last for minutes after the
            # database is back. The next request makes it start again.
            reconnect_timeout=3,
            kwargs={"prepare_threshold": self._prepare_threshold, **_NETWORK},
            configure=self._configure,
            check=_check,
            open=False,
        )
        self.has_new_jobs = asyncio.Event()
        """Set when a transaction of this process that added jobs is committed."""

    async def open(self) -> None:
        """Start to connect, without waiting for it."""
        await self._pool.open()

    async def close(self) -> None:
        """Close all connections."""
        await self._pool.close()

    def transaction(self) -> AbstractAsyncContextManager[Connection]:
        """Yield a connection, and commit at the end; an exception rolls back.

        Raises UnavailableError if no connection is free in time, and
        psycopg.OperationalError if the database does not answer in time. Nothing is
        retried: only the client knows whether its request may be sent again.
        """
        return self._connection(autocommit=False)

    def statements(self) -> AbstractAsyncContextManager[Connection]:
        """Yield a connection on which each statement commits by itself.

        A single statement then takes one round trip instead of three. Raises as
        `transaction` does.
        """
        return self._connection(autocommit=True)

    @contextlib.asynccontextmanager
    async def _connection(self, *, autocommit: bool) -> AsyncIterator[Connection]:
        deadline = time.monotonic() + self._seconds
        try:
            async with self._pool.connection() as connection:
                connection.deadline = deadline
                connection.has_new_jobs = False
                # It stays as it was used last: to set it back takes as long.
                if connection.autocommit is not autocommit:
                    await connection.set_autocommit(autocommit)
                yield connection
                connection.idle_since = time.monotonic()
        except PoolTimeout as error:
            raise UnavailableError("The database does not answer.") from error
        if connection.has_new_jobs:
            self.has_new_jobs.set()

    @contextlib.asynccontextmanager
    async def long_connection(self) -> AsyncIterator[Connection]:
        """Yield a connection outside of the pool, for work longer than a request.

        Commits at the end; an exception rolls back. Raises psycopg.Error.
        """
        async with await Connection.connect(
            self._address, prepare_threshold=self._prepare_threshold, **_NETWORK
        ) as connection:
            connection.deadline = math.inf  # the limits below are enough
            await connection.execute(_LONG_LIMITS)
            await connection.commit()
            yield connection

    async def _configure(self, connection: Connection) -> None:
        await connection.execute(_LIMITS)
        if self._prepare_threshold is not None:
            await connection.execute(_ONE_PLAN)
        await connection.commit()


async def _check(connection: Connection) -> None:
    if time.monotonic() - connection.idle_since > _TRUSTED_SECONDS:
        connection.deadline = time.monotonic() + _CHECK_SECONDS
        await AsyncConnectionPool.check_connection(connection)
