"""`server jobs`: the operator lists, retries and drops jobs."""

from uuid import uuid4

import psycopg
import pytest

from tests.conftest import Pvt
from tests.server.job.conftest import Rows


@pytest.fixture(autouse=True)
def on_this_database(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each command work on this test's database."""
    monkeypatch.setenv("DATABASE_URL", database_url)


@pytest.fixture
def ids(rows: Rows) -> list[str]:
    """Return the ids of a job that waits and of a dead one."""
    rows(
        "INSERT INTO jobs (kind, attempts, run_at, error, dead_at) VALUES"
        " ('mail_password', 2, now() + interval '1 hour', 'TimeoutError', NULL),"
        " ('purge', 12, now(), 'OSError', now())"
    )
    return [str(id) for (id,) in rows("SELECT id FROM jobs ORDER BY attempts")]


def test_list_shows_what_waits_and_what_is_dead(pvt: Pvt, ids: list[str]) -> None:
    waiting, dead = pvt.ok("server", "jobs", "list", "--json").json
    assert waiting.pop("created_at").endswith("Z")
    assert waiting.pop("run_at").endswith("Z")
    assert waiting == {
        "id": ids[0],
        "kind": "mail_password",
        "state": "waiting",
        "attempts": 2,
        "error": "TimeoutError",
    }
    assert (dead["id"], dead["state"], dead["run_at"]) == (ids[1], "dead", None)
    lines = pvt.ok("server", "jobs", "list").text.splitlines()
    assert [line.split("\t")[:3] for line in lines] == [
        [ids[0], "mail_password", "waiting"],
        [ids[1], "purge", "dead"],
    ]


def test_retry_makes_a_job_due_with_all_attempts(
    pvt: Pvt, ids: list[str], rows: Rows
) -> None:
    assert pvt.ok("server", "jobs", "retry", *ids, "--json").json.keys() == {"jobs"}
    assert rows("SELECT attempts, run_at <= now(), dead_at FROM jobs") == [
        (0, True, None),
        (0, True, None),
    ]


def test_dead_chooses_all_dead_jobs(pvt: Pvt, ids: list[str], rows: Rows) -> None:
    retried = pvt.ok("server", "jobs", "retry", "--dead", "--json").json
    assert retried == {"jobs": [ids[1]]}
    dropped = pvt.ok("server", "jobs", "drop", "--dead", "--yes")
    assert dropped.err == "Dropped: 0 jobs.\n"
    assert rows("SELECT count(*) FROM jobs") == [(2,)]


def test_drop_deletes_a_job(pvt: Pvt, ids: list[str], rows: Rows) -> None:
    assert pvt("server", "jobs", "drop", ids[0]).code != 0  # it would ask
    assert pvt.ok("server", "jobs", "drop", ids[0], "--yes").text == ""
    assert rows("SELECT kind FROM jobs") == [("purge",)]


@pytest.mark.parametrize("command", [("retry",), ("drop", "--yes")])
def test_an_unknown_job_changes_nothing(
    pvt: Pvt, ids: list[str], rows: Rows, command: tuple[str, ...]
) -> None:
    before = rows("SELECT * FROM jobs ORDER BY id")
    assert pvt("server", "jobs", *command, *ids, str(uuid4())).code == 3
    assert rows("SELECT * FROM jobs ORDER BY id") == before


@pytest.mark.parametrize("given", [(), ("--dead", str(uuid4())), ("no-id",)])
def test_jobs_are_chosen_by_id_or_as_dead(pvt: Pvt, given: tuple[str, ...]) -> None:
    assert pvt("server", "jobs", "retry", *given).code == 2
    assert pvt("server", "jobs", "drop", "--yes", *given).code == 2


def test_a_job_that_is_being_done_is_left_alone(
    pvt: Pvt, ids: list[str], database_url: str, rows: Rows
) -> None:
    with psycopg.connect(database_url) as worker:
        worker.execute("SELECT 1 FROM jobs WHERE id = %s FOR NO KEY UPDATE", ids[:1])
        result = pvt("server", "jobs", "drop", ids[0], "--yes")
    assert result.code == 3
    assert "is being done" in result.err
    assert rows("SELECT count(*) FROM jobs") == [(2,)]
