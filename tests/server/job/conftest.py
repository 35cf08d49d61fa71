"""A queue on a real database, and workers with the handlers of a test."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from typing import Any

import psycopg
import pytest

from promptvault.server.database import Database
from promptvault.server.job.queue import Kind, enqueue
from promptvault.server.job.work import Handler
from promptvault.server.job.worker import Worker
from promptvault.server.settings import Settings

Rows = Callable[..., list[Any]]


@pytest.fixture
def rows(database_url: str) -> Rows:
    """Return what reads and changes the database."""

    def run(query: str, *values: object) -> list[Any]:
        with psycopg.connect(database_url) as connection:
            cursor = connection.execute(query.encode(), values)
            return cursor.fetchall() if cursor.description else []

    return run


class Queue:
    """The queue on this test's database."""

    def __init__(self, settings: Settings, rows: Rows) -> None:
        self.settings, self.rows = settings, rows

    def add(self, kind: Kind = Kind.PURGE, **ids: str) -> None:
        """Add a job."""

        async def add(database: Database) -> None:
            async with database.transaction() as connection:
                await enqueue(connection, kind, **ids)

        self.run(add)

    def work(
        self, handlers: Mapping[str, Handler], until: str, workers: int = 1
    ) -> None:
        """Run jobs until *until*, a condition on all jobs, is true."""

        async def work(database: Database) -> None:
            async with contextlib.AsyncExitStack() as stack:
                for _ in range(workers):
                    worker = Worker(self.settings, database, handlers)
                    await stack.enter_async_context(worker.running())
                await self._until(until)

        self.run(work)

    async def _until(self, condition: str) -> None:
        async with asyncio.timeout(60):
            while not self.rows(f"SELECT {condition} FROM jobs")[0][0]:
                await asyncio.sleep(0.02)

    def run(self, task: Callable[[Database], Coroutine[None, None, None]]) -> None:
        """Run a task with a database."""

        async def run() -> None:
            async with self._open() as database:
                await task(database)

        asyncio.run(run())

    @contextlib.asynccontextmanager
    async def _open(self) -> AsyncIterator[Database]:
        database = Database(self.settings)
        await database.open()
        try:
            yield database
        finally:
            await database.close()


@pytest.fixture
def queue(settings: Settings, rows: Rows) -> Queue:
    """Return the queue."""
    return Queue(settings, rows)
