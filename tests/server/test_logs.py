"""What the server logs: a line for each request, and no text of users."""

import json
import logging
from collections.abc import Callable
from typing import Any

import httpx
import psycopg
import pytest
from fastapi import APIRouter
from psycopg.errors import UndefinedTable
from pydantic import BaseModel

from promptvault.server.admin import Admin
from promptvault.server.dependencies import Transaction
from tests.server.conftest import EMAIL, SECRET, Server, ServerProcess

HIDDEN = "only-for-me"
probe = APIRouter()


class Note(BaseModel):
    """A user's text."""

    number: int


@probe.post("/probe/{key}")
async def bug(connection: Transaction, key: str) -> None:
    """Fail as a database does: its message quotes the row."""
    insert = "INSERT INTO server_settings (name, value) VALUES (%s, 'x')"
    await connection.execute(insert, (key,))
    await connection.execute(insert, (key,))


@probe.post("/note")
async def note(note: Note) -> int:
    """Receive a user's text."""
    return note.number


def _lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


@pytest.fixture
def probed(server: Server) -> httpx.Client:
    """Return a client of a server with the routes above."""
    server.app.include_router(probe)
    return server.client()


def test_a_request_is_a_line_with_its_id(
    capfd: pytest.CaptureFixture[str], client: httpx.Client, server: Server
) -> None:
    answer = client.get("/v1/me?key=1")
    server.stop()  # the line is logged after the answer
    (line,) = _lines(capfd.readouterr().err)
    assert answer.headers["x-request-id"] == line["request_id"]
    assert (line["method"], line["route"], line["status"]) == ("GET", "me", 200)
    assert line["account"] == answer.json()["account_id"]
    assert line["milliseconds"] > 0


@pytest.mark.parametrize(
    ("given", "is_kept"),
    [
        ("trace-0123456789", True),
        ("short", False),
        ("a" * 65, False),
        ("a b\tc", False),
    ],
)
def test_an_id_that_comes_along_is_kept(
    visitor: httpx.Client, given: str, is_kept: bool
) -> None:
    answer = visitor.get("/healthz", headers={"X-Request-Id": given})
    assert (answer.headers["x-request-id"] == given) == is_kept


def test_a_bug_is_logged_by_its_place_alone(
    capfd: pytest.CaptureFixture[str], probed: httpx.Client, server: Server
) -> None:
    answer = probed.post(f"/probe/{HIDDEN}")
    assert answer.status_code == 500
    assert HIDDEN not in answer.text
    server.stop()
    err = capfd.readouterr().err
    failure, request = _lines(err)
    assert HIDDEN not in err
    assert failure["exception"] == "UniqueViolation"
    assert any(place.endswith(" bug") for place in failure["where"])
    assert failure["request_id"] == answer.headers["x-request-id"]
    assert (request["route"], request["status"]) == ("bug", 500)


def test_what_cannot_be_used_is_not_quoted(
    capfd: pytest.CaptureFixture[str], probed: httpx.Client, server: Server
) -> None:
    answer = probed.post("/note", json={"number": HIDDEN})
    assert answer.status_code == 422
    assert answer.json()["error"]["message"].startswith("body.number: ")
    server.stop()
    assert HIDDEN not in answer.text + capfd.readouterr().err


def test_what_a_library_met_is_logged_by_its_class(
    capfd: pytest.CaptureFixture[str], server: Server, visitor: httpx.Client
) -> None:
    assert visitor.get("/healthz").status_code == 200  # it has begun
    server.stop()
    capfd.readouterr()
    log = logging.getLogger("library")
    log.warning("error in %r: %s", HIDDEN, UndefinedTable(HIDDEN))
    log.warning("%(why)s", {"why": OSError(HIDDEN)})
    log.warning("of %s", HIDDEN)
    err = capfd.readouterr().err
    assert HIDDEN not in err
    table, file, nothing = _lines(err)
    assert table["causes"] == [{"exception": "UndefinedTable", "sqlstate": "42P01"}]
    assert file["causes"] == [{"exception": "OSError", "sqlstate": None}]
    assert "causes" not in nothing


def test_a_process_logs_json_and_no_secret(
    server_process: Callable[..., ServerProcess],
    database_url: str,
    admin: Admin,
    token: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PROMPTVAULT_SERVER_SECRET", SECRET)
    running = server_process("--database-url", database_url)
    with httpx.Client(base_url=running.url) as client:
        headers = {"Authorization": f"Bearer {token}", "X-Hidden": HIDDEN}
        assert client.get(f"/v1/me?q={HIDDEN}", headers=headers).status_code == 200
        assert client.post("/v1/me", content=HIDDEN).status_code == 405
        assert client.get(f"/v1/{HIDDEN}").status_code == 404
        assert client.request(HIDDEN.upper(), "/v1/me").status_code == 405
        with psycopg.connect(database_url, autocommit=True) as connection:
            connection.execute("ALTER TABLE tokens RENAME TO gone")
        assert client.get("/v1/me", headers=headers).status_code == 500
    assert running.stop() == 0
    text = running.log.read_text()
    assert {line["event"] for line in _lines(text)} >= {"request", "failed"}
    password = psycopg.conninfo.conninfo_to_dict(database_url).get("password")
    for secret in (token, SECRET, EMAIL, HIDDEN, HIDDEN.upper(), password):
        assert secret is None or str(secret) not in text
