"""Jobs: added in a transaction, done once, retried, dead in the end."""

import asyncio
import contextlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from promptvault.domain.tier import Tier
from promptvault.errors import InvalidInputError, UnavailableError
from promptvault.server.admin import Admin
from promptvault.server.database import Connection, Database
from promptvault.server.job import handlers
from promptvault.server.job.queue import ATTEMPTS, JobRepository, Kind, enqueue
from promptvault.server.job.work import Handler, Work
from promptvault.server.job.worker import Worker
from tests.server.conftest import Server
from tests.server.job.conftest import Queue, Rows
from tests.sync.waiting import eventually

EMPTY = "count(*) = 0"
SECRET = "sesame"


async def _note(work: Work) -> None:
    """Write into the database that a job was done."""
    await work.connection.execute(
        "INSERT INTO server_settings (name, value) VALUES (%s, %s)",
        (str(work.job_id), work.ids.get("user", "")),
    )


def _noted(rows: Rows) -> list[str]:
    return [value for (value,) in rows("SELECT value FROM server_settings")]


def test_each_kind_has_a_handler() -> None:
    assert handlers.HANDLERS.keys() == {*Kind}


def test_a_job_exists_if_its_transaction_is_committed(queue: Queue, rows: Rows) -> None:
    async def add(database: Database) -> None:
        with contextlib.suppress(UnavailableError):
            async with database.transaction() as connection:
                await enqueue(connection, Kind.PURGE, user="rolled back")
                raise UnavailableError("Something else fails.")
        assert not database.has_new_jobs.is_set()
        async with database.transaction() as connection:
            await enqueue(connection, Kind.PURGE, user="committed")
        assert database.has_new_jobs.is_set()

    queue.run(add)
    queue.work({Kind.PURGE: _note}, EMPTY)
    assert _noted(rows) == ["committed"]


def test_of_several_workers_one_does_it(queue: Queue, rows: Rows) -> None:
    for number in range(20):
        queue.add(user=str(number))
    queue.work({Kind.PURGE: _note}, EMPTY, workers=4)
    assert sorted(map(int, _noted(rows))) == [*range(20)]


def test_what_a_failed_attempt_wrote_is_undone(queue: Queue, rows: Rows) -> None:
    calls = []

    async def write_and_fail_once(work: Work) -> None:
        await _note(work)
        calls.append(work.job_id)
        if len(calls) == 1:
            raise UnavailableError("Not now.")

    queue.add(user="ada")
    done_by: dict[str, Handler] = {Kind.PURGE: write_and_fail_once}
    queue.work(done_by, "bool_or(error IS NOT NULL)")
    assert _noted(rows) == []
    rows("UPDATE jobs SET run_at = now()")
    queue.work(done_by, EMPTY)
    assert _noted(rows) == ["ada"]
    assert len({*calls}) == 1  # the id stays the same


def test_the_pauses_grow_up_to_an_hour(queue: Queue, rows: Rows) -> None:
    async def fail(work: Work) -> None:
        raise ValueError(SECRET)

    queue.add()
    for earlier, mean in [(0, 10), (1, 30), (5, 2430), (6, 3600), (ATTEMPTS - 1, 3600)]:
        rows("UPDATE jobs SET attempts = %s, run_at = now()", earlier)
        queue.work({Kind.PURGE: fail}, f"bool_and(attempts = {earlier + 1})")
        ((pause, error, is_dead),) = rows(
            "SELECT extract(epoch FROM run_at - now())::float8, error,"
            "       dead_at IS NOT NULL FROM jobs"
        )
        assert 0.8 * mean - 60 < pause <= 1.2 * mean
        assert error == "ValueError"  # the text may contain anything
        assert is_dead == (earlier == ATTEMPTS - 1)


def test_a_dead_job_is_left_until_the_operator_retries_it(
    queue: Queue, rows: Rows, admin: Admin
) -> None:
    queue.add(user="ada")
    queue.add(user="bob")
    rows("UPDATE jobs SET dead_at = now() WHERE payload->>'user' = 'ada'")
    queue.work({Kind.PURGE: _note}, "count(*) = 1")
    assert _noted(rows) == ["bob"]
    assert len(admin.retry_jobs(None)) == 1
    queue.work({Kind.PURGE: _note}, EMPTY)
    assert sorted(_noted(rows)) == ["ada", "bob"]


def test_what_no_attempt_can_mend_is_dead_at_once(queue: Queue, rows: Rows) -> None:
    async def refuse(work: Work) -> None:
        raise InvalidInputError("This is no e-mail address.")

    queue.add()
    queue.work({Kind.PURGE: refuse}, "bool_and(dead_at IS NOT NULL)")
    assert rows("SELECT attempts, error FROM jobs") == [
        (1, "This is no e-mail address.")
    ]


def test_a_job_that_kills_each_worker_ends(queue: Queue, rows: Rows) -> None:
    """A killed worker has counted the attempt and records nothing else."""
    queue.add()
    rows("UPDATE jobs SET attempts = %s", ATTEMPTS)
    queue.work({Kind.PURGE: _note}, "bool_and(dead_at IS NOT NULL)")
    assert _noted(rows) == []
    assert rows("SELECT error FROM jobs") == [("the worker ended",)]


def test_a_job_of_a_newer_server_waits_for_it(queue: Queue, rows: Rows) -> None:
    queue.add(Kind.MAIL_SIGN_UP, user="new")
    queue.add(Kind.PURGE, user="old")
    queue.work({Kind.PURGE: _note}, "count(*) = 1")
    assert rows("SELECT kind, attempts FROM jobs") == [("mail_sign_up", 0)]
    queue.work({Kind.MAIL_SIGN_UP: _note, Kind.PURGE: _note}, EMPTY)
    assert _noted(rows) == ["old", "new"]


def test_who_took_too_long_to_begin_leaves_it_to_another(
    queue: Queue, rows: Rows
) -> None:
    queue.add()

    async def claim_twice(database: Database) -> None:
        async with database.transaction() as connection:
            first = await JobRepository(connection).claim([Kind.PURGE])
        rows("UPDATE jobs SET run_at = now()")
        async with database.transaction() as connection:
            second = await JobRepository(connection).claim([Kind.PURGE])
        assert first is not None
        assert second is not None
        async with database.transaction() as connection:
            assert not await JobRepository(connection).lock(first)
            assert await JobRepository(connection).lock(second)
            rows("UPDATE jobs SET run_at = now() WHERE false")
            async with database.transaction() as other:
                assert not await JobRepository(other).lock(second)

    queue.run(claim_twice)


def test_a_worker_that_stops_finishes_its_job(queue: Queue, rows: Rows) -> None:
    queue.add(user="ada")

    async def stop_in_the_middle(database: Database) -> None:
        begun = asyncio.Event()

        async def slow(work: Work) -> None:
            begun.set()
            await asyncio.sleep(0.2)
            await _note(work)

        worker = Worker(queue.settings, database, {Kind.PURGE: slow})
        async with worker.running():
            await begun.wait()
        assert _noted(rows) == ["ada"]

    queue.run(stop_in_the_middle)
    assert rows("SELECT count(*) FROM jobs") == [(0,)]


def test_a_worker_outlives_its_connection(queue: Queue, rows: Rows) -> None:
    async def cut(work: Work) -> None:
        if work.ids["user"] == "cut":
            rows(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                "   AND state = 'idle in transaction'"
            )
        await _note(work)

    queue.add(user="cut")
    rows("UPDATE jobs SET run_at = now() - interval '1 minute'")
    queue.add(user="next")
    queue.work({Kind.PURGE: cut}, "count(*) = 1")
    assert _noted(rows) == ["next"]
    assert rows("SELECT payload->>'user', attempts FROM jobs") == [("cut", 1)]


class TestPeriods:
    def test_one_instance_adds_a_job_in_each_period(
        self, database_url: str, rows: Rows
    ) -> None:
        async def schedule() -> bool:
            async with await Connection.connect(database_url) as connection:
                return await JobRepository(connection).schedule(
                    Kind.PURGE, timedelta(days=1)
                )

        async def at_once() -> list[bool]:
            return await asyncio.gather(*(schedule() for _ in range(5)))

        assert sorted(asyncio.run(at_once())) == [False] * 4 + [True]
        assert rows("SELECT count(*) FROM jobs") == [(1,)]
        rows("UPDATE job_slots SET slot = slot - interval '1 day'")
        assert sorted(asyncio.run(at_once())) == [False] * 4 + [True]
        assert rows("SELECT count(*) FROM jobs") == [(2,)]

    def test_the_server_purges_daily_if_it_is_set_to(
        self, start_server: Callable[..., Server], rows: Rows
    ) -> None:
        rows("INSERT INTO jobs (kind, dead_at) VALUES ('x', now() - interval '31 d')")
        start_server(purge_daily=True)
        eventually(lambda: rows("SELECT 1 FROM jobs") == [])
        assert ("purge",) in rows("SELECT kind FROM job_slots")


def test_a_purge_is_cut_into_jobs(
    queue: Queue, rows: Rows, admin: Admin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So a mail waits for one part at most."""
    monkeypatch.setattr("promptvault.server.retention.service._PART_SECONDS", 0)
    users = [admin.add_user(f"{name}@example.org", Tier.FREE).user for name in "abc"]
    rows(
        "INSERT INTO items SELECT id, gen_random_uuid(), gen_random_uuid(), 1, true"
        "  FROM vaults"
    )
    rows(
        "INSERT INTO revisions SELECT vault_id, head_rev, item_id, NULL, 'head', seq,"
        "       '', item_id, item_id, now() - interval '31 days' FROM items"
    )
    assert len(users) == 3
    queue.add()
    parts = []

    async def purge_and_note(work: Work) -> None:
        await handlers.HANDLERS[Kind.PURGE](work)
        parts.append(work.ids)

    queue.work({Kind.PURGE: purge_and_note}, EMPTY)
    assert len(parts) == 4
    assert rows("SELECT count(*) FROM items") == [(0,)]


def test_old_dead_jobs_are_purged(rows: Rows, admin: Admin) -> None:
    rows("INSERT INTO jobs (kind, dead_at) VALUES ('x', now())")
    rows("INSERT INTO jobs (kind) VALUES ('y')")
    now = datetime.now(UTC)
    assert admin.purge(now + timedelta(days=29)).expired == 0
    assert admin.purge(now + timedelta(days=31)).expired == 1
    assert rows("SELECT kind FROM jobs") == [("y",)]


def test_attempts_are_counted_for_prometheus(
    start_server: Callable[..., Server], rows: Rows
) -> None:
    rows("INSERT INTO jobs (kind) VALUES ('purge')")
    server = start_server()
    with server.client() as client:
        eventually(lambda: rows("SELECT 1 FROM jobs") == [])
        text = client.get("/metrics").text
    assert 'promptvault_jobs_total{kind="purge",outcome="done"}' in text
    assert 'promptvault_job_age_seconds_bucket{kind="purge",le="0.1",outc' in text


def test_a_server_with_jobs_off_does_none(
    start_server: Callable[..., Server], rows: Rows
) -> None:
    rows("INSERT INTO jobs (kind) VALUES ('purge')")
    server = start_server(jobs="off", purge_daily=True)
    with server.client() as client:
        assert client.get("/healthz").status_code == 200
    server.stop()
    assert rows("SELECT kind, attempts FROM jobs") == [("purge", 0)]
