"""A provider, and a server that lets it sign people in."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.server.browser import Browser
from tests.server.conftest import Server
from tests.server.oidc.provider import CLIENT_ID, Provider, rsa_key

# Creating a key of that size is slow, and any key will do.
FIRST = rsa_key("first")


@pytest.fixture
def provider() -> Iterator[Provider]:
    """Return a provider of this test alone."""
    provider = Provider(FIRST)
    yield provider
    provider.stop()


StartFor = Callable[..., Server]


@pytest.fixture
def start_for(start_server: Callable[..., Server]) -> StartFor:
    """Return a function that starts a server for the provider at an address."""

    def start(issuer: str, **changes: object) -> Server:
        named = {"oidc_issuer": issuer, "oidc_client_id": CLIENT_ID}
        return start_server(**named | changes)

    return start


@pytest.fixture
def oidc_server(start_for: StartFor, provider: Provider) -> Server:
    """Return a server with sign-in by the provider."""
    return start_for(provider.url, oidc_name="Example & Co")


@pytest.fixture
def browser(oidc_server: Server) -> Iterator[Browser]:
    """Return a browser that is not signed in."""
    with oidc_server.client() as client:
        yield Browser(client)


@pytest.fixture
def mock_provider(tmp_path: Path) -> Iterator[str]:
    """Return the address of `oidc-provider-mock`, as a process of its own."""
    user = {"sub": "ada", "email": "ada@example.org", "email_verified": True}
    stranger = {"sub": "eve", "email": "eve@example.org"}
    command = [sys.executable, "-W", "ignore", "-m", "oidc_provider_mock"]
    command += ["--port", "0", "--require-nonce"]
    for each in (user, stranger):
        command += ["--user-claims", json.dumps(each)]
    log = tmp_path / "provider.log"
    with log.open("w") as stderr:
        process = subprocess.Popen(
            command, stderr=stderr, env=os.environ | {"NO_COLOR": "1"}
        )
    try:
        yield _announced(process, log)
    finally:
        process.terminate()
        process.wait(30)


def _announced(process: subprocess.Popen[bytes], log: Path) -> str:
    while process.poll() is None:
        if found := re.search(r"http://127\.0\.0\.1:\d+", log.read_text()):
            return found[0]
    raise AssertionError(log.read_text())
