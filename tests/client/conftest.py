"""Servers of the tests' own, and what a real one needs."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import trustme

from tests.client.stub import Reply, Stub
from tests.server.conftest import (
    admin,
    database_url,
    postgres,
    reused_database,
    settings,
    template,
    token,
)

__all__ = [
    "admin",
    "database_url",
    "postgres",
    "reused_database",
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
    """Return a certificate with its key, and its issuer, which is not trusted."""
    file, signer = tmp_path / "certificate.pem", trustme.CA()
    issued = signer.issue_cert("127.0.0.1").private_key_and_cert_chain_pem
    issued.write_to_path(str(file))
    signer.cert_pem.write_to_path(str(file), append=True)
    return file
