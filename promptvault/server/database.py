"""PostgreSQL: the pool of connections, and one transaction for one request."""

import contextlib
import math
import re
import time
from collections.abc import AsyncIterator
from typing import Any, TypeVar

import psycopg
from psycopg.abc import PQGen
from psycopg.pq import TransactionStatus
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from promptvault.errors import UnavailableError
from promptvault.server.settings import Settings

# A lock that somebody holds on to, and a request that hangs, must not keep a connection
# for ever: ten such requests, and nobody would get one. A request waits for a lock for
# less than the others wait for a connection.
_LIMITS = """
SET lock_timeout = '5s';
SET statement_timeout = '30s';
SET idle_in_transaction_session_timeout = '60s';
"""
_LIMITS_APART = """
SET lock_timeout = '60s';
SET statement_timeout = '1h';
SET idle_in_transaction_session_timeout = '10min';
"""
# A prepared statement keeps one plan, whatever its values. PostgreSQL would make a new
# one for each, in which a list is as long as it is: to plan a small push takes longer
# than to do it.
_ONE_PLAN = "SET plan_cache_mode = force_generic_plan"

_NETWORK = {
    "connect_timeout": 5,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}
"""How soon a database that has gone is noticed: seconds, and milliseconds at last."""

_INTERVAL_SECONDS = 0.1
"""How often psycopg looks whether it was interrupted; its own value."""

T = TypeVar("T")

_TRUSTED_SECONDS = 5.0
"""A connection that lay idle for longer is tried before it is used: the other side may
have gone to sleep or started anew."""


_PATIENCE_SECONDS = 10.0
"""How long a connection waits for what no request asks, such as to set it up."""
_CHECK_SECONDS = 3.0
_LEAST_SECONDS = 1.0
"""How long a request waits at least, so that one which is late can still roll back."""


class Connection(psycopg.AsyncConnection[Any]):
    """A connection that knows since when nobody uses it, and that waits for so long."""

    idle_since = 0.0
    deadline: float | None = None
    """When to give up, by `time.monotonic`."""

    async def wait(
        self,
        gen: PQGen[T],
        interval: float = _INTERVAL_SECONDS,
        timeout: float | None = None,
    ) -> T:
        """Wait for the database, until the deadline at most.

        Raises psycopg.OperationalError then; the connection is closed. A database that
        hangs answers nothing, so its own timeouts do not end the wait.
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
    """Return what tells that no connection comes about, and why.

    Of the driver's own words, what it quotes is left out: names, hosts, addresses.
    """
    if not isinstance(error, psycopg.OperationalError):
        return UnavailableError("The database's address cannot be understood.")
    words = str(error).partition("\n")[0]
    reason = re.sub(r""""[^"]*"|'[^']*'""", "…", words)
    return UnavailableError(f"The database does not answer: {reason}")


class Database:
    """The connections of one worker."""

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
            # Tried for longer, each try would come later: up to minutes after the
            # database is back. Whoever asks next begins anew.
            reconnect_timeout=3,
            kwargs={"prepare_threshold": self._prepare_threshold, **_NETWORK},
            configure=self._configure,
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

        Raises UnavailableError where none is free in time, psycopg.OperationalError
        where the database does not answer in time. Nothing is tried twice: whoever
        sent the request knows whether it may be.
        """
        deadline = time.monotonic() + self._seconds
        try:
            async with self._pool.connection() as connection:
                connection.deadline = deadline
                yield connection
                connection.idle_since = time.monotonic()
        except PoolTimeout as error:
            raise UnavailableError("The database does not answer.") from error

    @contextlib.asynccontextmanager
    async def statements(self) -> AsyncIterator[Connection]:
        """Hold a connection on which each statement commits by itself.

        So a single one takes one message to the database, and not three. Raises
        UnavailableError where none is free in time.
        """
        async with self.transaction() as connection:
            await connection.set_autocommit(True)
            try:
                yield connection
            finally:
                if not connection.closed:
                    await connection.set_autocommit(False)

    @contextlib.asynccontextmanager
    async def connection_apart(self) -> AsyncIterator[Connection]:
        """Open a connection beside the pool, for what takes longer than a request may.

        It commits at the end; any exception rolls back. Raises psycopg.Error.
        """
        async with await Connection.connect(
            self._address,
            connect_timeout=10,
            prepare_threshold=self._prepare_threshold,
        ) as connection:
            connection.deadline = math.inf  # the database's own limits are to do
            await connection.execute(_LIMITS_APART)
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
