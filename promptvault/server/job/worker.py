"""The worker of a process: does one job after another."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Mapping

import structlog

from promptvault.errors import InvalidInputError, PromptVaultError
from promptvault.server import metrics
from promptvault.server.database import Connection, Database
from promptvault.server.job.handlers import HANDLERS, periods
from promptvault.server.job.queue import Job, JobRepository, Outcome
from promptvault.server.job.work import Handler, Work
from promptvault.server.settings import Settings

_POLL_SECONDS = 2.0
"""How late a job starts at most, if another process has added it or it is due again."""
_SCHEDULE_SECONDS = 60.0
_MOST_SECONDS = 60.0
"""How long a handler may take."""
_PATIENCE_SECONDS = 10.0
"""How long a statement of the queue may take before the database counts as lost."""

_log = structlog.get_logger("promptvault.server")


class Worker:
    """Takes jobs from the database until it is stopped."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        handlers: Mapping[str, Handler] = HANDLERS,
    ) -> None:
        self._settings, self._database = settings, database
        self._handlers = handlers
        self._periods = {
            kind: every for kind, every in periods(settings).items() if kind in handlers
        }
        self._schedule_at = 0.0
        self._is_stopped = False

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Work while the block runs. At its end, the current job is finished first."""
        task = asyncio.create_task(self.run())
        try:
            yield
        finally:
            self.stop()
            await task

    def stop(self) -> None:
        """Make `run` return after the current job."""
        self._is_stopped = True
        self._database.has_new_jobs.set()

    async def run(self) -> None:
        """Work until `stop` is called, on a connection apart from the pool."""
        while not self._is_stopped:
            try:
                async with self._database.long_connection() as connection:
                    await self._work_on(connection)
            except Exception as error:  # the task must not end
                _log.warning("no jobs can be done", exc_info=error)
                await self._wait()

    async def _work_on(self, connection: Connection) -> None:
        while not self._is_stopped:
            connection.deadline = time.monotonic() + _PATIENCE_SECONDS
            await self._add_periodic(connection)
            if not await self._take_one(connection):
                await self._wait()

    async def _wait(self) -> None:
        """Wait until this process adds a job, or for `_POLL_SECONDS`."""
        news = self._database.has_new_jobs
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_POLL_SECONDS):
                await news.wait()
        if not self._is_stopped:
            news.clear()

    async def _add_periodic(self, connection: Connection) -> None:
        if time.monotonic() < self._schedule_at:
            return
        for kind, every in self._periods.items():
            await JobRepository(connection).schedule(kind, every)
            await connection.commit()
        self._schedule_at = time.monotonic() + _SCHEDULE_SECONDS

    async def _take_one(self, connection: Connection) -> bool:
        """Do the next job; return False if none is due."""
        queue = JobRepository(connection)
        job = await queue.claim(self._handlers)
        await connection.commit()
        if job is None:
            return False
        if job.is_dead:
            _log.error("a job is dead", job=str(job.id), kind=job.kind)
            metrics.count_job(job.kind, "dead", job.age)
        elif await queue.lock(job):
            outcome = await self._do(connection, queue, job)
            metrics.count_job(job.kind, *outcome)
        return True

    async def _do(
        self, connection: Connection, queue: JobRepository, job: Job
    ) -> Outcome:
        """Do a job that is locked, and commit the result."""
        connection.deadline = time.monotonic() + _MOST_SECONDS + _PATIENCE_SECONDS
        work = Work(job.id, job.payload, connection, self._database, self._settings)
        try:
            async with connection.transaction(), asyncio.timeout(_MOST_SECONDS):
                await self._handlers[job.kind](work)
            outcome = await queue.finish(job)
        except Exception as error:
            hopeless = isinstance(error, InvalidInputError)
            outcome = await queue.fail(job, _reason(error), hopeless=hopeless)
            _log_failure(job, outcome, error)
        await connection.commit()
        return outcome


def _log_failure(job: Job, outcome: Outcome, error: Exception) -> None:
    log = _log.bind(job=str(job.id), kind=job.kind, attempt=job.attempts)
    if outcome.result == "dead":
        log.error("a job is dead", reason=_reason(error), exc_info=error)
    else:
        log.warning("a job has failed", reason=_reason(error), exc_info=error)


def _reason(error: Exception) -> str:
    """Return a text for the operator: messages of libraries may quote anything."""
    return str(error) if isinstance(error, PromptVaultError) else type(error).__name__
