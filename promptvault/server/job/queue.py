"""The queue of jobs in the database.

A worker claims a job: that counts the attempt, sets the time of the next one, and is
committed. Then it keeps the row locked while it works, and deletes it in the same
transaction. If its process is killed, the lock is released, and the job is claimed
again when its next attempt is due. A job that kills each worker ends as dead.
"""

from collections.abc import Collection, Mapping
from datetime import timedelta
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from promptvault.server.database import Connection

ATTEMPTS = 12
"""After so many failed attempts a job is dead; over seven hours have passed by then."""
PATIENT_ATTEMPTS = 78
"""The same for jobs that wait for Stripe: three days have passed by then."""


class Kind(StrEnum):
    """What a job does. `handlers.HANDLERS` has the function for each kind."""

    MAIL_SIGN_UP = "mail_sign_up"
    MAIL_PASSWORD = "mail_password"
    MAIL_DELETION = "mail_deletion"
    MAIL_ORPHANED = "mail_orphaned"
    MAIL_SHARE_PAUSED = "mail_share_paused"
    MAIL_INVITATION = "mail_invitation"
    MAIL_PAYMENT_FAILED = "mail_payment_failed"
    MAIL_GRACE_ENDS = "mail_grace_ends"
    RECONCILE = "reconcile"
    RECONCILE_ALL = "reconcile_all"
    PLAN_SWEEP = "plan_sweep"
    CANCEL_SUBSCRIPTIONS = "cancel_subscriptions"
    AI_SETTLE = "ai_settle"
    PURGE = "purge"


async def enqueue(connection: Connection, kind: Kind, **ids: UUID | str | None) -> None:
    """Add a job within the caller's transaction; a rollback removes it as well.

    *ids* name the rows that it is about; None is left out. The handler reads them when
    it runs, so that a job holds no address, no text and no secret. A worker of this
    process starts as soon as the transaction is committed.
    """
    payload = {name: str(value) for name, value in ids.items() if value is not None}
    await connection.execute(
        "INSERT INTO jobs (kind, payload) VALUES (%s, %s)", (kind, Jsonb(payload))
    )
    connection.has_new_jobs = True


class Job(NamedTuple):
    """A claimed job."""

    id: UUID
    kind: str
    payload: Mapping[str, str]
    attempts: int
    """How often it was claimed, this time included."""
    is_dead: bool
    """Whether its last attempt had ended without a result."""
    age: float
    """Seconds since it was added."""


class Outcome(NamedTuple):
    """How an attempt has ended."""

    result: str
    """``done``, ``failed`` or ``dead``."""
    age: float
    """Seconds since the job was added."""


_ATTEMPTS = f"""
CASE WHEN kind IN ('{Kind.RECONCILE}', '{Kind.CANCEL_SUBSCRIPTIONS}')
     THEN {PATIENT_ATTEMPTS} ELSE {ATTEMPTS} END
"""
_AGE = "extract(epoch FROM clock_timestamp() - created_at)::float8 AS age"

# The pause after an attempt: 10 s, 30 s, 90 s ... up to an hour, give or take a fifth.
_CLAIM = f"""
UPDATE jobs SET attempts = attempts + 1,
       run_at = now() + interval '1 second'
              * least(10 * 3 ^ least(attempts, 9), 3600) * (0.8 + 0.4 * random()),
       dead_at = CASE WHEN attempts >= {_ATTEMPTS} THEN now() END,
       error = CASE WHEN attempts >= {_ATTEMPTS} THEN 'the worker ended' ELSE error END
 WHERE id = (SELECT id FROM jobs
              WHERE dead_at IS NULL AND run_at <= now() AND kind = ANY(%(kinds)s)
              ORDER BY run_at LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED)
RETURNING id, kind, payload, attempts, dead_at IS NOT NULL AS is_dead, {_AGE}
"""

_LOCK = """
SELECT id FROM jobs WHERE id = %s AND attempts = %s AND dead_at IS NULL
   FOR NO KEY UPDATE SKIP LOCKED
"""

_FAIL = f"""
UPDATE jobs SET error = %(error)s,
       dead_at = CASE WHEN %(hopeless)s OR attempts >= {_ATTEMPTS} THEN now() END
 WHERE id = %(id)s
RETURNING CASE WHEN dead_at IS NULL THEN 'failed' ELSE 'dead' END AS result, {_AGE}
"""

# Of all workers, the first one in a slot succeeds.
_SCHEDULE = """
WITH taken AS (
    INSERT INTO job_slots AS s (kind, slot)
    VALUES (%(kind)s, date_bin(%(every)s, now(), timestamptz 'epoch'))
        ON CONFLICT (kind) DO UPDATE SET slot = excluded.slot
     WHERE s.slot < excluded.slot
    RETURNING kind)
INSERT INTO jobs (kind) SELECT kind FROM taken
"""


class JobRepository:
    """Reads and writes jobs within one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def claim(self, kinds: Collection[str]) -> Job | None:
        """Return a job of one of *kinds* that is due, and put off its next attempt.

        Kinds of a newer version of the server wait for a worker that knows them.
        """
        cursor = self._connection.cursor(row_factory=class_row(Job))
        await cursor.execute(_CLAIM, {"kinds": [*kinds]})
        return await cursor.fetchone()

    async def lock(self, job: Job) -> bool:
        """Lock a claimed job; False if another worker has it by now."""
        cursor = await self._connection.execute(_LOCK, (job.id, job.attempts))
        return await cursor.fetchone() is not None

    async def finish(self, job: Job) -> Outcome:
        """Delete a job that is done."""
        return await self._outcome(
            f"DELETE FROM jobs WHERE id = %(id)s RETURNING 'done' AS result, {_AGE}",
            {"id": job.id},
        )

    async def fail(self, job: Job, error: str, *, hopeless: bool) -> Outcome:
        """Note a failed attempt. After the last one, or if *hopeless*, it is dead."""
        values = {"id": job.id, "error": error, "hopeless": hopeless}
        return await self._outcome(_FAIL, values)

    async def _outcome(self, query: str, values: Mapping[str, object]) -> Outcome:
        cursor = self._connection.cursor(row_factory=class_row(Outcome))
        await cursor.execute(query, values)
        (outcome,) = await cursor.fetchall()
        return outcome

    async def schedule(self, kind: Kind, every: timedelta) -> bool:
        """Add a periodic job, once in each period; return True if this call did it."""
        cursor = await self._connection.execute(
            _SCHEDULE, {"kind": kind, "every": every}
        )
        return cursor.rowcount == 1
