"""Print how long syncing takes, client and server on one machine, as whole processes:
`python -m tests.benchmarks.sync [--prompts N] [--runs N]`.
"""

import argparse
import contextlib
import json
import os
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.benchmarks.data import Writer
from tests.benchmarks.device import PROGRAM, Device
from tests.benchmarks.measure import Command, compare

_EMAIL = "ada@example.org"
_WORDS = 155
"""Of a prompt: about 1 KB."""
_CHANGES = 10
_LATENCY_RUNS = 40
_IMPORTS = "import httpx, sqlmodel"


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--prompts", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=10)
    options = parser.parse_args()
    print("| what | measured | target |\n|---|---|---|")
    with tempfile.TemporaryDirectory() as name, _server(Path(name)) as server:
        for row in _rows(Path(name), server, options.prompts, options.runs):
            print(row, flush=True)


@dataclass
class _Counter:
    """A proxy of a server that counts the bytes."""

    target: tuple[str, int]
    sent: int = 0
    received: int = 0
    listener: socket.socket = field(init=False)

    def __post_init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        """The address to sync with."""
        return f"http://127.0.0.1:{self.listener.getsockname()[1]}"

    def _accept(self) -> None:
        while True:
            client, _ = self.listener.accept()
            server = socket.create_connection(self.target)
            for ends, name in (
                ((client, server), "sent"),
                ((server, client), "received"),
            ):
                threading.Thread(
                    target=self._pass, args=(*ends, name), daemon=True
                ).start()

    def _pass(self, source: socket.socket, target: socket.socket, name: str) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                setattr(self, name, getattr(self, name) + len(data))
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)


@dataclass(frozen=True)
class _Server:
    """A server with one user."""

    counter: _Counter
    token: str


@contextlib.contextmanager
def _server(folder: Path) -> Iterator[_Server]:
    """Run `promptvault serve` with its own PostgreSQL."""
    environment = {**os.environ, "PROMPTVAULT_HOME": str(folder / "server")}
    process = subprocess.Popen(
        [PROGRAM, "serve", "--json", "--port", "0"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout is not None
        place = urlsplit(json.loads(process.stdout.readline())["url"])
        for command in (["user", "add", _EMAIL, "--tier", "pro"], ["token", _EMAIL]):
            done = subprocess.run(
                [PROGRAM, "server", *command, "--json"],
                env=environment,
                check=True,
                capture_output=True,
            )
        counter = _Counter((place.hostname or "", place.port or 0))
        yield _Server(counter, json.loads(done.stdout)["token"])
    finally:
        process.terminate()
        process.wait(60)


def _has(device: Device, name: str) -> bool:
    """Return True if a prompt can be read on *device*."""
    path = device.home / "data" / "vault.db"
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
        return bool(
            db.execute("SELECT 1 FROM prompts WHERE name = ?", (name,)).fetchone()
        )


@dataclass(frozen=True)
class _Sync:
    """A measured sync."""

    report: dict[str, Any]
    seconds: float
    sent: int
    received: int
    peak_mb: float


def _measure(device: Device, counter: _Counter) -> _Sync:
    sent, received = counter.sent, counter.received
    out = device.home / "sync.json"
    start = time.perf_counter()
    pid = os.posix_spawnp(
        PROGRAM,
        [PROGRAM, "sync", "--json"],
        {**os.environ, **device.environment},
        file_actions=[
            (
                os.POSIX_SPAWN_OPEN,
                1,
                str(out),
                os.O_WRONLY | os.O_CREAT | os.O_TRUNC,
                0o600,
            )
        ],
    )
    _, status, usage = os.wait4(pid, 0)
    seconds = time.perf_counter() - start
    if status:
        raise RuntimeError("sync failed")
    time.sleep(0.05)  # another thread counts
    return _Sync(
        json.loads(out.read_text()),
        seconds,
        counter.sent - sent,
        counter.received - received,
        usage.ru_maxrss / 1024,
    )


def _rows(folder: Path, server: _Server, prompts: int, runs: int) -> Iterator[str]:
    one, two = Device(folder / "one"), Device(folder / "two")
    one.run("import", str(_write(folder / "prompts.jsonl", prompts)))
    os.sync()  # wait until the disk is idle
    one.sign_in(server.counter.url, server.token)
    two.sign_in(server.counter.url, server.token)
    first = _measure(one, server.counter)
    assert first.report["pushed"] == prompts
    yield _row(
        f"first push of {prompts:,}", first, "210 requests, 60 MB, 120 s, 200 MB"
    )
    second = _measure(two, server.counter)
    assert second.report["pulled"] == prompts
    yield _row("first pull of the same", second, "60 s")
    yield _nothing_new(one, runs)
    for number in range(_CHANGES):
        one.run("add", f"changed/{number}", "A new text.")
    yield _row(
        f"{_CHANGES} changes pushed", _measure(one, server.counter), "2 requests, 64 KB"
    )
    yield _row("the same pulled", _measure(two, server.counter), "2 requests, 64 KB")
    yield _latency(one, two)


def _write(path: Path, count: int) -> Path:
    writer = Writer()
    with path.open("w") as file:
        for number in range(count):
            row = {
                "name": f"folder{number % 100}/prompt{number}",
                "body": writer.words(_WORDS),
            }
            file.write(json.dumps(row) + "\n")
    return path


def _row(label: str, sync: _Sync, target: str) -> str:
    requests = sync.report["round_trips"]
    traffic = f"{_size(sync.sent)} sent, {_size(sync.received)} received"
    figures = f"{sync.seconds:.1f} s, {requests} requests, {traffic}"
    return f"| {label} | {figures}, {sync.peak_mb:.0f} MB of memory | {target} |"


def _size(count: int) -> str:
    return f"{count / 1e6:.1f} MB" if count >= 1e5 else f"{count / 1e3:.1f} KB"


def _nothing_new(device: Device, runs: int) -> str:
    result = compare(
        Command([PROGRAM, "sync"], device.environment),
        Command([sys.executable, "-c", _IMPORTS]),
        runs,
    )
    times = f"{result.seconds * 1000:.0f} / {result.base_seconds * 1000:.0f} ms"
    return (
        f"| sync with nothing new / `{_IMPORTS}` | {times}: {result.ratio:.2f} | 1.5 |"
    )


def _latency(one: Device, two: Device) -> str:
    """Measure from the end of `add` on one device to the prompt on the other."""
    with one.watching(), two.watching():
        times = sorted(_latency_of(one, two, number) for number in range(_LATENCY_RUNS))
    middle, p95 = statistics.median(times), times[len(times) * 95 // 100]
    figures = f"median {middle * 1000:.0f} ms, p95 {p95 * 1000:.0f} ms"
    return f"| `sync --watch`, from one device to the other | {figures} | p95 1 s |"


def _latency_of(one: Device, two: Device, number: int) -> float:
    name = f"watched/{number}"
    one.run("add", name, "A text.")
    start = time.perf_counter()
    while not _has(two, name):
        if time.perf_counter() - start > 30:
            raise RuntimeError("the edit does not arrive")
        time.sleep(0.005)
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
