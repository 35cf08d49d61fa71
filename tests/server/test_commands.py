"""`promptvault server`: users, tiers, tokens, on a database without a server."""

import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from promptvault.server.postgres import migration
from tests.conftest import Pvt
from tests.server.conftest import EMAIL
from tests.server.sync.conftest import new


@pytest.fixture(autouse=True)
def on_this_database(
    pvt: Pvt, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Let each command work on this test's database."""
    monkeypatch.setenv("DATABASE_URL", database_url)


def test_users_and_tiers(pvt: Pvt) -> None:
    made = pvt.ok("server", "user", "add", EMAIL, "--json").json
    assert (made["email"], made["tier"]) == (EMAIL, "free")
    changed = pvt.ok("server", "tier", EMAIL, "pro", "--json").json
    limits = {"prompt_limit": None, "storage_limit": 10_000_000_000}
    assert changed == {"email": EMAIL, "tier": "pro", **limits}
    (row,) = pvt.ok("server", "user", "list", "--json").json
    assert row.pop("created_at").endswith("Z")
    assert row.pop("stored_bytes") == 0
    assert row == {"email": EMAIL, "tier": "pro", "prompts": 0, "prompt_limit": None}
    assert pvt.ok("server", "user", "list").text.split("\t")[:4] == [
        *(EMAIL, "pro", "0", "-")
    ]


def test_tier_reports_the_limits(pvt: Pvt, monkeypatch: pytest.MonkeyPatch) -> None:
    """Storage limits are settings of the server and may differ from the defaults."""
    monkeypatch.setenv("PROMPTVAULT_SERVER_FREE_STORAGE_MB", "3")
    pvt.ok("server", "user", "add", EMAIL)
    changed = pvt.ok("server", "tier", EMAIL, "free", "--json").json
    assert (changed["prompt_limit"], changed["storage_limit"]) == (50, 3_000_000)
    note = pvt.ok("server", "tier", EMAIL, "free").err
    assert note == f"{EMAIL} is on free: 50 prompts, 3.0 MB storage.\n"
    note = pvt.ok("server", "tier", EMAIL, "enterprise").err
    assert note == f"{EMAIL} is on enterprise: unlimited prompts, unlimited storage.\n"
    changed = pvt.ok("server", "tier", EMAIL, "enterprise", "--json").json
    assert (changed["prompt_limit"], changed["storage_limit"]) == (None, None)


def test_only_data_is_on_stdout(pvt: Pvt) -> None:
    assert pvt.ok("server", "user", "list").text == ""
    (link,) = pvt.ok("server", "user", "add", EMAIL).text.splitlines()
    assert link.startswith("http://127.0.0.1:8000/reset/password?token=")
    assert pvt.ok("server", "tier", EMAIL, "enterprise").text == ""
    assert pvt.ok("server", "migrate").text == ""
    assert pvt.ok("server", "token", EMAIL).text.startswith("pv_pat_")


def test_a_token_may_manage_teams_only_if_it_is_made_so(
    pvt: Pvt, database_url: str
) -> None:
    pvt.ok("server", "user", "add", EMAIL)
    pvt.ok("server", "token", EMAIL, "--name", "plain")
    pvt.ok("server", "token", EMAIL, "--name", "managing", "--manage")
    with psycopg.connect(database_url) as connection:
        scopes: dict[str, list[str]] = dict(
            connection.execute("SELECT name, scopes FROM tokens").fetchall()
        )
    assert scopes["plain"] == ["sync:read", "sync:write", "ai:use"]
    assert scopes["managing"] == [*scopes["plain"], "team:admin"]


def test_each_token_is_another(pvt: Pvt) -> None:
    pvt.ok("server", "user", "add", EMAIL)
    tokens = {pvt.ok("server", "token", EMAIL, "--json").json["token"] for _ in "ab"}
    assert len(tokens) == 2


@pytest.mark.parametrize(
    ("command", "code", "word"),
    [
        (f"user add {EMAIL}", 5, "conflict"),
        ("user add nobody", 2, "invalid_input"),
        ("user add bob@example.org --tier gold", 2, "invalid_input"),
        ("tier bob@example.org pro", 3, "not_found"),
        (f"tier {EMAIL} gold", 2, "invalid_input"),
        ("token bob@example.org", 3, "not_found"),
    ],
)
def test_errors_have_their_code(pvt: Pvt, command: str, code: int, word: str) -> None:
    pvt.ok("server", "user", "add", EMAIL)
    result = pvt("server", *command.split(), "--json")
    assert result.code == code
    assert result.text == ""
    assert json.loads(result.err)["error"]["code"] == word


def test_after_a_restore_devices_start_again_and_send_what_is_missing(
    pvt: Pvt, client: httpx.Client
) -> None:
    vault = {"id": client.get("/v1/me").json()["vaults"][0]["id"]}

    def sync(**fields: object) -> dict[str, Any]:
        body = {"proto": 1, "device": str(uuid4()), "vaults": [vault | fields]}
        answer: dict[str, Any] = client.post("/v1/sync", json=body).json()["vaults"][0]
        return answer

    cursor = sync(push=[new()])["cursor"]
    assert sync(cursor=cursor)["status"] == "ok"
    assert pvt.ok("server", "restored", "--yes", "--json").json == {"vaults": 1}
    later = sync(cursor=cursor)
    assert (later["status"], later["reason"]) == ("resync", "epoch")
    assert len(sync(cursor=later["cursor"])["feed"]) == 1


def test_a_restore_must_be_confirmed(pvt: Pvt) -> None:
    result = pvt("server", "restored", stdin=b"y\n")
    assert result.code == 2
    assert "--yes" in result.err


class TestRights:
    """The database's user has fewer rights than the server needs."""

    @pytest.fixture(autouse=True)
    def without_rights(
        self, database_url: str, monkeypatch: pytest.MonkeyPatch
    ) -> Iterator[None]:
        """Run each command as a user without rights."""
        name = f"guest_{uuid4().hex}"
        with psycopg.connect(database_url, autocommit=True) as connection:
            connection.execute(f"CREATE ROLE {name} LOGIN PASSWORD 'tell-nobody'")
            self.connection, self.name = connection, name
            address = make_conninfo(database_url, user=name, password="tell-nobody")
            monkeypatch.setenv("DATABASE_URL", address)
            yield
            connection.execute(f"DROP OWNED BY {name}")
            connection.execute(f"DROP ROLE {name}")

    @pytest.mark.parametrize(
        ("command", "task"),
        [
            ("server migrate", "change its schema"),
            ("server user list", "use its tables"),
            ("serve --port 0", "use its tables"),
        ],
    )
    def test_are_missing(self, pvt: Pvt, command: str, task: str) -> None:
        result = pvt(*command.split(), "--json")
        assert (result.code, result.error["code"]) == (6, "unavailable")
        assert f"user may not {task}" in result.error["message"]
        assert self.name not in result.err

    def test_are_missing_to_some_tables(self, pvt: Pvt) -> None:
        tables = "alembic_version, server_settings"
        self.connection.execute(f"GRANT ALL ON {tables} TO {self.name}")
        result = pvt("server", "user", "list", "--json")
        assert (result.code, result.error["code"]) == (6, "unavailable")
        assert "user may not use its tables" in result.error["message"]

    def test_are_missing_for_a_step(self, pvt: Pvt, database_url: str) -> None:
        migration.downgrade(database_url, "0001")
        self.connection.execute(f"GRANT ALL ON alembic_version TO {self.name}")
        result = pvt("server", "migrate", "--json")
        assert (result.code, result.error["code"]) == (6, "unavailable")


@pytest.mark.parametrize("command", ["server migrate", "server user list", "serve"])
def test_a_schema_of_a_newer_program_is_left_alone(
    pvt: Pvt, database_url: str, command: str
) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute("UPDATE alembic_version SET version_num = 'later'")
    result = pvt(*command.split(), "--json")
    assert (result.code, result.error["code"]) == (6, "unavailable")
    assert "newer than this program" in result.error["message"]


@pytest.mark.parametrize("url", ["mysql://ada:tell-nobody@a/b", "garbage"])
def test_what_is_no_address_is_bad_input(pvt: Pvt, url: str) -> None:
    result = pvt("server", "user", "list", "--database-url", url, "--json")
    assert (result.code, result.error["code"]) == (2, "invalid_input")
    assert "tell-nobody" not in result.err
