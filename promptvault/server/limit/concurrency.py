"""A limit on concurrent work for each key; more work waits in order."""

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Hashable
from dataclasses import dataclass, field

from promptvault.errors import RateLimitedError, UnavailableError

_RETRY_SECONDS = 2.0


@dataclass(slots=True)
class _Queue:
    running: int = 0
    waiting: deque[asyncio.Future[None]] = field(default_factory=deque)


class ConcurrencyLimit:
    """Keeps the work of one key from taking all resources of a worker.

    Without it, the devices of one account would hold all database connections while
    they wait for each other's lock on their vault.
    """

    def __init__(self, at_once: int, most_waiting: int, seconds: float) -> None:
        """Let *at_once* tasks of a key run; *most_waiting* wait up to *seconds*."""
        self._at_once, self._most_waiting = at_once, most_waiting
        self._seconds = seconds
        self._queues: dict[Hashable, _Queue] = {}

    @contextlib.asynccontextmanager
    async def slot(self, key: Hashable) -> AsyncIterator[None]:
        """Wait for a slot, and hold it while the block runs.

        Raises RateLimitedError if too many wait already, and UnavailableError after
        *seconds*, such as while the work of others waits for a database that hangs.
        """
        queue = self._queues.setdefault(key, _Queue())
        if queue.running >= self._at_once:
            await self._wait(queue)
        else:
            queue.running += 1
        try:
            yield
        finally:
            self._release(key, queue)

    async def _wait(self, queue: _Queue) -> None:
        """Wait until a slot is handed over."""
        if len(queue.waiting) >= self._most_waiting:
            raise RateLimitedError(
                "Too many requests at once: wait a little and try again.",
                _RETRY_SECONDS,
            )
        slot = asyncio.get_running_loop().create_future()
        queue.waiting.append(slot)
        try:
            async with asyncio.timeout(self._seconds):
                await self._taken(queue, slot)
        except TimeoutError:
            raise UnavailableError("The server is busy: try again.") from None

    async def _taken(self, queue: _Queue, slot: asyncio.Future[None]) -> None:
        """Wait for *slot*; on cancellation pass it on, or stop waiting."""
        try:
            await slot
        except asyncio.CancelledError:
            if slot.done() and not slot.cancelled():  # handed over at the same moment
                self._hand_over(queue)
            else:
                with contextlib.suppress(ValueError):  # `_hand_over` removed it
                    queue.waiting.remove(slot)
            raise

    def _release(self, key: Hashable, queue: _Queue) -> None:
        self._hand_over(queue)
        if not queue.running:
            del self._queues[key]

    def _hand_over(self, queue: _Queue) -> None:
        while queue.waiting:
            slot = queue.waiting.popleft()
            if not slot.cancelled():
                slot.set_result(None)
                return
        queue.running -= 1
