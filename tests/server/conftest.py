"""A real PostgreSQL, a database for each test, and servers that answer on a socket."""

import contextlib
import functools
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
import uvicorn
from argon2 import PasswordHasher
from fastapi import FastAPI
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from pydantic import SecretStr
from starlette.routing import BaseRoute

from promptvault.domain.tier import Tier
from promptvault.server import password, server_urls, serving
from promptvault.server.admin import Admin
from promptvault.server.app import create_app
from promptvault.server.postgres import embedded, migration
from promptvault.server.redis import client as redis_client
from promptvault.server.settings import Settings
from tests.server.browser import Browser
from tests.server.mail_server import MailServer, mail_server
from tests.server.redis_server import RedisServer, running_redis
from tests.server.reused_database import ReusedDatabase

SECRET = "the-secret-of-the-tests-0123456789"
EMAIL = "ada@example.org"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the address of a PostgreSQL; ``DATABASE_URL`` names another one."""
    given = os.environ.get("DATABASE_URL")
    if given:
        yield given
        return
    with embedded.owned(tmp_path_factory.mktemp("postgres")) as address:
        with psycopg.connect(address, autocommit=True) as connection:
            for name in ("fsync", "full_page_writes", "synchronous_commit"):
                connection.execute(f"ALTER SYSTEM SET {name} = off")
            connection.execute("SELECT pg_reload_conf()")
        yield address


@pytest.fixture(scope="session")
def template(postgres: str) -> Iterator[str]:
    """Return the name of a database that the migrations have made."""
    with scratch_database(postgres, "template1") as address:
        migration.upgrade(address)
        yield str(conninfo_to_dict(address)["dbname"])


@pytest.fixture
def empty_database_url(postgres: str) -> Iterator[str]:
    """Return the address of a database without a schema."""
    with scratch_database(postgres, "template1") as address:
        yield address


@pytest.fixture(scope="session")
def reused_database(postgres: str, template: str) -> Iterator[ReusedDatabase]:
    """Return the database that this worker's tests use in turn."""
    reused = ReusedDatabase(lambda: scratch_database(postgres, template))
    yield reused
    reused.drop()


@pytest.fixture
def database_url(reused_database: ReusedDatabase) -> Iterator[str]:
    """Return the address of a database with the schema, used by this test only."""
    with reused_database.lent() as address:
        yield address


@contextlib.contextmanager
def scratch_database(postgres: str, template: str) -> Iterator[str]:
    """Create a database, a copy of *template*, while the block runs."""
    name = f"test_{uuid.uuid4().hex}"
    with psycopg.connect(postgres, autocommit=True) as connection:
        # Copying files takes a quarter of the time of logging their pages.
        connection.execute(
            f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY"
        )
        try:
            yield make_conninfo(postgres, dbname=name)
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def redis_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[RedisServer]:
    """Return a Redis of this test's own, for which servers wait on a busy machine."""
    monkeypatch.setattr(redis_client, "_PATIENCE_SECONDS", 20.0)
    monkeypatch.setattr(redis_client, "_CONNECT_SECONDS", 20.0)
    # A Unix socket has a short path.
    with (
        tempfile.TemporaryDirectory(prefix="redis-") as folder,
        running_redis(Path(folder)) as server,
    ):
        yield server


@pytest.fixture
def settings(database_url: str) -> Settings:
    """Return settings for this test's database; `model_copy` changes some."""
    return Settings(database_url=SecretStr(database_url), secret=SecretStr(SECRET))


@pytest.fixture
def admin(settings: Settings) -> Admin:
    """Return what an operator does, on this test's database."""
    return Admin(settings)


@pytest.fixture
def token(admin: Admin) -> str:
    """Return a token of a new user with the free plan."""
    admin.add_user(EMAIL, Tier.FREE)
    return admin.issue_token(EMAIL, "test")


@functools.cache
def _routes() -> list[BaseRoute]:
    settings = Settings(
        database_url=SecretStr("postgresql://"), secret=SecretStr(SECRET)
    )
    return create_app(settings).router.routes


def prepared_app(settings: Settings, names: frozenset[str] = frozenset()) -> FastAPI:
    """Return a new app, whose routes are those of all others in this process.

    FastAPI prepares a route when it is requested first, which takes longer than most
    tests do otherwise. No route depends on settings.
    """
    app = create_app(settings, names)
    app.router.routes[:] = _routes()
    return app


class Server:
    """A server that answers on a socket, and a client for it."""

    def __init__(self, settings: Settings, port: int = 0) -> None:
        self.listener = serving.listening("127.0.0.1", port)
        self.url = server_urls.local_url(self.listener)
        self.settings = settings.model_copy(update={"public_url": self.url})
        self.app = prepared_app(self.settings)
        self._server = uvicorn.Server(serving.configuration(lambda: self.app))
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [self.listener]}
        )

    def start(self) -> None:
        """Begin to serve; the socket keeps early requests until then."""
        self._thread.start()

    def stop(self) -> None:
        """Stop, and free the port; a second time nothing happens."""
        if not self._thread.is_alive():
            return
        self.app.state.hub.close()  # as a signal would
        self._server.should_exit = True
        self._thread.join()
        self.listener.close()

    def client(self, token: str | None = None) -> httpx.Client:
        """Return a client, signed in by *token*; the test's end need not close it."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        # Reading the system's certificates would take longer than most requests.
        return httpx.Client(
            base_url=self.url, headers=headers, timeout=60, verify=False
        )


@contextlib.contextmanager
def quick_passwords() -> Iterator[None]:
    """Hash passwords quickly; hashes are slow only to make guesses expensive."""
    with pytest.MonkeyPatch.context() as patch:
        quick = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
        patch.setattr(password, "_HASHER", quick)
        yield


@pytest.fixture
def start_server(settings: Settings) -> Iterator[Callable[..., Server]]:
    """Return a function that starts a server on a free port, with changed settings.

    It hashes passwords quickly.
    """
    servers: list[Server] = []

    def start(port: int = 0, **changes: Any) -> Server:
        servers.append(Server(settings.model_copy(update=changes), port))
        servers[-1].start()
        return servers[-1]

    with quick_passwords():
        yield start
        for each in servers:
            each.stop()


@pytest.fixture
def server(start_server: Callable[..., Server]) -> Server:
    """Return a server that this test alone uses."""
    return start_server()


@pytest.fixture
def visitor(server: Server) -> Iterator[httpx.Client]:
    """Return a client that is not signed in."""
    with server.client() as client:
        yield client


@pytest.fixture
def client(server: Server, token: str) -> Iterator[httpx.Client]:
    """Return a client that is signed in."""
    with server.client(token) as client:
        yield client


@pytest.fixture
def open_browser(server: Server) -> Iterator[Callable[[], Browser]]:
    """Return a function that opens a browser with its own cookies."""
    clients: list[httpx.Client] = []

    def start() -> Browser:
        clients.append(server.client())
        clients[-1].headers["User-Agent"] = FIREFOX
        return Browser(clients[-1])

    yield start
    for client in clients:
        client.close()


@pytest.fixture
def browser(open_browser: Callable[[], Browser]) -> Browser:
    """Return a browser that is not signed in."""
    return open_browser()


@pytest.fixture
def signed_up(open_browser: Callable[[], Browser]) -> Browser:
    """Return a browser in which EMAIL has just signed up."""
    browser = open_browser()
    assert browser.sign_up(EMAIL).status_code == 200
    return browser


@pytest.fixture
def free_port() -> int:
    """Return a free port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


@pytest.fixture
def mail(free_port: int) -> Iterator[MailServer]:
    """Return a mail server that runs."""
    with mail_server(free_port) as mails:
        yield mails


@dataclass
class ServerProcess:
    """`promptvault serve` as a process of its own."""

    process: subprocess.Popen[str]
    log: Path
    url: str = field(init=False)
    urls: dict[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, self.log.read_text()
        self.urls = json.loads(line)
        self.url = self.urls["url"]

    def stop(self, by: int = signal.SIGTERM) -> int:
        """Send a signal and return the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(by)
        return self.process.wait(60)


@pytest.fixture
def server_process(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., ServerProcess]]:
    """Return a function that starts `promptvault serve` with arguments, on a free port.

    *through* is a command that starts the one after it in its own process.
    """
    monkeypatch.delenv("DATABASE_URL", raising=False)
    running: list[ServerProcess] = []

    def start(*arguments: str, through: Sequence[str] = ()) -> ServerProcess:
        log = tmp_path / f"serve-{len(running)}.log"
        command = [*through, sys.executable, "-m", "promptvault", "serve", "--json"]
        with log.open("w") as stderr:
            process = subprocess.Popen(
                [*command, "--port", "0", *arguments],
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
            )
        running.append(ServerProcess(process, log))
        return running[-1]

    yield start
    for each in running:
        each.stop()
