"""The connection is cut after every byte: it is noticed, and nothing happens twice."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid5

import psycopg
import pytest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from promptvault.client.address import parse_address
from promptvault.client.client import connect
from promptvault.client.transport import Traffic
from promptvault.domain.tier import Tier
from promptvault.server.admin import Admin
from promptvault.server.settings import Settings
from promptvault.wire.sync import SyncAnswer
from tests.client.cutting_proxy import Cut, CuttingProxy, Way
from tests.server.conftest import Server

EMAIL = "ada@example.org"
NAMES = UUID("64dc0b4b-3c6e-4b92-ad07-ba9e4e8cbb07")
SHARE = 29
"""Every so many bytes are tried in the normal run; a prime, to fall anywhere."""

_STATE = {
    "vaults": "SELECT head_seq, digest FROM vaults",
    "accounts": "SELECT prompt_count FROM accounts",
    "items": "SELECT item_id, head_rev, seq, deleted, payload FROM items",
    "revisions": "SELECT rev, item_id, base_rev, kind, seq, payload_hash,"
    " author_user, device FROM revisions",
    "sides": "SELECT rev, item_id, seq, resolved, payload FROM sides",
    "versions": "SELECT version_id, item_id, seq, position, payload FROM versions",
}
State = dict[str, list[tuple[Any, ...]]]


class Chunked:
    """Takes an answer's length away, so that it goes out in chunks."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""

        async def send_in_pieces(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = [
                    each for each in message["headers"] if each[0] != b"content-length"
                ]
                return await send({**message, "headers": headers})
            body = message.get("body", b"")
            for start in range(0, len(body), 100):
                piece = body[start : start + 100]
                await send({**message, "body": piece, "more_body": True})
            await send({**message, "body": b""})

        await self._app(scope, receive, send_in_pieces)


def _head(name: str, text: str) -> dict[str, Any]:
    item, rev, version = (str(uuid5(NAMES, f"{name} {each}")) for each in "irv")
    payload = {"name": name, "labels": {}, "version": version}
    return {
        "kind": "head",
        "item": item,
        "rev": rev,
        "payload": payload,
        "versions": [{"id": version, "body": text}],
    }


@dataclass
class Case:
    """A device that has a prompt to push and two to pull; each time the same bytes."""

    url: str
    token: str
    database: psycopg.Connection[Any]

    def __post_init__(self) -> None:
        ((self.vault,),) = self.database.execute("SELECT id FROM vaults").fetchall()
        for name in ("first", "second"):
            self.sync(self.url, _head(name, f"The {name}: " + "lorem ipsum " * 30))
        self.before = self.state()
        ((self.digest,),) = self.database.execute("SELECT digest FROM vaults")

    def sync(self, url: str, push: dict[str, Any]) -> tuple[SyncAnswer, Traffic]:
        """Push, and read the vault from the beginning."""
        vault = {"id": str(self.vault), "cursor": {}, "push": [push]}
        request = {"proto": 1, "device": str(NAMES), "vaults": [vault]}
        address = parse_address(url)
        with connect(address, self.token, sleep=lambda _: None) as client:
            answer = client.sync(json.dumps(request).encode())
            return answer, client.traffic

    def push(self, url: str) -> tuple[SyncAnswer, Traffic]:
        """Push the third prompt."""
        return self.sync(url, _head("third", "The third. " + "dolor sit " * 10))

    def state(self) -> State:
        """Return all that the server keeps, but for times of day."""
        return {
            table: sorted(self.database.execute(query).fetchall(), key=repr)
            for table, query in _STATE.items()
        }

    def reset(self) -> None:
        """Take back what was pushed."""
        for table in ("items", "revisions", "versions"):
            self.database.execute(f"DELETE FROM {table} WHERE seq > 2")
        self.database.execute(
            "UPDATE vaults SET head_seq = 2, digest = %s", (self.digest,)
        )
        self.database.execute("UPDATE accounts SET prompt_count = 2")
        assert self.state() == self.before


@pytest.fixture
def start_case(
    settings: Settings, admin: Admin, database_url: str
) -> Iterator[Callable[[bool], Case]]:
    """Return what starts a server, whose answers may come in chunks."""
    admin.add_user(EMAIL, Tier.PRO)
    token = admin.issue_token(EMAIL, "test")
    patient = {"request_burst": 1_000_000}  # every cut is two requests
    server = Server(settings.model_copy(update=patient))

    def start(is_chunked: bool) -> Case:
        if is_chunked:
            server.app.add_middleware(Chunked)
        server.start()
        return Case(server.url, token, database)

    with psycopg.connect(database_url, autocommit=True) as database:
        yield start
        server.stop()


@dataclass
class Tally:
    """What came of the cuts."""

    cuts: int = 0
    committed: int = 0
    """Those after which the server had done it already."""


def cut_everywhere(case: Case, proxy: CuttingProxy, way: Way, step: int) -> Tally:
    """Cut the push after every *step* bytes, and assert that it does not matter."""
    _, traffic = case.push(proxy.url)
    assert traffic.requests == 1
    length, wanted = len(proxy.passed[way]), case.state()
    assert wanted != case.before
    tally = Tally()
    # What passes whole is no cut of the answer; one of the request loses the answer.
    last = length if way == "request" else length - 1
    for place in sorted({*range(1, last, step), last - 1, last}):
        case.reset()
        proxy.cuts = [Cut(way, place)]
        answer, traffic = case.push(proxy.url)
        if traffic.requests == 1:  # ids in an answer are random: this one was shorter
            assert len(proxy.passed[way]) <= place, f"cut after {place}: unnoticed"
            continue
        assert case.state() == wanted, f"a cut after byte {place} changed the result"
        (vault,) = answer.vaults
        (result,) = vault.results
        assert (vault.status, result.r, result.seq) == ("ok", "ok", 3)
        tally.cuts += 1
        tally.committed += result.dup
    return tally


def _steps() -> list[Any]:
    every = pytest.param(1, id="every byte", marks=pytest.mark.soak)
    return [pytest.param(SHARE, id="a share"), every]


@pytest.mark.parametrize("step", _steps())
def test_a_request_that_is_cut(start_case: Callable[[bool], Case], step: int) -> None:
    case = start_case(False)
    with CuttingProxy(case.url) as proxy:
        tally = cut_everywhere(case, proxy, "request", step)
    assert tally.committed <= 1  # the one after its last byte


@pytest.mark.parametrize("step", _steps())
@pytest.mark.parametrize("encoding", ["zstd", "gzip", "identity"])
@pytest.mark.parametrize("is_chunked", [False, True], ids=["length", "chunks"])
def test_an_answer_that_is_cut(
    start_case: Callable[[bool], Case],
    is_chunked: bool,
    encoding: str,
    step: int,
) -> None:
    case = start_case(is_chunked)
    accepted = b"Accept-Encoding: " + encoding.encode()
    with CuttingProxy(case.url, b"Accept-Encoding: zstd, gzip", accepted) as proxy:
        tally = cut_everywhere(case, proxy, "answer", step)
        head = proxy.passed["answer"].partition(b"\r\n\r\n")[0].decode().lower()
    assert ("\r\ntransfer-encoding: chunked" in head) == is_chunked
    compressed = f"\r\ncontent-encoding: {encoding}" in head
    assert compressed == (encoding != "identity")
    assert tally.committed == tally.cuts
