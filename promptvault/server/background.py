"""Work that goes on after the answer is sent, and whose duration must stay hidden.

Starlette's background tasks do not hide it: the next request on the same connection
waits for them, so its sender can measure how long they take.
"""

import asyncio
from collections.abc import Coroutine

import structlog

_log = structlog.get_logger("promptvault.server")


class Background:
    """Tasks of one process that no request waits for."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, work: Coroutine[None, None, None]) -> None:
        """Start *work*; a failure is logged."""
        task = asyncio.create_task(_logged(work))
        self._tasks.add(task)  # the event loop keeps only a weak reference
        task.add_done_callback(self._tasks.discard)

    async def finish(self) -> None:
        """Wait for all tasks that were started."""
        await asyncio.gather(*self._tasks)


async def _logged(work: Coroutine[None, None, None]) -> None:
    try:
        await work
    except Exception as error:
        _log.error("background work failed", exc_info=error)
