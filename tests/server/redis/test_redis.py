"""A server with Redis: what it stores there, and what happens without it."""

import json
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest
from pydantic import SecretStr

from promptvault.domain.tier import Tier
from promptvault.server.admin import Admin
from promptvault.server.redis import client as redis_client
from promptvault.server.token.secret import make_token
from tests.server.conftest import EMAIL, Server
from tests.server.redis_server import RedisServer
from tests.server.sync.conftest import new

PASSWORD = "tell-nobody"

Start = Callable[..., Server]


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redis_client, "_PAUSE_SECONDS", 0.05)


@pytest.fixture
def start(start_server: Start, redis_server: RedisServer) -> Start:
    """Return a function that starts a server with Redis."""

    def start(**changes: Any) -> Server:
        return start_server(**{"redis_url": redis_server.url, **changes})

    return start


class Device:
    """A device that pushes new prompts."""

    def __init__(self, server: Server, token: str, database_url: str) -> None:
        self.client, self._id = server.client(token), str(uuid4())
        with psycopg.connect(database_url) as connection:
            ((id,),) = connection.execute(
                "SELECT v.id FROM vaults v JOIN users u USING (account_id)"
                " WHERE u.email = %s",
                (EMAIL,),
            ).fetchall()
        self.vault = str(id)

    def push(self) -> httpx.Response:
        """Push a new prompt."""
        vault = {"id": self.vault, "push": [new()]}
        return self.sync(vault)

    def sync(self, *vaults: dict[str, Any]) -> httpx.Response:
        """Send a request."""
        body = {"proto": 1, "device": self._id, "vaults": vaults}
        return self.client.post("/v1/sync", json=body)


def _said(text: str) -> list[str]:
    lines = [json.loads(line) for line in text.splitlines()]
    return [line["event"] for line in lines if "Redis" in line["event"]]


def _wait_for(server: Server, state: str) -> None:
    with server.client() as client:
        while client.get("/readyz").json()["redis"] != state:
            pass


def _counted(database_url: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(database_url) as connection:
        return connection.execute("SELECT key FROM rate_limits").fetchall()


def test_pushes_are_counted_in_redis_alone_and_all_keys_expire(
    start: Start, redis_server: RedisServer, database_url: str, token: str
) -> None:
    device = Device(start(), token, database_url)
    assert [device.push().status_code for _ in range(3)] == [200] * 3
    device.client.post("/signin")
    device.client.get("/v1/me", headers={"Authorization": f"Bearer {make_token()}"})
    assert _counted(database_url) == []
    keys = redis_server.keys()
    kinds = {key.split(":")[2] for key in keys}
    assert kinds == {"limit", "token", "probe"}
    assert len({tuple(key.split(":")[:2]) for key in keys}) == 1
    for key, value in keys.items():
        assert 0 < redis_server.client.pttl(key) <= 62_000
        assert token not in key + value
        assert EMAIL not in key + value


def test_a_token_that_redis_knows_can_be_revoked(
    start: Start, database_url: str, token: str
) -> None:
    """At once, with pushes and without, and at every server."""
    devices = [Device(start(), token, database_url) for _ in range(2)]
    assert [each.push().status_code for each in devices] == [200] * 2
    with psycopg.connect(database_url) as connection:
        connection.execute("UPDATE tokens SET revoked_at = now()")
    answers = [each.push() for each in devices]
    answers += [each.sync({"id": each.vault}) for each in devices]
    answers += [each.sync() for each in devices]
    assert [each.status_code for each in answers] == [401] * 6


def test_a_changed_tier_counts_for_the_next_push(
    start: Start, admin: Admin, database_url: str, token: str
) -> None:
    devices = [Device(start(), token, database_url) for _ in range(2)]
    assert [each.push().status_code for each in devices] == [200] * 2
    with psycopg.connect(database_url) as connection:
        connection.execute("UPDATE accounts SET prompt_limit = 2")
    assert [each.push().status_code for each in devices] == [402] * 2
    admin.set_tier(EMAIL, Tier.PRO)
    assert [each.push().status_code for each in devices] == [200] * 2


def test_a_changed_roster_is_in_the_next_answer(
    start: Start, database_url: str, token: str
) -> None:
    device = Device(start(), token, database_url)
    before = device.push().json()["roster"]
    with psycopg.connect(database_url) as connection:
        connection.execute("UPDATE users SET roster_version = roster_version + 1")
    assert device.push().json()["roster"] == before + 1
    assert device.sync({"id": device.vault}).json()["roster"] == before + 1


def _kill(server: RedisServer) -> None:
    server.kill()


def _stop(server: RedisServer) -> None:
    server.signal(signal.SIGSTOP)


def _fill(server: RedisServer) -> None:
    server.client.config_set("maxmemory", "1")


def _make_replica(server: RedisServer) -> None:
    server.client.replicaof("127.0.0.1", 1)


def _restart(server: RedisServer) -> None:
    server.start()


def _go_on(server: RedisServer) -> None:
    server.signal(signal.SIGCONT)


def _empty(server: RedisServer) -> None:
    server.client.config_set("maxmemory", "0")


def _make_primary(server: RedisServer) -> None:
    server.client.replicaof("NO", "ONE")


@pytest.mark.parametrize(
    ("fail", "recover"),
    [
        (_kill, _restart),
        (_stop, _go_on),
        (_fill, _empty),
        (_make_replica, _make_primary),
    ],
)
def test_without_redis_postgresql_counts(
    start: Start,
    redis_server: RedisServer,
    database_url: str,
    token: str,
    fail: Callable[[RedisServer], None],
    recover: Callable[[RedisServer], None],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server = start(request_burst=6, requests_per_minute=0.01)
    device = Device(server, token, database_url)
    assert device.push().status_code == 200
    fail(redis_server)
    with monkeypatch.context() as patch:
        if fail is _stop:
            patch.setattr(redis_client, "_PATIENCE_SECONDS", 0.05)
            patch.setattr(redis_client, "_CONNECT_SECONDS", 0.05)
        statuses = [device.push().status_code for _ in range(7)]
    assert statuses == [200] * 6 + [429]
    with server.client() as client:
        assert client.get("/readyz").json() == {"status": "ok", "redis": "away"}
        away = 'promptvault_redis_calls_total{outcome="away"}'
        assert away in client.get("/metrics").text
    recover(redis_server)
    _wait_for(server, "ok")
    assert device.push().status_code == 200
    assert _said(capsys.readouterr().err) == [
        "Redis is not used: PostgreSQL does its work",
        "Redis answers again",
    ]


def test_scripts_that_redis_has_forgotten_are_loaded_again(
    start: Start, redis_server: RedisServer, database_url: str, token: str
) -> None:
    server = start()
    device = Device(server, token, database_url)
    device.push()
    redis_server.client.script_flush()
    assert device.push().status_code == 200
    _wait_for(server, "ok")
    before = _counted(database_url)
    assert device.push().status_code == 200
    assert _counted(database_url) == before


def test_a_wrong_password_is_not_in_the_log(
    start: Start,
    redis_server: RedisServer,
    database_url: str,
    token: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    redis_server.client.config_set("requirepass", "another")
    url = f"unix://:{PASSWORD}@{redis_server.socket}"
    server = start(redis_url=SecretStr(url))
    device = Device(server, token, database_url)
    assert device.push().status_code == 200
    log = capsys.readouterr().err
    assert len(_said(log)) == 1
    assert PASSWORD not in log
    assert str(redis_server.socket) not in log


def test_no_push_is_lost_while_redis_is_killed_again_and_again(
    start: Start, redis_server: RedisServer, database_url: str, admin: Admin
) -> None:
    admin.add_user(EMAIL, Tier.PRO)
    servers = [start(), start()]
    devices = [
        Device(server, admin.issue_token(EMAIL, "test"), database_url)
        for server in servers
        for _ in range(3)
    ]
    is_over = threading.Event()

    def push_on(device: Device) -> Iterator[int]:
        while not is_over.is_set():
            yield device.push().status_code

    with ThreadPoolExecutor(len(devices)) as threads:
        work = [threads.submit(list, push_on(device)) for device in devices]
        for _ in range(3):
            _wait_for(servers[0], "ok")
            redis_server.kill()
            _wait_for(servers[0], "away")
            redis_server.start()
        is_over.set()
        statuses = [status for each in work for status in each.result()]
    assert {*statuses} == {200}
    with psycopg.connect(database_url) as connection:
        ((count,),) = connection.execute("SELECT count(*) FROM items").fetchall()
    assert count == len(statuses)
