"""A user's data: exported and erased completely, and not before the deadline."""

import asyncio
import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest

from promptvault.domain.tier import Tier
from promptvault.server.account.erasure import delete_user, erase_due
from promptvault.server.admin import Admin
from promptvault.server.database import Connection
from promptvault.server.tables import METADATA
from tests.conftest import Pvt
from tests.server.conftest import EMAIL, Server
from tests.server.sync.conftest import after, gone, new, push, version
from tests.server.tenant import settle

OTHER = "bob@example.org"
GRACE = timedelta(days=30)
Rows = Callable[[str], list[Any]]
WAITING = (
    "SELECT 1 FROM pg_stat_activity"
    " WHERE datname = current_database() AND wait_event_type = 'Lock'"
)
"""Return True if a request waits for a lock."""


@pytest.fixture
def rows(database_url: str) -> Rows:
    """Return what reads and changes the database."""

    def run(query: str) -> list[Any]:
        with psycopg.connect(database_url) as connection:
            cursor = connection.execute(query)
            return cursor.fetchall() if cursor.description else []

    return run


@pytest.fixture
def on_this_database(
    pvt: Pvt, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> Pvt:
    """Return the program, whose `server` commands work on this test's database."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    return pvt


def _push(client: httpx.Client, *pushes: dict[str, Any]) -> None:
    vault = client.get("/v1/me").json()["vaults"][0]["id"]
    body = {"id": vault, "push": [*pushes]}
    sent = {"proto": 1, "device": str(uuid4()), "vaults": [body]}
    (answer,) = client.post("/v1/sync", json=sent).json()["vaults"]
    assert {result["r"] for result in answer["results"]} == {"ok"}


def _greeting() -> dict[str, Any]:
    """Return the push of a prompt with everything that a prompt can have."""
    first = version("Say hello.")
    second = version("Say hello to {{ who }}, in ∞ words.") | {
        "template": True,
        "variables": {"who": {"default": "Ada", "choices": ["Ada", "Bob"]}},
        "message": "With a name",
        "created_at": "2026-05-02T09:30:00.000Z",
    }
    made = push(str(uuid4()), [first, second])
    made["payload"] |= {
        "name": "talk/greeting",
        "title": "A Greeting",
        "description": "For the start",
        "tags": ["short", "talk"],
        "favourite": True,
        "source": "chatgpt",
        "labels": {"production": first["id"]},
        "created_at": "2026-05-01T09:30:00.000Z",
        "updated_at": "2026-05-02T09:30:00.000Z",
        "origins": [{"source": "chatgpt", "conversation_id": "c1", "message_id": "m1"}],
    }
    return made


def test_what_is_exported_can_be_imported(
    client: httpx.Client, pvt: Pvt, tmp_path: Path
) -> None:
    greeting = _greeting()
    _push(client, greeting)
    answer = client.get("/v1/me/export")
    assert answer.headers["content-type"] == "application/json"
    file = tmp_path / "export.json"
    file.write_bytes(answer.content)
    report = pvt.ok("import", str(file), "--json").json
    assert (report["source"], report["added"], report["failed"]) == (
        *("promptvault", 1),
        [],
    )
    shown = pvt.ok("show", "talk/greeting", "--json").json
    assert shown["id"] == greeting["item"]
    kept = ("title", "description", "favourite", "source", "created_at", "updated_at")
    assert {k: shown[k] for k in kept} == {k: greeting["payload"][k] for k in kept}
    assert shown["tags"] == ["short", "talk"]
    assert shown["labels"] == {"production": 1}
    assert shown["origin"]["conversation_id"] == "c1"
    assert pvt.ok("get", "greeting").text == "Say hello to Ada, in ∞ words."
    assert pvt.ok("get", "greeting@production").text == "Say hello."
    log = pvt.ok("log", "greeting", "--json").json
    sent = reversed(greeting["versions"])
    assert [(v["id"], v["message"], v["created_at"], v["author"]) for v in log] == [
        (v["id"], v["message"] or "Import", v["created_at"], v["author"]) for v in sent
    ]


def test_the_current_version_need_not_be_the_last(
    client: httpx.Client, pvt: Pvt, tmp_path: Path
) -> None:
    """Another device's version may have been inserted after it."""
    first, second = version("one"), version("two")
    made = push(str(uuid4()), [first, second], current=first["id"].upper())
    made["payload"] |= {"labels": {"other": second["id"]}, "source": "local"}
    _push(client, made)
    (row,) = client.get("/v1/me/export").json()
    assert (row["body"], row["version"], row["versions"]) == ("one", 1, 2)
    file = tmp_path / "export.json"
    file.write_text(json.dumps([row]))
    pvt.ok("import", str(file))
    assert pvt.ok("get", "greeting").text == "one"
    assert pvt.ok("get", "greeting@other").text == "two"


def test_every_prompt_is_exported_once(client: httpx.Client) -> None:
    heads = [new(f"text {number}") for number in range(45)]
    trashed = {**after(heads[2]), "deleted": True}  # which devices still show
    _push(client, *heads, after(heads[0], "changed"), gone(heads[1]), trashed)
    found = client.get("/v1/me/export").json()
    ids = [row["id"] for row in found]
    assert sorted(ids) == sorted(head["item"] for head in heads[:1] + heads[3:])
    (changed,) = [row for row in found if row["id"] == heads[0]["item"]]
    assert [each["body"] for each in changed["history"]] == ["text 0", "changed"]


def test_an_empty_vault_is_an_empty_list(client: httpx.Client) -> None:
    assert client.get("/v1/me/export").json() == []


def test_an_export_contains_no_prompts_of_another_user(
    client: httpx.Client, server: Server, admin: Admin
) -> None:
    _push(client, new())
    admin.add_user(OTHER, Tier.FREE)
    with server.client(admin.issue_token(OTHER, "test")) as other:
        assert other.get("/v1/me/export").json() == []


class TestTheOperatorsExport:
    def test_is_the_users_own(
        self, client: httpx.Client, on_this_database: Pvt, tmp_path: Path
    ) -> None:
        _push(client, _greeting(), new())
        own = client.get("/v1/me/export").text
        file = tmp_path / "export.json"
        result = on_this_database.ok("server", "export", EMAIL.upper(), str(file))
        assert result.text == ""
        assert file.read_text() == own
        assert file.stat().st_mode & 0o777 == 0o600
        assert on_this_database.ok("server", "export", EMAIL, "-").text == own

    def test_writes_over_nothing_unasked(
        self, token: str, on_this_database: Pvt, tmp_path: Path
    ) -> None:
        file = tmp_path / "export.json"
        file.write_text("mine")
        command = ("server", "export", EMAIL, str(file))
        assert on_this_database(*command).code == 5
        assert file.read_text() == "mine"
        on_this_database.ok(*command, "--force")
        assert json.loads(file.read_text()) == []

    def test_of_an_unknown_user_leaves_no_file(
        self, on_this_database: Pvt, tmp_path: Path
    ) -> None:
        command = ("server", "export", EMAIL, str(tmp_path / "export.json"))
        assert on_this_database(*command).code == 3
        assert [*tmp_path.glob("*.json*")] == []

    def test_cannot_be_written_anywhere(
        self, token: str, on_this_database: Pvt
    ) -> None:
        assert on_this_database("server", "export", EMAIL, "/proc/none").code == 2

    def test_works_for_a_deleted_user_too(
        self, client: httpx.Client, on_this_database: Pvt, leave: Callable[[], None]
    ) -> None:
        _push(client, _greeting())
        leave()
        (row,) = on_this_database.ok("server", "export", EMAIL, "-").json
        assert row["name"] == "talk/greeting"


Run = Callable[..., Any]


@pytest.fixture
def run(database_url: str) -> Run:
    """Return a function that calls one of the server's in its own transaction."""

    async def call(function: Callable[..., Any], *arguments: object) -> Any:
        async with await Connection.connect(database_url) as connection:
            return await function(connection, *arguments)

    return lambda function, *arguments: asyncio.run(call(function, *arguments))


@pytest.fixture
def leave(rows: Rows, run: Run) -> Callable[[], None]:
    """Return a function that deletes the one user, as an event of a provider does."""

    def delete() -> None:
        ((user_id,),) = rows(f"SELECT id FROM users WHERE email = '{EMAIL}'")
        run(delete_user, user_id, GRACE)

    return delete


def everything(rows: Rows) -> str:
    """Return every row of every table, except counters that are reset daily."""
    return "\n".join(
        f"{table} {row}"
        for table in sorted(METADATA.tables.keys() - {"rate_limits"})
        for (row,) in sorted(rows(f"SELECT t::text FROM {table} t"))
    )


@pytest.fixture
def people(server: Server, database_url: str) -> Iterator[tuple[set[str], set[str]]]:
    """Return the secrets of two users who have used all features."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        found = []
        for mark in ("leaving", "staying"):
            with server.client() as client:
                found.append(settle(mark, client, connection).secrets(connection))
        yield found[0], found[1]


def test_what_is_erased_is_nowhere(
    people: tuple[set[str], set[str]], rows: Rows, on_this_database: Pvt
) -> None:
    rows(
        "INSERT INTO identities (issuer, subject, user_id)"
        " SELECT 'i', email, id FROM users"
    )
    left = [line for line in everything(rows).splitlines() if "leaving" in line]
    assert len(left) > 5
    on_this_database.ok("server", "erase", "leaving@example.org", "--yes")
    # A job names the customer, until the subscription is ended at Stripe.
    jobs = rows("DELETE FROM jobs RETURNING kind, payload->>'customer'")
    assert ("cancel_subscriptions", "cus_leaving") in jobs
    told = everything(rows)
    shared = people[0] & people[1]
    assert [secret for secret in people[0] - shared if secret in told] == []
    assert [secret for secret in people[1] - shared if secret not in told] == []


def test_erasing_is_asked_for(token: str, on_this_database: Pvt, rows: Rows) -> None:
    result = on_this_database("server", "erase", EMAIL)
    assert result.code == 2
    assert "0 prompts" in result.err
    assert rows("SELECT email FROM users") == [(EMAIL,)]
    answer = on_this_database.ok("server", "erase", EMAIL, "--yes", "--json")
    assert answer.json == {"email": EMAIL}
    assert on_this_database("server", "erase", EMAIL, "--yes").code == 3


def test_a_device_of_who_is_erased_is_signed_out(
    client: httpx.Client, admin: Admin
) -> None:
    _push(client, new())
    admin.erase(EMAIL)
    assert client.get("/v1/me").status_code == 401


def test_devices_that_write_do_not_stop_it(
    server: Server, token: str, admin: Admin, rows: Rows
) -> None:
    with server.client(token) as client:
        vault = client.get("/v1/me").json()["vaults"][0]["id"]

    def write(_: int) -> set[int]:
        statuses = set()
        with server.client(token) as client:
            while 401 not in statuses:
                body = {"id": vault, "push": [new(), new()]}
                sent = {"proto": 1, "device": str(uuid4()), "vaults": [body]}
                statuses.add(client.post("/v1/sync", json=sent).status_code)
        return statuses

    with ThreadPoolExecutor(6) as threads:
        writers = [threads.submit(write, number) for number in range(5)]
        while not rows("SELECT 1 FROM items"):
            pass
        admin.erase(EMAIL)
        statuses = set[int]().union(*(writer.result() for writer in writers))
    assert statuses <= {200, 401, 402, 429}
    assert rows("SELECT 1 FROM vaults") == rows("SELECT 1 FROM items") == []


def test_a_device_that_has_begun_to_write_is_waited_for(
    client: httpx.Client, admin: Admin, database_url: str, rows: Rows
) -> None:
    """Sync locks the vault before the account: the other way round is a deadlock."""
    _push(client, new())
    with (
        ThreadPoolExecutor() as threads,
        psycopg.connect(database_url) as device,
    ):
        device.execute("SELECT 1 FROM vaults FOR NO KEY UPDATE")
        erasing = threads.submit(admin.erase, EMAIL)
        while not rows(WAITING) and not erasing.done():
            pass
        device.execute("SELECT 1 FROM accounts FOR NO KEY UPDATE")
        device.commit()
        erasing.result()
    assert rows("SELECT 1 FROM accounts") == []


class TestADeletedUser:
    def test_is_signed_out(
        self, client: httpx.Client, leave: Callable[[], None], rows: Rows
    ) -> None:
        _push(client, new())
        leave()
        assert client.get("/v1/me").status_code == 401
        assert client.get("/v1/me/export").status_code == 401
        assert rows("SELECT count(*) FROM items") == [(1,)]

    def test_is_erased_when_the_time_has_come(
        self, client: httpx.Client, leave: Callable[[], None], run: Run, rows: Rows
    ) -> None:
        _push(client, new())
        leave()
        ((due,),) = rows("SELECT erase_at FROM users")
        assert due - rows("SELECT deleted_at FROM users")[0][0] == GRACE
        assert run(erase_due, due - timedelta(seconds=1)) == 0
        assert rows("SELECT count(*) FROM items") == [(1,)]
        assert run(erase_due, due) == 1
        for table in ("accounts", "users", "vaults", "items", "versions", "tokens"):
            assert rows(f"SELECT 1 FROM {table}") == []
        assert run(erase_due, due) == 0

    def test_is_erased_once_by_two_at_once(
        self, token: str, leave: Callable[[], None], run: Run, rows: Rows
    ) -> None:
        leave()
        ((due,),) = rows("SELECT erase_at FROM users")
        with ThreadPoolExecutor(4) as threads:
            erased = threads.map(lambda _: run(erase_due, due), range(4))
            assert sum(erased) == 1

    def test_can_come_back_and_keeps_what_is_new(
        self,
        token: str,
        leave: Callable[[], None],
        admin: Admin,
        run: Run,
        rows: Rows,
    ) -> None:
        leave()
        admin.add_user(EMAIL, Tier.PRO)
        ((due,),) = rows("SELECT erase_at FROM users WHERE deleted_at IS NOT NULL")
        run(erase_due, due)
        assert [user.plan for user in admin.users()] == ["pro"]

    def test_leaves_the_account_to_others(
        self, token: str, leave: Callable[[], None], run: Run, rows: Rows
    ) -> None:
        rows(
            "INSERT INTO users (account_id, email, role)"
            f" SELECT id, '{OTHER}', 'member' FROM accounts"
        )
        leave()
        assert rows("SELECT deleted_at FROM accounts") == [(None,)]
        ((due,),) = rows("SELECT erase_at FROM users WHERE erase_at IS NOT NULL")
        run(erase_due, due)
        assert rows("SELECT email FROM users") == [(OTHER,)]
        assert rows("SELECT count(*) FROM vaults") == [(1,)]


def test_an_identity_that_a_provider_deleted_is_deleted_in_the_end(
    run: Run, rows: Rows
) -> None:
    rows(
        "INSERT INTO identities (issuer, subject, deleted_at) VALUES ('i', 's', now())"
    )
    ((now,),) = rows("SELECT now()")
    assert isinstance(now, datetime)
    run(erase_due, now + timedelta(days=29))
    assert rows("SELECT subject FROM identities") == [("s",)]
    run(erase_due, now + timedelta(days=31))
    assert rows("SELECT subject FROM identities") == []
