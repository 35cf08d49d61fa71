"""What a provider publishes, kept for a while, and for longer when it is down."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from promptvault.errors import UnavailableError

_T = TypeVar("_T")

LIFE_SECONDS = 300.0
COOLDOWN_SECONDS = 30.0
"""Between two questions that come before the time: nobody makes us ask without end."""


class Remembered(Generic[_T]):
    """The last good answer to one question; *fetch* raises UnavailableError.

    That there is none is remembered as well, for the cooldown: one visitor waits for a
    provider that hangs, not each after the other.
    """

    def __init__(
        self, fetch: Callable[[], Awaitable[_T]], clock: Callable[[], float]
    ) -> None:
        self._fetch, self._clock = fetch, clock
        self._answer: _T | None = None
        self._failure = ""
        self._stale_at = self._renewable_at = 0.0
        self._lock = asyncio.Lock()

    async def get(self) -> _T:
        """Return the answer, asking again when it has become old."""
        async with self._lock:
            if self._clock() >= self._stale_at:
                await self._ask()
            return self._known()

    async def renew(self) -> _T:
        """Return an answer that is new, or the last one during the cooldown."""
        async with self._lock:
            if self._clock() >= self._renewable_at:
                self._renewable_at = self._clock() + COOLDOWN_SECONDS
                await self._ask()
            return self._known()

    async def _ask(self) -> None:
        try:
            self._answer = await self._fetch()
        except UnavailableError as error:
            self._failure = str(error)
            self._stale_at = self._clock() + COOLDOWN_SECONDS
        else:
            self._stale_at = self._clock() + LIFE_SECONDS

    def _known(self) -> _T:
        if self._answer is None:
            raise UnavailableError(self._failure)
        return self._answer
