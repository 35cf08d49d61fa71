"""`kill -9` of a server while it changes a team: all of it was done, or nothing."""

import select
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from uuid import UUID

import httpx
import psycopg
import pytest
from pydantic import SecretStr

from promptvault.domain.tier import Tier
from promptvault.server.admin import Admin
from promptvault.server.postgres import database_choice
from promptvault.server.settings import Settings
from tests.server.conftest import ServerProcess
from tests.server.teams.invariants import Invariants
from tests.server.teams.people import Connection
from tests.sync.teams import Teams

_WAITING = """
SELECT 1 FROM pg_stat_activity
 WHERE datname = current_database() AND wait_event_type = 'Lock'
"""
_ROLES = "SELECT email, m.role FROM vault_members m JOIN users u ON u.id = m.user_id"


class KilledServerError(Exception):
    """The server was killed, so the request has no answer."""


@dataclass
class Fragile:
    """A server that is killed at a chosen request, and starts again."""

    start: Callable[[], ServerProcess]
    at: tuple[str, str] | None = None
    """The method of the request, and the end of its path; None for no request."""
    prepare: Callable[[], object] = int
    """Runs before the request is sent."""
    wait: Callable[[socket.socket], object] = id
    """Waits for the moment of the kill; it gets the connection of the request."""
    running: ServerProcess = field(init=False)
    request: tuple[tuple[str, ...], dict[str, Any]] = field(init=False)

    def __post_init__(self) -> None:
        self.running = self.start()

    def send(self, *request: str, **more: Any) -> httpx.Response:
        """Send a request; if it is the chosen one, kill the server meanwhile."""
        with httpx.Client(base_url=self.running.url, timeout=60) as client:
            method, path = request
            if self.at is None or self.at[0] != method or not path.endswith(self.at[1]):
                return client.request(method, path, **more)
            self.request = (request, more)
            self.prepare()
            self._kill(client.build_request(method, path, **more))
        self.running = self.start()
        raise KilledServerError

    def again(self) -> httpx.Response:
        """Send the chosen request again, and return the answer."""
        request, more = self.request
        return self.send(*request, **more)

    def _kill(self, request: httpx.Request) -> None:
        address = (request.url.host, request.url.port)
        with socket.create_connection(address) as connection:
            lines = [f"{request.method} {request.url.path} HTTP/1.1"]
            lines += [f"{name}: {value}" for name, value in request.headers.items()]
            head = "\r\n".join(lines) + "\r\n\r\n"
            connection.sendall(head.encode() + request.read())
            self.wait(connection)
            self.running.process.kill()
            self.running.process.wait(60)


class Case(NamedTuple):
    """A change of the team by one request."""

    request: tuple[str, str]
    act: Callable[["Stage"], Any]
    done: dict[str, str]
    """The roles of the members when it has happened."""
    repeated: int
    """The status of the same request when it has happened."""


class Stage:
    """A team of Ada with Bob in it, and Cyd beside it."""

    def __init__(self, fragile: Fragile, admin: Admin, connection: Connection) -> None:
        self.fragile, self.connection = fragile, connection
        self.teams = Teams(self.rows, admin, fragile.send)
        for name in ("ada", "bob", "cyd"):
            admin.add_user(f"{name}@example.org", Tier.PRO)
        self.users = dict(self.rows("SELECT left(email, 3), id FROM users"))
        accounts = [account for (account,) in self.rows("SELECT id FROM accounts")]
        self.invariants = Invariants(self.rows, accounts)
        self.vault: UUID = self.teams.create(self.users["ada"], "acme")
        self.teams.join(self.vault, self.users["bob"], "admin")
        self.invariants.check()

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """Return what a query finds."""
        cursor = self.connection.execute(query.encode(), values)
        return cursor.fetchall() if cursor.description else []

    def roles(self) -> dict[str, str]:
        """Return the roles of the members by the first letters of their names."""
        rows = self.rows(f"{_ROLES} WHERE vault_id = %s", self.vault)
        return {email[:3]: role for email, role in rows}


BEFORE = {"ada": "owner", "bob": "admin"}


def _join(stage: Stage) -> None:
    stage.teams.join(stage.vault, stage.users["cyd"], "editor")


def _remove(stage: Stage) -> None:
    stage.teams.remove(stage.vault, stage.users["bob"])


def _transfer(stage: Stage) -> None:
    stage.teams.transfer(stage.vault, stage.users["bob"])


CASES = {
    "join": Case(("POST", "/accept"), _join, BEFORE | {"cyd": "editor"}, 200),
    "invite": Case(("POST", "/invitations"), _join, BEFORE, 201),
    "remove": Case(("DELETE", ""), _remove, {"ada": "owner"}, 404),
    "transfer": Case(
        ("POST", "/transfer"), _transfer, {"ada": "admin", "bob": "owner"}, 403
    ),
}
_USUAL = "join"
"""The case of a usual run."""


@pytest.fixture
def stage(
    server_process: Callable[..., ServerProcess],
    database_url: str,
    connection: Connection,
) -> Stage:
    """Return the team, on a server that can be killed."""
    fragile = Fragile(lambda: server_process("--database-url", database_url))
    settings = Settings(database_url=SecretStr(database_url))
    return Stage(fragile, Admin(database_choice.with_secret(settings)), connection)


@pytest.mark.parametrize(
    "name",
    [
        name if name == _USUAL else pytest.param(name, marks=pytest.mark.soak)
        for name in CASES
    ],
)
def test_a_change_is_whole_or_not_there(
    name: str, stage: Stage, database_url: str
) -> None:
    case, fragile = CASES[name], stage.fragile
    fragile.at = case.request

    def until_it_waits(_: socket.socket) -> None:
        while not stage.rows(_WAITING):
            pass

    fragile.wait = until_it_waits
    with psycopg.connect(database_url) as other:
        fragile.prepare = lambda: other.execute("SELECT 1 FROM vaults FOR UPDATE")
        with pytest.raises(KilledServerError):
            case.act(stage)
    assert stage.roles() == BEFORE
    stage.invariants.check()
    fragile.prepare = int
    fragile.wait = lambda connection: select.select([connection], [], [])
    with pytest.raises(KilledServerError):
        fragile.again()
    assert stage.roles() == case.done
    stage.invariants.check()
    fragile.at = None
    assert fragile.again().status_code == case.repeated
    assert stage.roles() == case.done
    stage.invariants.check()
