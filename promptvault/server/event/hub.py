"""One connection that hears what moves, and everybody in this process who waits."""

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
from promptvault.server.event.repository import HeadRepository
from promptvault.server.settings import Settings


class _Channel(StrEnum):
    """What servers listen to."""

    VAULTS = "promptvault_vaults"
    """Where servers tell each other that a vault has moved: its id, a blank, its
    number."""
    ACCESS = "promptvault_access"
    """Where the database tells whose tokens or vaults have changed: the user's id."""
    PINGS = "promptvault_pings"
    """Where a server finds out whether it hears anything, by a word of its own."""


_GATHER_SECONDS = 0.05

_RECONNECT_SECONDS = 1.0
_TOO_MANY_SECONDS = 60.0
_PATIENCE_SECONDS = 60.0
"""How long after the last stream the connection is kept."""

_log = structlog.get_logger("promptvault.server")


class Subscription:
    """What one stream waits for."""

    def __init__(self, told: Mapping[UUID, int]) -> None:
        self.vaults: frozenset[UUID] = frozenset()
        self.told = told
        """Where each vault is, as the other end knows."""
        self._moved: dict[UUID, int] = {}
        self._has_missed = False
        self._is_woken = asyncio.Event()

    def tell(self, vault: UUID, seq: int) -> None:
        """Say that a vault has moved; of two numbers the higher is the newer."""
        _raise(self._moved, vault, seq)
        self._is_woken.set()

    def wake(self) -> None:
        """Say that something may have been missed."""
        self._has_missed = True
        self._is_woken.set()

    async def wait(self, until: float) -> dict[UUID, int] | None:
        """Return what moves next; None if something may have been missed.

        Nothing has moved if *until* has come, a time of the event loop's.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(until):
                await self._is_woken.wait()
        self._is_woken.clear()
        moved, self._moved = self._moved, {}
        has_missed, self._has_missed = self._has_missed, False
        return None if has_missed else moved


class Hub:
    """Passes on what the database tells, and is connected again by itself."""

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
        """Whether news come by themselves; else each stream has to look."""
        self.is_closed = False

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Listen while the block runs."""
        self._loop = asyncio.get_running_loop()
        work = (self._listen(), self._speak(), self._look())
        tasks = [asyncio.create_task(each) for each in work]
        try:
            yield
        finally:
            for each in tasks:
                each.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def publish(self, moved: Mapping[UUID, int]) -> None:
        """Tell everybody, at every instance, what has moved; after the commit.

        Whoever does not hear of it, because this process ends too early, finds out when
        their worker looks.
        """
        self._keep(moved)

    def _keep(self, moved: Mapping[UUID, int]) -> None:
        """Have it sent with the next news; whoever commits last may not speak last."""
        for vault, seq in moved.items():
            _raise(self._moved, vault, seq)
        self._has_news.set()

    async def _speak(self) -> None:
        """Send what there is, much of it at once.

        Not in the transaction that moved a vault: PostgreSQL lets those that notify
        commit one by one, each waiting until the disk has the one before it.
        """
        while True:
            await self._has_news.wait()
            await asyncio.sleep(_GATHER_SECONDS)
            self._has_news.clear()
            moved, self._moved = self._moved, {}
            try:
                await self._send([f"{vault} {seq}" for vault, seq in moved.items()])
            except Exception as error:  # which must not end it for good
                _log.warning("could not tell what has moved", exc_info=error)
                self._keep(moved)
                await asyncio.sleep(_RECONNECT_SECONDS)

    async def _send(self, news: list[str]) -> None:
        async with self._database.transaction() as connection:
            await connection.execute(
                "SELECT pg_notify(%s, each) FROM unnest(%s::text[]) AS each",
                (_Channel.VAULTS, news),
            )

    def close(self) -> None:
        """End every stream at once; any thread may say so, or a signal."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._close)

    def _close(self) -> None:
        self.is_closed = True
        self._wake_all()

    def refuse_too_many(self, user_id: UUID) -> None:
        """Raise RateLimitedError where the user has as many streams as may be."""
        if len(self._by_user.get(user_id, ())) >= self._most:
            raise RateLimitedError(
                "Too many devices listen at once: wait a little and try again.",
                _TOO_MANY_SECONDS,
            )

    @contextlib.contextmanager
    def subscription(
        self, user_id: UUID, told: Mapping[UUID, int]
    ) -> Iterator[Subscription]:
        """Take part while the block runs; *told* is kept up to date by the caller."""
        subscription = Subscription(told)
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
        """Let *subscription* hear of these vaults, and of no others."""
        for vault in subscription.vaults.difference(vaults):
            _discard(self._by_vault, vault, subscription)
        for vault in vaults:
            self._by_vault[vault].add(subscription)
        subscription.vaults = frozenset(vaults)

    async def _listen(self) -> None:
        """Listen as long as anybody waits: to hear every push is work."""
        while True:
            await self._is_wanted.wait()
            try:
                await self._hear()
            except Exception as error:  # which must not end it for good
                _log.warning("listening broke off", exc_info=error)
            self.is_hearing = False
            await asyncio.sleep(_RECONNECT_SECONDS)

    async def _hear(self) -> None:
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
            self._wake_all()  # what happened until now was heard by nobody
            await self._send_ping()
            while self._is_wanted.is_set():
                async for notice in connection.notifies(timeout=_PATIENCE_SECONDS):
                    self._tell(notice)
                    if not self._is_wanted.is_set():
                        return
                if not self.is_hearing:
                    return  # a pooler is between, or the line is dead: try another

    async def _look(self) -> None:
        """Look where all vaults are, for every stream at once, now and then.

        So each hears what a server did not say before it ended, and that a vault went
        back in time; and this worker finds out whether it hears at all.
        """
        while True:
            await self._is_wanted.wait()
            await asyncio.sleep(self._look_seconds)
            if self._ping:
                self.is_hearing = False
            try:
                await self._send_ping()
                await self._compare()
            except Exception as error:  # which must not end it for good
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
            seqs = await HeadRepository(connection).seqs([*self._by_vault])
        for vault, subscriptions in self._by_vault.items():
            for each in subscriptions:
                if each.told.get(vault) != seqs.get(vault):
                    each.wake()

    def _tell(self, notice: psycopg.Notify) -> None:
        """Pass on what was said on one of the channels."""
        match notice.channel:
            case _Channel.PINGS:
                self._hear_ping(notice.payload)
            case _Channel.ACCESS:
                self._tell_access(notice.payload)
            case _:
                self._tell_news(notice.payload)

    def _hear_ping(self, ping: str) -> None:
        if ping == self._ping:
            self._ping, self.is_hearing = "", True

    def _tell_access(self, user: str) -> None:
        """Let the streams of a user look whether they may go on, and at what."""
        try:
            subscriptions = self._by_user.get(UUID(user), ())
        except ValueError:
            _log.warning("heard something that is no user")
            return
        for each in subscriptions:
            each.wake()

    def _tell_news(self, news: str) -> None:
        """Pass on what a server has said; others may use the channel, too."""
        vault, _, number = news.partition(" ")
        try:
            id, seq = UUID(vault), int(number)
        except ValueError:
            _log.warning("heard something that is no news of a vault")
            return
        for subscription in self._by_vault.get(id, ()):
            subscription.tell(id, seq)

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
