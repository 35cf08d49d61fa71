"""What a server without a public address calls itself, and to whom."""

import socket
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from promptvault.server import naming as names
from promptvault.server.app import create_app
from promptvault.server.settings import Settings
from promptvault.wire.device_code import CLIENT_ID
from tests.conftest import Pvt
from tests.server.conftest import EMAIL, Server, ServerProcess

WISH = {"client_id": CLIENT_ID, "device_label": "analytical", "device_os": "Linux"}


class NamedServer(Server):
    """A server whose operator has set no address."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        told = names.naming(settings, self.listener, "0.0.0.0")
        self.app = create_app(self.settings, told.names)


@pytest.fixture
def visitor(settings: Settings) -> Iterator[httpx.Client]:
    """Return a client of a server that goes by the names of this machine."""
    server = NamedServer(settings)
    server.start()
    with server.client() as client:
        yield client
    server.stop()


def _told(client: httpx.Client, host: str) -> str:
    """Return where a device is sent that calls the server *host*."""
    answer = client.post("/v1/device/code", data=WISH, headers={"Host": host})
    uri: str = answer.json()["verification_uri"]
    assert answer.json()["verification_uri_complete"].startswith(f"{uri}?user_code=")
    return uri.removesuffix("/device")


def test_a_device_is_told_the_address_that_it_used(visitor: httpx.Client) -> None:
    port = visitor.base_url.port
    machine = socket.gethostname().lower()
    for host in ("127.0.0.1", "localhost", machine, machine.upper(), "[::1]"):
        assert _told(visitor, f"{host}:{port}") == f"http://{host.lower()}:{port}"
    assert _told(visitor, "localhost:9000") == "http://localhost:9000"  # by a tunnel


@pytest.mark.parametrize(
    "host",
    [
        *("evil.example", "evil.example:8000", "192.0.2.1", "localhost.evil.example"),
        *("localhost@evil.example", "evil.example#localhost", "evil.example/localhost"),
        *("localhost:80:80", "localhost:x", "[::1", "", "localhost/evil", "a b"),
    ],
)
def test_no_other_name_is_believed(visitor: httpx.Client, host: str) -> None:
    origin = str(visitor.base_url).rstrip("/")
    assert _told(visitor, host) == origin


def test_an_address_that_the_operator_set_is_the_only_one(server: Server) -> None:
    with server.client() as client:
        assert _told(client, "localhost") == server.url


def _naming(host: str, **changes: Any) -> tuple[names.Naming, int]:
    with socket.create_server((host, 0)) as listener:
        found = names.naming(Settings(**changes), listener, host)
        return found, listener.getsockname()[1]


def test_links_say_an_address_that_others_can_reach() -> None:
    found, port = _naming("0.0.0.0")
    assert found.url == f"http://127.0.0.1:{port}"
    assert found.public_url.endswith(f":{port}")
    assert "0.0.0.0" not in found.public_url
    assert {"localhost", socket.gethostname().lower()} <= found.names
    assert not {"", "0.0.0.0"} & found.names


def test_an_address_that_was_set_is_said() -> None:
    found, _ = _naming("0.0.0.0", public_url="https://prompts.example.org")
    assert found.public_url == "https://prompts.example.org"
    assert found.names == frozenset()


def test_the_start_says_it_and_links_follow_it(
    server_process: Callable[..., ServerProcess],
    pvt: Pvt,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("PROMPTVAULT_SERVER_PUBLIC_URL", raising=False)
    running = server_process("--host", "0.0.0.0")
    assert running.url.startswith("http://127.0.0.1:")
    url = pvt.ok("server", "user", "add", EMAIL).text
    assert url.startswith(f"{running.told['public_url']}/reset/password?token=")
    assert httpx.get(url.strip(), trust_env=False).status_code == 200
    assert "localhost" in running.told["names"]
    other = running.url.replace("127.0.0.1", "127.0.0.2")  # of this machine as well
    answer = httpx.post(f"{other}/v1/device/code", data=WISH, trust_env=False)
    assert answer.json()["verification_uri"] == f"{other}/device"
