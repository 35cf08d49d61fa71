"""One connection to Redis for each worker, used only while Redis answers.

The one module that imports the package of Redis, which is an extra.
"""

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import structlog

from promptvault.server import metrics
from promptvault.server.settings import Settings
from promptvault.server.token.secret import hash_secret

if TYPE_CHECKING:
    from redis.asyncio.connection import AbstractConnection, ConnectionPool

_PATIENCE_SECONDS = 0.05
"""How long a request waits for Redis, before PostgreSQL does the work."""
_CONNECT_SECONDS = 1.0
_PAUSE_SECONDS = 2.0
"""How long Redis is not asked after it has failed."""
_PROBE_MS = 60_000

_log = structlog.get_logger("promptvault.server")


class RedisAwayError(Exception):
    """Redis does not answer, or refuses to write. The caller does without it."""


@dataclass(frozen=True, slots=True)
class Script:
    """A Lua script, which Redis runs in one atomic step."""

    text: str
    sha: str = field(init=False)

    def __post_init__(self) -> None:
        digest = hashlib.sha1(self.text.encode(), usedforsecurity=False)
        object.__setattr__(self, "sha", digest.hexdigest())


@dataclass(frozen=True, slots=True)
class _Call:
    command: tuple[str | bytes | int | float, ...]
    answer: asyncio.Future[Any]


class Redis:
    """Asks Redis. Calls that are made at the same time share a round trip.

    A task connects, and connects again two seconds after a failure. Until then every
    call fails at once, so no request waits for a Redis that is down.
    """

    def __init__(self, settings: Settings, scripts: Sequence[Script]) -> None:
        assert settings.redis_url is not None
        self._pool = _pool(settings.redis_url.get_secret_value())
        self._scripts = scripts
        # The secret is that of one instance, so several can use the same Redis.
        instance = hash_secret(settings.key, "namespace in Redis")[:16]
        self.namespace = f"promptvault:{instance}:"
        """The beginning of all keys."""
        self.is_up = False
        """Whether Redis answered last."""
        self._has_tried = asyncio.Event()
        self._was_down = False
        self._calls: list[_Call] = []
        self._has_calls = asyncio.Event()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Keep a connection while the block runs; the first attempt is over then."""
        task = asyncio.create_task(self._keep())
        try:
            await self._has_tried.wait()
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def run(
        self, script: Script, keys: Sequence[str], *values: str | int | float
    ) -> Any:
        """Return the answer of *script*; *keys* are within the namespace.

        Raises RedisAwayError, after 50 milliseconds at most.
        """
        names = [self.namespace + key for key in keys]
        return await self._ask("EVALSHA", script.sha, len(names), *names, *values)

    async def get(self, key: str) -> bytes | None:
        """Return the value of *key*; raises RedisAwayError as `run` does."""
        value: bytes | None = await self._ask("GET", self.namespace + key)
        return value

    async def set(self, key: str, value: bytes, milliseconds: int) -> None:
        """Store a value for a time; raises RedisAwayError as `run` does."""
        await self._ask("SET", self.namespace + key, value, "PX", milliseconds)

    async def _ask(self, *command: str | bytes | int | float) -> Any:
        metrics.count_redis(is_up=self.is_up)
        if not self.is_up:
            raise RedisAwayError
        answer = asyncio.get_running_loop().create_future()
        self._calls.append(_Call(command, answer))
        self._has_calls.set()
        return await answer

    async def _keep(self) -> None:
        """Connect and answer calls, again and again."""
        while True:
            try:
                async with self._connected() as connection:
                    self._note_up()
                    self._has_tried.set()
                    await self._serve(connection)
            except Exception as error:  # the task must not end
                self._note_down(error)
            finally:
                self.is_up = False
                self._fail(self._calls)
            self._has_tried.set()
            await asyncio.sleep(_PAUSE_SECONDS)

    @contextlib.asynccontextmanager
    async def _connected(self) -> AsyncIterator["AbstractConnection"]:
        connection = self._pool.make_connection()  # type: ignore[no-untyped-call]
        try:
            await self._prepare(connection)
            yield connection
        finally:
            with contextlib.suppress(Exception):
                await connection.disconnect(nowait=True)

    async def _prepare(self, connection: "AbstractConnection") -> None:
        """Connect, load the scripts, and check that Redis accepts writes.

        Redis answers even if it is full or a replica, but refuses to write then.
        """
        async with asyncio.timeout(_CONNECT_SECONDS):
            await connection.connect()  # type: ignore[no-untyped-call]
            probe = ("SET", f"{self.namespace}probe", "1", "PX", _PROBE_MS)
            loading = [("SCRIPT LOAD", script.text) for script in self._scripts]
            for command in (probe, *loading):
                await connection.send_command(*command)
                await connection.read_response()

    async def _serve(self, connection: "AbstractConnection") -> None:
        """Send the calls that have gathered, and pass on their answers."""
        while True:
            await self._has_calls.wait()
            self._has_calls.clear()
            calls, self._calls = self._calls, []
            try:
                async with _patience():
                    await _pass_on(connection, calls)
            finally:
                self._fail(calls)

    def _fail(self, calls: list[_Call]) -> None:
        """Let those of *calls* fail that have no answer."""
        for call in calls:
            if not call.answer.done():
                call.answer.set_exception(RedisAwayError())
        calls.clear()

    def _note_up(self) -> None:
        self.is_up = True
        if self._was_down:
            _log.warning("Redis answers again")
        self._was_down = False

    def _note_down(self, error: Exception) -> None:
        """Log the first failure only. Messages of the driver may name the address."""
        if not self._was_down:
            reason = type(error).__name__
            _log.warning("Redis is not used: PostgreSQL does its work", reason=reason)
        self._was_down = True


def _pool(url: str) -> "ConnectionPool":
    from redis.asyncio import ConnectionPool
    from redis.asyncio.retry import Retry
    from redis.backoff import NoBackoff

    return ConnectionPool.from_url(
        url,
        protocol=2,  # Redis sends nothing but answers then
        retry=Retry(NoBackoff(), 0),
        socket_timeout=None,  # `_patience` limits the wait
        socket_connect_timeout=_CONNECT_SECONDS,
    )


async def _pass_on(connection: "AbstractConnection", calls: Sequence[_Call]) -> None:
    packed = connection.pack_commands(call.command for call in calls)
    await connection.send_packed_command(packed, check_health=False)
    for call in calls:
        answer = await connection.read_response()
        if not call.answer.done():  # else the request was cancelled
            call.answer.set_result(answer)


@contextlib.asynccontextmanager
async def _patience() -> AsyncIterator[None]:
    """Raise TimeoutError if the block takes too long.

    The time is measured in two halves. If this process itself was busy for longer, the
    answer has arrived meanwhile, and is read in the second half.
    """
    loop, half = asyncio.get_running_loop(), _PATIENCE_SECONDS / 2
    async with asyncio.timeout(None) as limit:
        timer = loop.call_later(half, lambda: limit.reschedule(loop.time() + half))
        try:
            yield
        finally:
            timer.cancel()
