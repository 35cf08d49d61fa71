"""The client against the real server."""

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from promptvault.client.address import parse_address
from promptvault.client.client import Client, connect
from promptvault.client.event_listener import EventListener
from promptvault.client.transport import Transport
from promptvault.domain.tier import Tier
from promptvault.errors import AuthenticationError, TooLargeError, UnavailableError
from promptvault.server.admin import Admin
from promptvault.server.settings import Settings
from promptvault.wire.event import RosterEvent, VaultEvent
from promptvault.wire.sync import SyncAnswer
from tests.server.conftest import Server
from tests.server.sync.conftest import new


@pytest.fixture
def server(settings: Settings) -> Iterator[Server]:
    """Return a server with frequent comments and low limits."""
    changes = {"heartbeat_seconds": 0.1, "body_limit": 100_000}
    server = Server(settings.model_copy(update=changes))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def here(server: Server, token: str) -> Iterator[Client]:
    """Return a client that is signed in."""
    with connect(parse_address(server.url), token) as client:
        yield client


def request(client: Client, *pushes: dict[str, Any]) -> bytes:
    """Return a request for the user's vault."""
    vault = {"id": str(client.me().vaults[0].id), "cursor": {}, "push": [*pushes]}
    return json.dumps({"proto": 1, "device": str(uuid4()), "vaults": [vault]}).encode()


def statuses(answer: SyncAnswer) -> list[str]:
    """Return what became of each push."""
    return [result.r for result in answer.vaults[0].results]


def test_what_one_device_pushes_the_other_hears_of(
    server: Server, here: Client
) -> None:
    vault = here.me().vaults[0].id
    with here.events() as listener:
        roster, start = next(listener), next(listener)
        answer = here.sync(request(here, new()))
        heard = next(listener)
    assert statuses(answer) == ["ok"]
    assert roster == RosterEvent(roster=0)
    assert start == VaultEvent(vault=vault, seq=0)
    assert heard == VaultEvent(vault=vault, seq=1)


def test_a_token_that_ends_ends_the_events(
    server: Server, here: Client, token: str
) -> None:
    transport = Transport(parse_address(server.url), token)
    with Client(transport), EventListener(transport) as listener:
        next(listener)  # the roster
        next(listener)  # the vault
        here.revoke()
        with pytest.raises(UnavailableError, match="broke off"):
            next(listener)
        with pytest.raises(AuthenticationError):
            next(EventListener(transport))


def test_what_the_plan_does_not_allow_is_an_answer(here: Client) -> None:
    answer = here.sync(request(here, *(new() for _ in range(51))))
    assert statuses(answer) == ["ok"] * 50 + ["quota"]
    quota = answer.vaults[0].quota
    assert quota is not None
    assert (quota.limit, quota.used, len(quota.over)) == (50, 50, 1)


def test_more_than_the_server_takes_is_told_so(here: Client) -> None:
    pushes = [new("".join(str(uuid4()) for _ in range(7000)))]
    with pytest.raises(TooLargeError):
        here.sync(request(here, *pushes))


def test_many_prompts_go_in_few_bytes(server: Server, admin: Admin) -> None:
    admin.add_user("bob@example.org", Tier.PRO)
    token = admin.issue_token("bob@example.org", "test")
    with connect(parse_address(server.url), token) as client:
        body = request(client, *(new("Say hello. " * 90) for _ in range(500)))
        assert client.sync(body).end
        assert client.traffic.sent < 500 * 200
        pulled = client.sync(request(client))
    assert len(pulled.vaults[0].feed) == 500


def test_nothing_heavy_is_imported() -> None:
    code = (
        "import sys, promptvault.client.client;"
        "print({'rich', 'click', 'sqlmodel', 'sqlalchemy', 'openai'} & {*sys.modules})"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "set()"


@pytest.mark.parametrize("level", ["request", "vault", "push"])
def test_a_field_that_the_server_does_not_know_makes_it_an_older_one(
    here: Client, level: str
) -> None:
    whole = json.loads(request(here, new()))
    (vault,) = whole["vaults"]
    {"request": whole, "vault": vault, "push": vault["push"][0]}[level]["new"] = 1
    with pytest.raises(UnavailableError, match="older than this program"):
        here.sync(json.dumps(whole).encode())
