"""One request is one transaction, and an answer follows its commit."""

from collections.abc import Iterator
from typing import Any

import httpx
import psycopg
import pytest
from fastapi import APIRouter

from promptvault.errors import ConflictError
from promptvault.server.dependencies import AppDatabase, Transaction
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
    """Write a row, and then find that it must not be."""
    await connection.execute(_KEEP)
    raise ConflictError("It is not so.")


@probe.post("/fail")
async def fail(connection: Transaction) -> str:
    """Write a row, and then run into a bug."""
    await connection.execute(_KEEP)
    raise RuntimeError("a bug")


@probe.post("/doubt")
async def doubt(connection: Transaction) -> str:
    """Write what only the commit refuses."""
    await connection.execute(_KEEP)
    await connection.execute(
        "CREATE TEMP TABLE once (n int UNIQUE DEFERRABLE INITIALLY DEFERRED)"
    )
    await connection.execute("INSERT INTO once VALUES (1), (1)")
    return "kept"


@probe.post("/aside")
async def aside(connection: Transaction, database: AppDatabase) -> str:
    """Write a row that stays, whatever becomes of the request."""
    async with database.transaction() as other:
        await other.execute(_KEEP)
    raise ConflictError("It is not so.")


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
        ("/aside", 409, "conflict", True),
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
