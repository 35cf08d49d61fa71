"""A process that does jobs alone, beside servers that do none."""

import asyncio
import signal

from promptvault.server import logs
from promptvault.server.database import Database
from promptvault.server.job.worker import Worker
from promptvault.server.settings import Settings


def run(settings: Settings) -> None:
    """Do jobs until SIGTERM or Ctrl-C; the current job is finished first.

    Raises KeyboardInterrupt after Ctrl-C.
    """
    logs.configure()
    if asyncio.run(_work(settings)) == signal.SIGINT:
        raise KeyboardInterrupt


async def _work(settings: Settings) -> signal.Signals | None:
    """Work until a signal comes, and return it."""
    database, received = Database(settings), []
    worker, loop = Worker(settings, database), asyncio.get_running_loop()

    def stop(number: signal.Signals) -> None:
        received.append(number)
        worker.stop()
        loop.remove_signal_handler(number)  # a second one ends the process at once

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop, number)
    await database.open()
    try:
        await worker.run()
    finally:
        await database.close()
    return received[0] if received else None
