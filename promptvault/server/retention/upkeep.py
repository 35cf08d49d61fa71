"""A server that purges by itself, once a day."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import structlog

from promptvault.server.database import Database
from promptvault.server.retention.service import purge_daily
from promptvault.server.settings import Settings

_PAUSE_SECONDS = 3600.0

_log = structlog.get_logger("promptvault.server")


@contextlib.asynccontextmanager
async def upkeep(database: Database, settings: Settings) -> AsyncIterator[None]:
    """Look every hour, while the block runs, whether it is time to purge."""
    working = asyncio.create_task(_work(database, settings))
    try:
        yield
    finally:
        working.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await working


async def _work(database: Database, settings: Settings) -> None:
    while True:
        try:
            async with database.connection_apart() as connection:
                purged = await purge_daily(connection, settings, datetime.now(UTC))
            if purged is not None:
                _log.info("purged", **purged._asdict())
        except Exception as error:  # which must not end it for good
            _log.warning("could not purge", exc_info=error)
        await asyncio.sleep(_PAUSE_SECONDS)
