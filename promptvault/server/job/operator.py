"""Jobs as the operator sees and changes them."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from psycopg.rows import class_row, scalar_row

from promptvault.server.database import Connection
from promptvault.server.job.queue import Kind


@dataclass(frozen=True, slots=True)
class JobRead:
    """A job that waits or is dead, as the operator's list shows it."""

    id: UUID
    kind: str
    attempts: int
    created_at: datetime
    run_at: datetime
    dead_at: datetime | None
    error: str | None


_CHOSEN = """
SELECT id FROM jobs
 WHERE CASE WHEN %(ids)s::uuid[] IS NULL THEN dead_at IS NOT NULL
       ELSE id = ANY(%(ids)s) END FOR UPDATE SKIP LOCKED
"""


class JobList:
    """Reads and changes jobs within one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def all(self) -> list[JobRead]:
        """Return all jobs, those that are due first."""
        cursor = self._connection.cursor(row_factory=class_row(JobRead))
        await cursor.execute(
            "SELECT id, kind, attempts, created_at, run_at, dead_at, error FROM jobs"
            " ORDER BY dead_at IS NOT NULL, run_at, id"
        )
        return await cursor.fetchall()

    async def retry(self, ids: Collection[UUID] | None) -> list[UUID]:
        """Make jobs due now, as if new, and return their ids; None means all dead ones.

        Jobs that a worker has locked are left out.
        """
        # Of a customer only one job without an attempt may wait.
        return await self._change(
            f"UPDATE jobs SET run_at = now(), dead_at = NULL,"
            f" attempts = CASE WHEN kind = '{Kind.RECONCILE}' THEN 1 ELSE 0 END"
            f" WHERE id IN ({_CHOSEN}) RETURNING id",
            ids,
        )

    async def drop(self, ids: Collection[UUID] | None) -> list[UUID]:
        """Delete jobs, chosen as in `retry`, and return their ids."""
        return await self._change(
            f"DELETE FROM jobs WHERE id IN ({_CHOSEN}) RETURNING id", ids
        )

    async def _change(self, query: str, ids: Collection[UUID] | None) -> list[UUID]:
        cursor = self._connection.cursor(row_factory=scalar_row)
        await cursor.execute(query, {"ids": None if ids is None else [*ids]})
        return await cursor.fetchall()
