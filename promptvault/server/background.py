"""Work that goes on after the answer, whose time must not tell how much there was.

The background tasks of Starlette would not do: the next request on the same connection
waits for them, and whoever sends one can measure it.
"""

import asyncio
from collections.abc import Coroutine

import structlog

_log = structlog.get_logger("promptvault.server")


class Background:
    """The work of one process that no request waits for."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, work: Coroutine[None, None, None]) -> None:
        """Begin *work*; if it fails, the log says so."""
        task = asyncio.create_task(_logged(work))
        self._tasks.add(task)  # the event loop itself keeps no strong reference
        task.add_done_callback(self._tasks.discard)

    async def finish(self) -> None:
        """Wait for all work that has begun."""
        await asyncio.gather(*self._tasks)


async def _logged(work: Coroutine[None, None, None]) -> None:
    try:
        await work
    except Exception as error:
        _log.error("background work failed", exc_info=error)
