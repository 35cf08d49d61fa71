"""Views of shares without a limit, counted in the process and stored now and then.

A process that is killed forgets those of the last seconds.
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator
from uuid import UUID

import psycopg
import structlog

from promptvault.errors import UnavailableError
from promptvault.server.database import Database
from promptvault.server.share.reading import add_views

_SECONDS = 10.0

_log = structlog.get_logger("promptvault.server")


class ViewCount:
    """The views that are not stored yet."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._seen: Counter[UUID] = Counter()

    def add(self, share_id: UUID) -> None:
        """Count one view."""
        self._seen[share_id] += 1

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Store the views every ten seconds while the block runs, and at its end."""
        task = asyncio.create_task(self._run())
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
            await self.store()

    async def store(self) -> None:
        """Store the views; keep them if the database does not answer."""
        seen, self._seen = self._seen, Counter()
        if not seen:
            return
        try:
            async with self._database.transaction() as connection:
                await add_views(connection, seen)
        except (psycopg.Error, UnavailableError) as error:
            self._seen.update(seen)
            _log.warning("views of shares are not stored", exc_info=error)

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(_SECONDS)
            await self.store()
