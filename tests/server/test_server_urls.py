"""The URLs that a server without a public URL gives to links and devices."""

import socket
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from promptvault.server.server_urls import ServerUrls, find_urls
from promptvault.server.settings import Settings
from promptvault.wire.device_code import CLIENT_ID
from tests.conftest import Pvt
from tests.server.conftest import EMAIL, Server, ServerProcess, prepared_app

WISH = {"client_id": CLIENT_ID, "device_label": "analytical", "device_os": "Linux"}


class NamedServer(Server):
    """A server whose operator has set no public URL."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        urls = find_urls(settings, self.listener, "0.0.0.0")
        self.app = prepared_app(self.settings, urls.names)


@pytest.fixture
def visitor(settings: Settings) -> Iterator[httpx.Client]:
    """Return a client of a server that accepts the names of this machine."""
    server = NamedServer(settings)
    server.start()
    with server.client() as client:
        yield client
    server.stop()


def _device_origin(client: httpx.Client, host: str) -> str:
    """Return the origin for a device that calls the server *host*."""
    answer = client.post("/v1/device/code", data=WISH, headers={"Host": host})
    uri: str = answer.json()["verification_uri"]
    assert answer.json()["verification_uri_complete"].startswith(f"{uri}?user_code=")
    return uri.removesuffix("/device")


def test_a_device_gets_the_address_that_it_used(visitor: httpx.Client) -> None:
    port = visitor.base_url.port
    machine = socket.gethostname().lower()
    for host in ("127.0.0.1", "localhost", machine, machine.upper(), "[::1]"):
        assert (
            _device_origin(visitor, f"{host}:{port}") == f"http://{host.lower()}:{port}"
        )
    assert (
        _device_origin(visitor, "localhost:9000") == "http://localhost:9000"
    )  # by a tunnel


@pytest.mark.parametrize(
    "host",
    [
        *("evil.example", "evil.example:8000", "192.0.2.1", "localhost.evil.example"),
        *("localhost@evil.example", "evil.example#localhost", "evil.example/localhost"),
        *("localhost:80:80", "localhost:x", "[::1", "", "localhost/evil", "a b"),
    ],
)
def test_no_other_name_is_repeated(visitor: httpx.Client, host: str) -> None:
    origin = str(visitor.base_url).rstrip("/")
    assert _device_origin(visitor, host) == origin


def test_a_url_set_by_the_operator_is_the_only_one(server: Server) -> None:
    with server.client() as client:
        assert _device_origin(client, "localhost") == server.url


def _urls(host: str, **changes: Any) -> tuple[ServerUrls, int]:
    with socket.create_server((host, 0)) as listener:
        found = find_urls(Settings(**changes), listener, host)
        return found, listener.getsockname()[1]


def test_links_start_with_a_url_that_other_machines_can_reach() -> None:
    found, port = _urls("0.0.0.0")
    assert found.url == f"http://127.0.0.1:{port}"
    assert found.public_url.endswith(f":{port}")
    assert "0.0.0.0" not in found.public_url
    assert {"localhost", socket.gethostname().lower()} <= found.names
    assert not {"", "0.0.0.0"} & found.names


def test_a_url_that_is_set_is_used() -> None:
    found, _ = _urls("0.0.0.0", public_url="https://prompts.example.org")
    assert found.public_url == "https://prompts.example.org"
    assert found.names == frozenset()


def test_serve_reports_the_url_and_links_use_it(
    server_process: Callable[..., ServerProcess],
    pvt: Pvt,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("PROMPTVAULT_SERVER_PUBLIC_URL", raising=False)
    running = server_process("--host", "0.0.0.0")
    assert running.url.startswith("http://127.0.0.1:")
    url = pvt.ok("server", "user", "add", EMAIL).text
    assert url.startswith(f"{running.urls['public_url']}/reset/password?token=")
    assert httpx.get(url.strip(), trust_env=False).status_code == 200
    assert "localhost" in running.urls["names"]
    other = running.url.replace("127.0.0.1", "127.0.0.2")  # of this machine as well
    answer = httpx.post(f"{other}/v1/device/code", data=WISH, trust_env=False)
    assert answer.json()["verification_uri"] == f"{other}/device"
