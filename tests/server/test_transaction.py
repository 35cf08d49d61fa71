"""A request is one transaction, and its answer is sent after the commit."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import psycopg
import pytest
from fastapi import APIRouter

from promptvault.errors import ConflictError
from promptvault.server.database import Connection, Database
from promptvault.server.dependencies import AppDatabase, Transaction
from promptvault.server.settings import Settings
from tests.server.conftest import Server

probe = APIRouter()
_KEEP = "INSERT INTO server_settings (name, value) VALUES ('probe', 'kept')"


@probe.post("/keep")
async def keep(connection: Transaction) -> str:
    """Write a row."""
    await connection.execute(_KEEP)
    return "kept"


@probe.post("/refuse")
async def refuse(connection: Transaction) -> str:
    """Write a row, and then refuse the request."""
    await connection.execute(_KEEP)
    raise ConflictError("It is not so.")


@probe.post("/fail")
async def fail(connection: Transaction) -> str:
    """Write a row, and then raise an unexpected error."""
    await connection.execute(_KEEP)
    raise RuntimeError("a bug")


@probe.post("/doubt")
async def doubt(connection: Transaction) -> str:
    """Write a row that only the commit refuses."""
    await connection.execute(_KEEP)
    await connection.execute(
        "CREATE TEMP TABLE once (n int UNIQUE DEFERRABLE INITIALLY DEFERRED)"
    )
    await connection.execute("INSERT INTO once VALUES (1), (1)")
    return "kept"


@probe.post("/separate")
async def separate(connection: Transaction, database: AppDatabase) -> str:
    """Write a row that stays even if the request is rolled back."""
    async with database.transaction() as other:
        await other.execute(_KEEP)
    raise ConflictError("It is not so.")


@probe.get("/limits/{name}")
async def limits(connection: Transaction, name: str) -> Any:
    """Return the limits of a statement and of its wait for a lock."""
    return await _limit(connection, name)


async def _limit(connection: Connection, name: str) -> Any:
    asked = "SELECT current_setting(%s)"
    cursor = await connection.execute(asked, (f"{name}_timeout",))
    row = await cursor.fetchone()
    assert row is not None
    return row[0]


@pytest.fixture
def probed(server: Server) -> Iterator[httpx.Client]:
    """Return a client of a server with the routes above."""
    server.app.include_router(probe)
    with server.client() as client:
        yield client


def _kept(database_url: str) -> list[Any]:
    with psycopg.connect(database_url) as connection:
        return connection.execute("SELECT value FROM server_settings").fetchall()


@pytest.mark.parametrize(
    ("path", "status", "code", "kept"),
    [
        ("/keep", 200, None, True),
        ("/refuse", 409, "conflict", False),
        ("/fail", 500, "internal", False),
        ("/doubt", 500, "internal", False),
        ("/separate", 409, "conflict", True),
    ],
)
def test_a_transaction(
    probed: httpx.Client,
    database_url: str,
    path: str,
    status: int,
    code: str | None,
    kept: bool,
) -> None:
    answer = probed.post(path)
    assert answer.status_code == status
    if code:
        assert answer.json()["error"]["code"] == code
    assert _kept(database_url) == ([("kept",)] if kept else [])


def test_a_connection_is_good_after_a_failure(probed: httpx.Client) -> None:
    for _ in range(30):  # more than the pool has
        assert probed.post("/fail").status_code == 500
    assert probed.post("/keep").status_code == 200


def test_who_waits_for_a_lock_gives_up_and_others_are_answered(
    probed: httpx.Client, server: Server, database_url: str
) -> None:
    """A locked row takes every connection of the pool, but none forever."""
    held = server.settings.pool_size
    with (
        psycopg.connect(database_url) as stuck,
        psycopg.connect(database_url, autocommit=True) as watching,
        ThreadPoolExecutor(held) as threads,
    ):
        stuck.execute(_KEEP)
        waiting = [threads.submit(probed.post, "/keep") for _ in range(held)]
        while _waiting(watching) < held and not any(each.done() for each in waiting):
            pass
        assert probed.get("/readyz").status_code == 200
        answers = [each.result() for each in waiting]
        stuck.rollback()
    assert [each.status_code for each in answers] == [503] * held
    assert {each.json()["error"]["code"] for each in answers} == {"unavailable"}
    assert all(int(each.headers["retry-after"]) > 0 for each in answers)
    assert probed.post("/keep").status_code == 200


def _waiting(connection: psycopg.Connection[Any]) -> int:
    """Return the number of connections that wait for a lock."""
    (row,) = connection.execute(
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE wait_event_type = 'Lock' AND datname = current_database()"
    ).fetchall()
    number: int = row[0]
    return number


def test_no_connection_of_the_pool_waits_without_end(probed: httpx.Client) -> None:
    names = ["lock", "statement", "idle_in_transaction_session"]
    found = [probed.get(f"/limits/{name}").json() for name in names]
    assert found == ["5s", "30s", "1min"]


def test_what_takes_long_has_a_connection_apart(settings: Settings) -> None:
    """It does not count as one of the requests, and gets more time."""

    async def ask() -> list[Any]:
        database = Database(settings.model_copy(update={"pool_size": 1}))
        await database.open()
        try:
            async with (
                database.transaction() as one,
                database.long_connection() as other,
            ):
                return [await _limit(each, "statement") for each in (one, other)]
        finally:
            await database.close()

    assert asyncio.run(ask()) == ["30s", "1h"]
