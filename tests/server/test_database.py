"""A database that hangs: no answer comes, and no connection is refused either."""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable, Iterator

import httpx
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from pydantic import SecretStr

from tests.server.conftest import Server


class Link:
    """A TCP proxy before PostgreSQL, which can stop passing data on."""

    def __init__(self, address: str) -> None:
        known = conninfo_to_dict(address)
        self._host, self._port = str(known["host"]), str(known.get("port", 5432))
        self._flows = threading.Event()
        self._flows.set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        port = self._listener.getsockname()[1]
        self.address = make_conninfo(address, host="127.0.0.1", port=port)
        threading.Thread(target=self._serve, daemon=True).start()

    def hang(self) -> None:
        """Stop passing data on."""
        self._flows.clear()

    def resume(self) -> None:
        """Pass on held and new data."""
        self._flows.set()

    def close(self) -> None:
        """Accept no more connections."""
        self.resume()
        self._listener.close()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = self._connect()
                for pair in ((near, far), (far, near)):
                    threading.Thread(target=self._pass, args=pair, daemon=True).start()

    def _connect(self) -> socket.socket:
        if not self._host.startswith("/"):
            return socket.create_connection((self._host, int(self._port)))
        far = socket.socket(socket.AF_UNIX)
        far.connect(f"{self._host}/.s.PGSQL.{self._port}")
        return far

    def _pass(self, source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                self._flows.wait()
                target.sendall(data)
        with contextlib.suppress(OSError):
            target.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def link(database_url: str) -> Iterator[Link]:
    """Return the proxy between a server and this test's database."""
    link = Link(database_url)
    yield link
    link.close()


@pytest.fixture
def linked(link: Link, start_server: Callable[..., Server]) -> Server:
    """Return a server behind *link* with short timeouts."""
    address = SecretStr(link.address)
    return start_server(database_url=address, database_seconds=1.0, pool_timeout=1.0)


def test_a_request_is_refused_and_the_next_is_answered(
    linked: Server, link: Link, token: str
) -> None:
    with linked.client(token) as client:
        assert client.get("/v1/me").status_code == 200
        link.hang()
        answer = client.get("/v1/me")
        assert answer.status_code == 503
        assert answer.json()["error"]["code"] == "unavailable"
        assert int(answer.headers["retry-after"]) > 0
        assert client.get("/healthz").status_code == 200
        link.resume()
        while (status := client.get("/v1/me").status_code) == 503:
            pass  # until the pool has connected again
        assert status == 200


def test_so_is_every_one_of_many(linked: Server, link: Link, token: str) -> None:
    """More than the pool has connections: they do not wait for each other."""
    count = linked.settings.pool_size * 2

    async def ask() -> list[int]:
        headers = {"Authorization": f"Bearer {token}"}
        async with httpx.AsyncClient(base_url=linked.url, timeout=120) as client:
            asked = [client.get("/readyz") for _ in range(count)]
            asked += [client.get("/v1/me", headers=headers) for _ in range(count)]
            return [each.status_code for each in await asyncio.gather(*asked)]

    with linked.client(token) as client:
        assert client.get("/v1/me").status_code == 200
    link.hang()
    assert asyncio.run(ask()) == [503] * count * 2
