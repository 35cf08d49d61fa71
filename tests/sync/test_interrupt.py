"""Ctrl-C ends a sync that waits for the server."""

import json
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.client.stub import SILENCE, Reply, Stub
from tests.sync.machine import Machine
from tests.sync.waiting import eventually

PATIENCE = 20
"""Seconds; the timeouts of the servers here are 30, 40 and 60."""
VAULT = {"id": "7f0bd1f8-9bb3-4d65-8d90-5a4ac5c0f2c5", "name": "Ada's", "role": "owner"}
ME = {
    "email": "ada@example.org",
    "user_id": "64dc0b4b-3c6e-4b92-ad07-ba9e4e8cbb07",
    "account_id": "0a8b7c0e-6f0e-4a57-9d1c-2f1b7c0e4d11",
    "role": "owner",
    "tier": "free",
    "limits": {"prompts": 50, "optimizations": 0, "members": 1},
    "usage": {"prompts": 0, "members": 1},
    "device": None,
    "vaults": [VAULT],
}
EMPTY = {
    "proto": 1,
    "vaults": [
        {
            "id": VAULT["id"],
            "status": "ok",
            "cursor": {"epoch": "c0a8012e-1a2b-4c3d-8e4f-5a6b7c8d9e0f", "seq": 0},
        }
    ],
    "limits": {"items": 500, "bytes": 10**6, "inflated": 10**7, "payload": 10**6},
    "end": True,
}
KNOWN = Reply(body=json.dumps(ME).encode())
NOTHING = Reply(body=json.dumps(EMPTY).encode())
BUSY = Reply(429, b"", {"Retry-After": "60"})

Begin = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def begin(tmp_path: Path, home: Path) -> Iterator[Begin]:
    """Return a function that starts a command and waits for the request of a path.

    After the sign-in the server gives *replies*, the last one for every further
    request.
    """
    servers: list[Stub] = []
    running: list[subprocess.Popen[str]] = []

    def start(
        *arguments: str, until: str, replies: list[Reply]
    ) -> subprocess.Popen[str]:
        servers.append(Stub(KNOWN, *replies))
        device = Machine(tmp_path / "desk")
        device.sign_in(servers[-1].url, "pv_pat_of-the-test")
        running.append(device.start(*arguments))
        eventually(lambda: until in [each.path for each in servers[-1].asked])
        return running[-1]

    yield start
    for process in running:
        process.kill()
        process.communicate()
    for each in servers:
        each.stop()


def ctrl_c(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Press Ctrl-C, and return the exit code and the rest of stderr."""
    process.send_signal(signal.SIGINT)
    code = process.wait(PATIENCE)
    assert process.stderr is not None
    return code, process.stderr.read()


def test_a_watch_whose_server_does_not_begin_to_tell(begin: Begin) -> None:
    replies = [KNOWN, NOTHING, SILENCE]
    process = begin("sync", "--watch", until="/v1/events", replies=replies)
    assert process.stderr is not None
    assert process.stderr.readline().endswith("Everything is up to date.\n")
    assert ctrl_c(process) == (130, "")


def test_a_first_sync_whose_server_is_silent(begin: Begin) -> None:
    process = begin("sync", until="/v1/sync", replies=[KNOWN, SILENCE])
    assert ctrl_c(process) == (130, "")


def test_a_first_sync_whose_server_asks_for_a_pause(begin: Begin) -> None:
    process = begin("sync", until="/v1/sync", replies=[KNOWN, BUSY])
    assert process.stderr is not None
    assert "again in 60 seconds" in process.stderr.readline()
    assert ctrl_c(process) == (130, "")
