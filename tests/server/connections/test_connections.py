"""Connections over a socket: limited in number, and closed after a deadline."""

import contextlib
import json
import resource
import socket
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import httpx
import pytest

from promptvault.server.connections import descriptors
from promptvault.server.token.secret import make_token
from tests.server.conftest import Server, ServerProcess

HALF_HEAD = b"POST /v1/sync HTTP/1.1\r\nHost: x\r\nX-A: "
HALF_BODY = (
    b"POST /v1/device/code HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n"
    b"Content-Type: application/x-www-form-urlencoded\r\n\r\nclient_id="
)
UNSENT_BODY = (
    "POST /v1/sync HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n"
    "Content-Type: application/json\r\n{header}\r\n"
)


def _connect(url: str, source: str = "127.0.0.1") -> socket.socket:
    address = (urlsplit(url).hostname, urlsplit(url).port)
    connection = socket.create_connection(address, 60, source_address=(source, 0))
    connection.settimeout(60)
    return connection


def _is_closed(connection: socket.socket) -> bool:
    """Wait until the other end closes, and ignore what it sends before."""
    with contextlib.suppress(ConnectionResetError):
        while connection.recv(65536):
            pass
    return True


def _status(connection: socket.socket) -> int:
    return int(connection.recv(65536).split()[1])


def _get(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode()


@pytest.fixture
def opened() -> Iterator[Callable[..., socket.socket]]:
    """Return a function that connects; the connections are closed after the test."""
    with contextlib.ExitStack() as stack:
        yield lambda *given: stack.enter_context(_connect(*given))


@pytest.mark.parametrize("sent", [b"", b"\r\n", HALF_HEAD, HALF_BODY])
def test_a_half_sent_request_is_closed_by_the_server(
    start_server: Callable[..., Server],
    opened: Callable[..., socket.socket],
    sent: bytes,
) -> None:
    connection = opened(start_server(head_seconds=0.3, body_seconds=0.3).url)
    connection.sendall(sent)
    assert _is_closed(connection)


def test_so_is_one_that_takes_nothing_of_its_answer(
    start_server: Callable[..., Server], opened: Callable[..., socket.socket]
) -> None:
    server = start_server(body_seconds=0.3)
    connection = opened(server.url)
    connection.sendall(_get("/healthz"))
    assert _status(connection) == 200
    connection.sendall(_get("/v1/openapi.json") * 1000)
    while server.app.state.connections:
        pass


@pytest.mark.parametrize("bound", ["connections", "connections_per_address"])
def test_the_oldest_half_sent_request_yields_to_a_new_one(
    start_server: Callable[..., Server],
    opened: Callable[..., socket.socket],
    bound: str,
) -> None:
    url = start_server(**{bound: 3}).url
    held = [opened(url) for _ in range(3)]
    for connection in held:
        connection.sendall(HALF_HEAD)
    assert httpx.get(f"{url}/healthz").status_code == 200
    assert _is_closed(held[0])
    held[1].sendall(b"b\r\nContent-Length: 0\r\n\r\n")
    assert _status(held[1]) == 401


def test_above_its_bound_an_address_is_refused_and_a_neighbour_is_served(
    start_server: Callable[..., Server], opened: Callable[..., socket.socket]
) -> None:
    """Connections with a request in progress are not closed for others."""
    url = start_server(connections_per_address=2).url
    held = [opened(url) for _ in range(2)]
    for connection in held:
        connection.sendall(HALF_BODY)
    _wait_until_refused(url)
    neighbour = opened(url, "127.0.0.2")
    neighbour.sendall(_get("/healthz"))
    assert _status(neighbour) == 200
    held[0].close()
    while _answer(url) != 200:
        pass


def _wait_until_refused(url: str) -> None:
    """Send requests until both requests before this one have arrived."""
    while _answer(url) != 503:
        pass


def _answer(url: str) -> int:
    with contextlib.suppress(httpx.TransportError):
        return httpx.get(f"{url}/healthz").status_code
    return 0


@pytest.mark.parametrize(
    "header",
    ["", "Authorization: Bearer nonsense\r\n", "Authorization: Bearer {made}\r\n"],
)
def test_who_asks_is_known_before_the_body_is_sent(
    server: Server, opened: Callable[..., socket.socket], header: str
) -> None:
    connection = opened(server.url)
    head = UNSENT_BODY.format(header=header.format(made=make_token()))
    connection.sendall(head.encode())
    assert _status(connection) == 401


def test_an_unread_body_is_not_received_without_end(
    server: Server, opened: Callable[..., socket.socket]
) -> None:
    connection = opened(server.url)
    head = UNSENT_BODY.format(header="").replace("1000000", "1000000000")
    connection.sendall(head.encode())
    assert _status(connection) == 401
    with pytest.raises(ConnectionError):
        connection.sendall(bytes(500_000_000))


def test_requests_without_a_token_count_against_their_address(
    server: Server, opened: Callable[..., socket.socket]
) -> None:
    with server.client() as client:
        statuses = [client.get("/v1/me").status_code for _ in range(80)]
    assert statuses[:60] == [401] * 60
    assert 429 in statuses
    neighbour = opened(server.url, "127.0.0.2")
    neighbour.sendall(_get("/v1/me"))
    assert _status(neighbour) == 401


def test_a_server_opens_as_many_files_as_the_system_allows(
    server_process: Callable[..., ServerProcess], database_url: str
) -> None:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    few = ("sh", "-c", 'ulimit -S -n 256 && exec "$@"', "sh")
    running = server_process("--database-url", database_url, through=few)
    soft, hard = resource.prlimit(running.process.pid, resource.RLIMIT_NOFILE)
    assert soft == hard == most


def test_running_out_of_descriptors_is_logged_once(
    server_process: Callable[..., ServerProcess],
    database_url: str,
    opened: Callable[..., socket.socket],
) -> None:
    running = server_process("--database-url", database_url)
    _, hard = resource.prlimit(running.process.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(running.process.pid, resource.RLIMIT_NOFILE, (32, hard))
    for _ in range(64):
        opened(running.url)
    while "out of descriptors" not in running.log.read_text():
        pass
    resource.prlimit(running.process.pid, resource.RLIMIT_NOFILE, (hard, hard))
    assert httpx.get(f"{running.url}/healthz", timeout=60).status_code == 200
    lines = [json.loads(line) for line in running.log.read_text().splitlines()]
    short = [line for line in lines if "out of descriptors" in line["event"]]
    assert [line["level"] for line in short] == ["error"]


def test_there_is_room_for_one_connection_whatever_the_limit() -> None:
    assert descriptors.room_for_connections(pool_size=10**9) == 1
