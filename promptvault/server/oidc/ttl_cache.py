"""A value kept for a fixed time, and for longer while it cannot be fetched again."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from promptvault.errors import UnavailableError

_T = TypeVar("_T")

LIFE_SECONDS = 300.0
COOLDOWN_SECONDS = 30.0
"""Between two fetches before the value is stale, so that no request can make the server
fetch without end."""


class TtlCache(Generic[_T]):
    """The last value that *fetch* returned; *fetch* raises UnavailableError.

    A failure is kept for the cooldown too. If the provider hangs, one request waits for
    it, and the others do not wait in turn.
    """

    def __init__(
        self, fetch: Callable[[], Awaitable[_T]], clock: Callable[[], float]
    ) -> None:
        self._fetch, self._clock = fetch, clock
        self._value: _T | None = None
        self._failure = ""
        self._stale_at = self._renewable_at = 0.0
        self._lock = asyncio.Lock()

    async def get(self) -> _T:
        """Return the value, and fetch it first if it is stale.

        Raises UnavailableError if it was never fetched.
        """
        async with self._lock:
            if self._clock() >= self._stale_at:
                await self._update()
            return self._known()

    async def renew(self) -> _T:
        """Return a value fetched now, or the last one during the cooldown.

        Raises UnavailableError if it was never fetched.
        """
        async with self._lock:
            if self._clock() >= self._renewable_at:
                self._renewable_at = self._clock() + COOLDOWN_SECONDS
                await self._update()
            return self._known()

    async def _update(self) -> None:
        try:
            self._value = await self._fetch()
        except UnavailableError as error:
            self._failure = str(error)
            self._stale_at = self._clock() + COOLDOWN_SECONDS
        else:
            self._stale_at = self._clock() + LIFE_SECONDS

    def _known(self) -> _T:
        if self._value is None:
            raise UnavailableError(self._failure)
        return self._value
