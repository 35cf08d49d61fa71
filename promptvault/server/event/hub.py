"""Notifications of PostgreSQL, passed on to the streams of this process.

One connection listens for all of them.
"""

import asyncio
import contextlib
import secrets
from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Iterator, Mapping
from enum import StrEnum
from uuid import UUID

import psycopg
import structlog

from promptvault.errors import RateLimitedError
from promptvault.server.database import Database
from promptvault.server.settings import Settings


class _Channel(StrEnum):
    """A channel of LISTEN and NOTIFY."""

    VAULTS = "promptvault_vaults"
    """A vault has changed. The payload is its id, a blank, and its sequence number."""
    ACCESS = "promptvault_access"
    """A user's tokens or vaults have changed. The payload is the user's id. Triggers
    of the database send it."""
    PINGS = "promptvault_pings"
    """A server tests whether it receives notifications. The payload is random."""


_GATHER_SECONDS = 0.05
_RECONNECT_SECONDS = 1.0
_TOO_MANY_SECONDS = 60.0
_PATIENCE_SECONDS = 60.0
"""How long the connection stays open after the last stream has ended."""

_log = structlog.get_logger("promptvault.server")


class Subscription:
    """The vaults that one stream watches, and what has changed among them."""

    def __init__(self, sent: Mapping[UUID, int]) -> None:
        self.vaults: frozenset[UUID] = frozenset()
        self.sent = sent
        """The sequence number of each vault that the device was sent last."""
        self._moved: dict[UUID, int] = {}
        self._has_missed = False
        self._is_woken = asyncio.Event()

    def notify(self, vault: UUID, seq: int) -> None:
        """Note that a vault has changed. Notifications may come in any order, so the
        higher of two numbers is the newer one."""
        _raise(self._moved, vault, seq)
        self._is_woken.set()

    def wake(self) -> None:
        """Make the stream read the database: a change may have been missed."""
        self._has_missed = True
        self._is_woken.set()

    async def wait(self, until: float) -> dict[UUID, int] | None:
        """Return the vaults that change next, with their sequence numbers.

        None means that a change may have been missed. The result is empty if nothing
        has changed by *until*, a time on the event loop's clock.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(until):
                await self._is_woken.wait()
        self._is_woken.clear()
        moved, self._moved = self._moved, {}
        has_missed, self._has_missed = self._has_missed, False
        return None if has_missed else moved


class Hub:
    """Passes notifications on to the streams, and reconnects by itself."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self._database = database
        self._address, self._most = settings.listen_address, settings.streams_per_user
        self._by_user: dict[UUID, set[Subscription]] = defaultdict(set)
        self._by_vault: dict[UUID, set[Subscription]] = defaultdict(set)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._is_wanted = asyncio.Event()
        self._moved: dict[UUID, int] = {}
        self._has_news = asyncio.Event()
        self._look_seconds = settings.look_seconds
        self._ping = ""
        self.is_hearing = False
        """Whether notifications arrive. If not, streams have to read the database."""
        self.is_closed = False

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Listen while the block runs."""
        self._loop = asyncio.get_running_loop()
        work = (self._listen(), self._send_news(), self._look())
        tasks = [asyncio.create_task(each) for each in work]
        try:
            yield
        finally:
            for each in tasks:
                each.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def publish(self, moved: Mapping[UUID, int]) -> None:
        """Notify all streams, at every instance, of the vaults that have changed.

        Call it after the commit. If this process ends before the notification is sent,
        each worker still finds the change at its next look.
        """
        self._queue(moved)

    def _queue(self, moved: Mapping[UUID, int]) -> None:
        """Keep the highest number of each vault until the next notification is sent."""
        for vault, seq in moved.items():
            _raise(self._moved, vault, seq)
        self._has_news.set()

    async def _send_news(self) -> None:
        """Send notifications, many in one statement.

        The transaction that changes a vault does not send its own: PostgreSQL commits
        transactions that notify one by one, each after the disk has the one before.
        """
        while True:
            await self._has_news.wait()
            await asyncio.sleep(_GATHER_SECONDS)
            self._has_news.clear()
            moved, self._moved = self._moved, {}
            try:
                await self._send([f"{vault} {seq}" for vault, seq in moved.items()])
            except Exception as error:  # the task must not end
                _log.warning("could not tell what has moved", exc_info=error)
                self._queue(moved)
                await asyncio.sleep(_RECONNECT_SECONDS)

    async def _send(self, news: list[str]) -> None:
        async with self._database.transaction() as connection:
            await connection.execute(
                "SELECT pg_notify(%s, each) FROM unnest(%s::text[]) AS each",
                (_Channel.VAULTS, news),
            )

    def close(self) -> None:
        """End every stream. Any thread, or a signal handler, may call it."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._close)

    def _close(self) -> None:
        self.is_closed = True
        self._wake_all()

    def refuse_too_many(self, user_id: UUID) -> None:
        """Raise RateLimitedError if the user has as many streams as are allowed."""
        if len(self._by_user.get(user_id, ())) >= self._most:
            raise RateLimitedError(
                "Too many devices listen at once: wait a little and try again.",
                _TOO_MANY_SECONDS,
            )

    @contextlib.contextmanager
    def subscription(
        self, user_id: UUID, sent: Mapping[UUID, int]
    ) -> Iterator[Subscription]:
        """Subscribe while the block runs; the caller keeps *sent* up to date."""
        subscription = Subscription(sent)
        self._by_user[user_id].add(subscription)
        self._is_wanted.set()
        try:
            yield subscription
        finally:
            self.watch(subscription, ())
            _discard(self._by_user, user_id, subscription)
            if not self._by_user:
                self._is_wanted.clear()

    def watch(self, subscription: Subscription, vaults: Collection[UUID]) -> None:
        """Notify *subscription* of these vaults only."""
        for vault in subscription.vaults.difference(vaults):
            _discard(self._by_vault, vault, subscription)
        for vault in vaults:
            self._by_vault[vault].add(subscription)
        subscription.vaults = frozenset(vaults)

    async def _listen(self) -> None:
        """Listen while there are streams. Each notification costs time."""
        while True:
            await self._is_wanted.wait()
            try:
                await self._receive()
            except Exception as error:  # the task must not end
                _log.warning("listening broke off", exc_info=error)
            self.is_hearing = False
            await asyncio.sleep(_RECONNECT_SECONDS)

    async def _receive(self) -> None:
        connection = await psycopg.AsyncConnection.connect(
            self._address,
            autocommit=True,
            application_name="promptvault events",
            connect_timeout=10,
            keepalives_idle=30,
            keepalives_interval=10,
            keepalives_count=3,
        )
        async with connection:
            for channel in _Channel:
                await connection.execute(f"LISTEN {channel}")
            self._wake_all()  # earlier changes were not received
            await self._send_ping()
            while self._is_wanted.is_set():
                async for notice in connection.notifies(timeout=_PATIENCE_SECONDS):
                    self._pass_on(notice)
                    if not self._is_wanted.is_set():
                        return
                if not self.is_hearing:
                    return  # a pooler is in between, or the connection is dead

    async def _look(self) -> None:
        """Compare the numbers of all watched vaults with the database, periodically.

        This finds changes whose notification was lost with a server, vaults that went
        back in time, and whether this worker receives notifications at all.
        """
        while True:
            await self._is_wanted.wait()
            await asyncio.sleep(self._look_seconds)
            if self._ping:
                self.is_hearing = False
            try:
                await self._send_ping()
                await self._compare()
            except Exception as error:  # the task must not end
                self.is_hearing = False
                _log.warning("could not look what has moved", exc_info=error)

    async def _send_ping(self) -> None:
        self._ping = secrets.token_hex(8)
        async with self._database.statements() as connection:
            await connection.execute(
                "SELECT pg_notify(%s, %s)", (_Channel.PINGS, self._ping)
            )

    async def _compare(self) -> None:
        async with self._database.statements() as connection:
            cursor = await connection.execute(
                "SELECT id, head_seq FROM vaults WHERE id = ANY(%s)",
                ([*self._by_vault],),
            )
            seqs = dict(await cursor.fetchall())
        for vault, subscriptions in self._by_vault.items():
            for each in subscriptions:
                if each.sent.get(vault) != seqs.get(vault):
                    each.wake()

    def _pass_on(self, notice: psycopg.Notify) -> None:
        match notice.channel:
            case _Channel.PINGS:
                self._receive_ping(notice.payload)
            case _Channel.ACCESS:
                self._pass_on_access(notice.payload)
            case _:
                self._pass_on_news(notice.payload)

    def _receive_ping(self, ping: str) -> None:
        if ping == self._ping:
            self._ping, self.is_hearing = "", True

    def _pass_on_access(self, user: str) -> None:
        """Make the streams of a user check their token and their vaults."""
        try:
            subscriptions = self._by_user.get(UUID(user), ())
        except ValueError:
            _log.warning("heard something that is no user")
            return
        for each in subscriptions:
            each.wake()

    def _pass_on_news(self, news: str) -> None:
        """Notify the streams of a vault. Any client may write to the channel, so the
        payload is checked."""
        vault, _, number = news.partition(" ")
        try:
            id, seq = UUID(vault), int(number)
        except ValueError:
            _log.warning("heard something that is no news of a vault")
            return
        for subscription in self._by_vault.get(id, ()):
            subscription.notify(id, seq)

    def _wake_all(self) -> None:
        for subscriptions in self._by_user.values():
            for each in subscriptions:
                each.wake()


def _raise(numbers: dict[UUID, int], vault: UUID, seq: int) -> None:
    numbers[vault] = max(seq, numbers.get(vault, seq))


def _discard(
    index: dict[UUID, set[Subscription]], key: UUID, subscription: Subscription
) -> None:
    index[key].discard(subscription)
    if not index[key]:
        del index[key]
