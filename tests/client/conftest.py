"""Servers of the tests' own, and what a real one needs."""

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.client.stub import Reply, Stub
from tests.server.conftest import (
    administration,
    database_url,
    postgres,
    settings,
    template,
    token,
)

__all__ = [
    "administration",
    "database_url",
    "postgres",
    "settings",
    "start",
    "template",
    "token",
]

TOKEN = "pv_pat_secret-of-the-test"
Start = Callable[..., Stub]


@pytest.fixture
def start() -> Iterator[Start]:
    """Return what starts a server with replies."""
    running: list[Stub] = []

    def make(*replies: Reply, certificate: Path | None = None) -> Stub:
        running.append(Stub(*replies, certificate=certificate))
        return running[-1]

    yield make
    for each in running:
        each.stop()


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """Return a certificate that nobody signed but itself, with its key."""
    program = shutil.which("openssl")
    if program is None:
        pytest.skip("there is no openssl to make a certificate")
    file = tmp_path / "certificate.pem"
    name = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    where = ["-keyout", str(file), "-out", str(file)]
    subprocess.run(
        [program, "req", "-x509", "-newkey", "rsa:2048", "-nodes", *name, *where],
        check=True,
        capture_output=True,
    )
    return file
