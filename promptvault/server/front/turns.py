"""Turns: of one key, so many at once, and the others in order."""

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Hashable
from dataclasses import dataclass, field

from promptvault.errors import RateLimitedError, UnavailableError

_RETRY_SECONDS = 2.0


@dataclass(slots=True)
class _Line:
    going: int = 0
    waiting: deque[asyncio.Future[None]] = field(default_factory=deque)


class Turns:
    """Keeps what is done for one key from taking everything that a worker has.

    Without it, many devices of one account would hold every connection to the database
    while they wait for each other's lock on their vault.
    """

    def __init__(self, at_once: int, most_waiting: int, seconds: float) -> None:
        self._at_once, self._most_waiting = at_once, most_waiting
        self._seconds = seconds
        self._lines: dict[Hashable, _Line] = {}

    @contextlib.asynccontextmanager
    async def turn(self, key: Hashable) -> AsyncIterator[None]:
        """Wait for a turn and have it while the block runs.

        Raises RateLimitedError if too many wait already, UnavailableError if it takes
        too long, as where those before it wait for a database that hangs.
        """
        line = self._lines.setdefault(key, _Line())
        if line.going >= self._at_once:
            await self._wait(line)
        else:
            line.going += 1
        try:
            yield
        finally:
            self._end(key, line)

    async def _wait(self, line: _Line) -> None:
        """Wait until somebody who ends hands over a turn."""
        if len(line.waiting) >= self._most_waiting:
            raise RateLimitedError(
                "Too many requests at once: wait a little and try again.",
                _RETRY_SECONDS,
            )
        turn = asyncio.get_running_loop().create_future()
        line.waiting.append(turn)
        try:
            async with asyncio.timeout(self._seconds):
                await self._taken(line, turn)
        except TimeoutError:
            raise UnavailableError("The server is busy: try again.") from None

    async def _taken(self, line: _Line, turn: asyncio.Future[None]) -> None:
        """Wait for *turn*; whoever gives up passes it on."""
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():  # it was handed over just then
                self._hand_over(line)
            else:
                with contextlib.suppress(ValueError):  # passed over already
                    line.waiting.remove(turn)
            raise

    def _end(self, key: Hashable, line: _Line) -> None:
        self._hand_over(line)
        if not line.going:
            del self._lines[key]

    def _hand_over(self, line: _Line) -> None:
        while line.waiting:
            turn = line.waiting.popleft()
            if not turn.cancelled():
                turn.set_result(None)
                return
        line.going -= 1
