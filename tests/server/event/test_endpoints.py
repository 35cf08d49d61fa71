"""Events over a socket: all listeners are notified, whichever instance was asked."""

import asyncio
import contextlib
import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID, uuid4

import httpx
import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from pydantic import SecretStr

from promptvault.domain.tier import Tier
from promptvault.server.admin import Admin
from promptvault.server.database import Database
from promptvault.server.event.hub import Hub
from promptvault.server.settings import Settings
from tests.server.conftest import EMAIL, SECRET, Server, ServerProcess
from tests.server.sync.conftest import new


class Listener:
    """A listening device, and the parts of its stream."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self._lines = response.iter_lines()

    def next(self) -> str:
        """Return the next event's data, or the next comment."""
        for line in self._lines:
            name, _, value = line.partition(":")
            if name in {"data", ""} and line:
                return value.strip()
        raise EOFError

    def event(self) -> dict[str, Any]:
        """Return the next event about a vault, whatever comes before it."""
        while "vault" not in (found := self._event()):
            pass
        return found

    def roster(self) -> int:
        """Return the number in the next event about the roster."""
        while "roster" not in (found := self._event()):
            pass
        return int(found["roster"])

    def _event(self) -> dict[str, Any]:
        while not (told := self.next()).startswith("{"):
            pass
        found: dict[str, Any] = json.loads(told)
        return found

    def ends(self) -> bool:
        """Wait until the server ends the stream."""
        with contextlib.suppress(EOFError):
            while True:
                self.next()
        return True


@contextlib.contextmanager
def listening(client: httpx.Client) -> Iterator[Listener]:
    """Listen while the block runs; two minutes of silence are an error."""
    with client.stream("GET", "/v1/events", timeout=120) as response:
        assert response.status_code == 200, response.read()
        listener = Listener(response)
        yield listener  # it is held, since otherwise the connection would be closed


def _push(client: httpx.Client, vault: str) -> int:
    body = {"proto": 1, "device": str(uuid4())}
    answer = client.post(
        "/v1/sync", json={**body, "vaults": [{"id": vault, "push": [new()]}]}
    )
    seq: int = answer.json()["vaults"][0]["cursor"]["seq"]
    return seq


def _vault(client: httpx.Client) -> str:
    vault: str = client.get("/v1/me").json()["vaults"][0]["id"]
    return vault


def test_a_push_to_one_instance_is_heard_at_another(
    start_server: Callable[..., Server], token: str
) -> None:
    with start_server().client(token) as one, start_server().client(token) as other:
        vault = _vault(one)
        with listening(other) as listener:
            headers = listener.response.headers
            assert headers["content-type"].startswith("text/event-stream")
            assert "content-encoding" not in headers
            assert listener.event() == {"vault": vault, "seq": 0}
            assert _push(one, vault) == 1
            assert listener.event() == {"vault": vault, "seq": 1}
            assert _push(other, vault) == 2
            assert listener.event() == {"vault": vault, "seq": 2}


def test_a_new_listener_gets_the_number_of_each_vault(
    client: httpx.Client, database_url: str
) -> None:
    vault = _vault(client)
    _push(client, vault)
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "WITH made AS (INSERT INTO vaults (account_id, name)"
            " SELECT account_id, 'Second' FROM vaults RETURNING id)"
            " INSERT INTO vault_members SELECT made.id, users.id, 'owner'"
            " FROM made, users"
        )
    with listening(client) as listener:
        told = [listener.event(), listener.event()]
    assert sorted(each["seq"] for each in told) == [0, 1]
    assert {"vault": vault, "seq": 1} in told


def test_no_event_is_about_the_vault_of_another_user(
    client: httpx.Client, server: Server, admin: Admin
) -> None:
    admin.add_user("bob@example.org", Tier.FREE)
    token = admin.issue_token("bob@example.org", "test")
    with server.client(token) as stranger, listening(stranger) as listener:
        own = listener.event()["vault"]
        _push(client, _vault(client))
        _push(stranger, own)
        assert listener.event() == {"vault": own, "seq": 1}


def test_a_change_of_the_roster_is_heard_of(
    client: httpx.Client, database_url: str
) -> None:
    with psycopg.connect(database_url) as connection, listening(client) as listener:
        assert listener.roster() == 0
        connection.execute("UPDATE users SET roster_version = 7")
        connection.commit()
        assert listener.roster() == 7
        connection.execute("UPDATE users SET email_verified_at = now()")
        connection.execute("UPDATE users SET roster_version = 8")
        connection.commit()
        assert listener.roster() == 8


def test_a_vault_that_was_joined_is_heard_of(
    start_server: Callable[..., Server],
    admin: Admin,
    token: str,
    database_url: str,
) -> None:
    server = start_server(heartbeat_seconds=0.2)
    admin.add_user("bob@example.org", Tier.FREE)
    with server.client(token) as client, listening(client) as listener:
        own = listener.event()["vault"]
        with psycopg.connect(database_url) as connection:
            connection.execute(
                "INSERT INTO vault_members SELECT v.id, u.id, 'editor'"
                " FROM vaults v, users u WHERE v.id <> %s AND u.email = %s",
                (own, EMAIL),
            )
        joined = listener.event()
        assert joined["vault"] != own
        assert _push(client, joined["vault"]) == 1
        assert listener.event() == {"vault": joined["vault"], "seq": 1}


def test_silence_is_broken_by_comments(
    start_server: Callable[..., Server], token: str
) -> None:
    with start_server(heartbeat_seconds=0.1).client(token) as client:
        with listening(client) as listener:
            listener.event()
            assert [listener.next() for _ in range(3)] == ["still here"] * 3


@pytest.mark.parametrize(
    "end",
    [
        "UPDATE tokens SET revoked_at = now()",
        "UPDATE tokens SET expires_at = now()",
        "UPDATE tokens SET expires_at = now() + interval '1 second'",
        "UPDATE users SET deleted_at = now()",
        "UPDATE accounts SET deleted_at = now()",
        "DELETE FROM tokens",
    ],
)
def test_a_stream_ends_with_its_token(
    start_server: Callable[..., Server], token: str, database_url: str, end: str
) -> None:
    """At once, not at the next periodic check."""
    server = start_server(heartbeat_seconds=3600, look_seconds=3600)
    with server.client(token) as client:
        with listening(client) as listener:
            listener.event()
            with psycopg.connect(database_url) as connection:
                connection.execute(end.encode())
            assert listener.ends()
        assert client.get("/v1/events").status_code == 401


def test_a_stream_asks_the_database_nothing_while_nothing_happens(
    start_server: Callable[..., Server], token: str, database_url: str
) -> None:
    server = start_server(heartbeat_seconds=0.02, look_seconds=3600)
    with server.client(token) as client, listening(client) as listener:
        listener.event()
        while not server.app.state.hub.is_hearing:
            listener.next()
        listener.next()  # the check before it may still have been running
        before = _statements(database_url)
        assert {listener.next() for _ in range(20)} == {"still here"}
        assert _statements(database_url) == before
        _push(client, _vault(client))
        assert listener.event()["seq"] == 1


def _statements(database_url: str) -> list[tuple[Any, ...]]:
    """Return the last statement of each other connection, and its time."""
    with psycopg.connect(database_url) as connection:
        return connection.execute(
            "SELECT pid, query_start FROM pg_stat_activity"
            " WHERE pid <> pg_backend_pid() AND datname = current_database()"
            " AND backend_type = 'client backend'"
            " ORDER BY pid"
        ).fetchall()


def test_a_stream_reads_by_itself_if_no_notifications_arrive(
    start_server: Callable[..., Server], token: str, database_url: str
) -> None:
    """As behind a transaction pooler, which does not support LISTEN."""
    deaf = SecretStr(make_conninfo(database_url, port=1))
    server = start_server(heartbeat_seconds=0.1, listen_url=deaf)
    with server.client(token) as client, listening(client) as listener:
        assert listener.event()["seq"] == 0
        _push(client, _vault(client))
        assert listener.event()["seq"] == 1


def test_a_lost_notification_is_found_when_a_worker_looks(
    start_server: Callable[..., Server], token: str, database_url: str
) -> None:
    """As after a push whose server was killed right after the commit."""
    server = start_server(heartbeat_seconds=3600, look_seconds=0.2)
    with server.client(token) as client, listening(client) as listener:
        listener.event()
        with psycopg.connect(database_url) as connection:
            connection.execute("UPDATE vaults SET head_seq = 3")
        assert listener.event()["seq"] == 3


def test_also_one_that_is_never_silent(
    start_server: Callable[..., Server], admin: Admin, token: str
) -> None:
    """Events must not delay the check of the token forever."""
    server = start_server(heartbeat_seconds=1.0)
    other = admin.issue_token(EMAIL, "another")
    with server.client(token) as client, server.client(other) as pusher:
        vault = _vault(pusher)
        with listening(client) as listener:
            listener.event()
            client.delete("/v1/token")
            heard = 0
            with contextlib.suppress(EOFError):
                while heard < 2000:
                    _push(pusher, vault)
                    listener.event()
                    heard += 1
            assert heard < 2000


def test_a_broken_connection_is_opened_again_and_nothing_is_missed(
    start_server: Callable[..., Server], token: str, database_url: str
) -> None:
    server = start_server(heartbeat_seconds=3600)
    with server.client(token) as client, listening(client) as listener:
        vault = _vault(client)
        assert listener.event()["seq"] == 0
        with psycopg.connect(database_url, autocommit=True) as connection:
            cut = connection.execute(
                "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
                " WHERE datname = current_database()"
                " AND application_name = 'promptvault events'"
            ).fetchall()
            assert cut == [(True,)]
        _push(client, vault)  # without a listener
        assert listener.event() == {"vault": vault, "seq": 1}
        _push(client, vault)
        assert listener.event() == {"vault": vault, "seq": 2}


def _notify(database_url: str, *payloads: str) -> None:
    with psycopg.connect(database_url) as connection:
        for payload in payloads:
            connection.execute("SELECT pg_notify('promptvault_vaults', %s)", (payload,))


def test_what_is_no_news_is_passed_over(
    start_server: Callable[..., Server], token: str, database_url: str
) -> None:
    server = start_server(heartbeat_seconds=3600)
    with server.client(token) as client, listening(client) as listener:
        vault = _vault(client)
        listener.event()
        _notify(database_url, "junk", "", f"{vault} ", f"{vault} x", "x 1")
        for seq in (1, 2):
            assert _push(client, vault) == seq
            assert listener.event() == {"vault": vault, "seq": seq}


def test_news_that_are_overtaken_are_no_news(
    start_server: Callable[..., Server], token: str, database_url: str
) -> None:
    server = start_server(heartbeat_seconds=3600)
    with server.client(token) as client, listening(client) as listener:
        vault = _vault(client)
        assert listener.event()["seq"] == 0
        _notify(database_url, f"{vault} 6", f"{vault} 5")
        assert listener.event()["seq"] == 6
        _notify(database_url, f"{vault} 4")
        _notify(database_url, f"{vault} 7")
        assert listener.event()["seq"] == 7


def test_only_the_vault_itself_says_that_it_went_back(
    start_server: Callable[..., Server], token: str, database_url: str
) -> None:
    server = start_server(heartbeat_seconds=3600, look_seconds=0.2)
    with server.client(token) as client, listening(client) as listener:
        vault = _vault(client)
        assert listener.event()["seq"] == 0
        _notify(database_url, f"{vault} 6")
        assert listener.event()["seq"] == 6
        assert json.loads(listener.next())["seq"] == 0


def test_of_concurrent_pushes_the_later_number_is_sent(settings: Settings) -> None:
    """The first to commit may be the last to notify."""
    vault = uuid4()

    async def hear() -> dict[UUID, int]:
        database = Database(settings)
        await database.open()
        hub = Hub(settings, database)
        async with hub.running():
            with hub.subscription(uuid4(), {}) as subscription:
                hub.watch(subscription, [vault])
                until = asyncio.get_running_loop().time() + 120
                assert await subscription.wait(until) is None  # it listens now
                await hub.publish({vault: 6})
                await hub.publish({vault: 5})
                moved = await subscription.wait(until)
        await database.close()
        assert moved is not None
        return moved

    assert asyncio.run(hear()) == {vault: 6}


def test_streams_hold_no_connection_while_they_wait(
    start_server: Callable[..., Server], token: str
) -> None:
    server = start_server(pool_size=1, pool_timeout=5.0)
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(server.client(token)) for _ in range(5)]
        for listener in [stack.enter_context(listening(each)) for each in clients]:
            listener.event()
        client = stack.enter_context(server.client(token))
        assert _push(client, _vault(client)) == 1


def test_a_user_has_so_many_streams_and_no_more(
    start_server: Callable[..., Server], token: str
) -> None:
    server = start_server(streams_per_user=2)
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(server.client(token)) for _ in range(3)]
        with listening(clients[0]) as first, listening(clients[1]) as second:
            assert first.event() == second.event()
            refused = clients[2].get("/v1/events")
            assert refused.status_code == 429
            assert int(refused.headers["retry-after"]) > 0
        while (status := _status(clients[2])) == 429:  # closing one frees its place
            time.sleep(0.05)
        assert status == 200


def _status(client: httpx.Client) -> int:
    with client.stream("GET", "/v1/events") as response:
        return response.status_code


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_server_that_stops_ends_its_streams_at_once(
    server_process: Callable[..., ServerProcess],
    database_url: str,
    token: str,
    monkeypatch: pytest.MonkeyPatch,
    workers: str,
) -> None:
    monkeypatch.setenv("PROMPTVAULT_SERVER_SECRET", SECRET)
    process = server_process("--database-url", database_url, "--workers", workers)
    with httpx.Client(base_url=process.url) as client:
        client.headers["Authorization"] = f"Bearer {token}"
        with listening(client) as listener:
            listener.event()
            os.kill(process.process.pid, signal.SIGTERM)
            assert listener.ends()
            # It ended regularly, not after ten seconds of grace.
    assert process.process.wait(60) == 0
    assert "timeout graceful shutdown exceeded" not in process.log.read_text()
