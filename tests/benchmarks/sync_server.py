"""Print the server's requests per second, against a bare endpoint on the same machine:
`python -m tests.benchmarks.sync_server [--seconds N]`.
"""

import argparse
import asyncio
import contextlib
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple
from uuid import uuid4

import psycopg
import zstandard
from pydantic import SecretStr

from promptvault.domain.tier import Tier
from promptvault.server.admin import Admin
from promptvault.server.postgres import embedded
from promptvault.server.settings import Settings
from tests.benchmarks.sync_load import Connection, Target

VAULTS = 64
BULK = 500
SECRET = "s" * 40


class Load(NamedTuple):
    """What a server has done under load."""

    per_second: float
    p99: float
    """Seconds."""


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=8.0, help="of each load")
    parser.add_argument("--rounds", type=int, default=3, help="each of both in turn")
    options = parser.parse_args()
    print("| what | ours / bare | ratio | target |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory() as name, embedded.owned(Path(name)) as address:
        targets = make_targets(address, VAULTS)
        with ours(address) as url, _bare(address) as bare:
            rounds = []
            for _ in range(options.rounds + 1):  # the first one is the warm-up
                base, targets = push_for(bare, targets, options.seconds)
                load, targets = push_for(url, targets, options.seconds)
                rounds.append((load, base))
            print(*_throughput(rounds[1:]), sep="\n")
            print(*asyncio.run(_bulk(url, targets[0])), sep="\n")


def _throughput(rounds: list[tuple[Load, Load]]) -> Iterator[str]:
    """Return the rows of the table, of medians over all rounds."""
    own, bare = (
        Load(*(statistics.median(column) for column in zip(*loads, strict=True)))
        for loads in zip(*rounds, strict=True)
    )
    ratio = statistics.median(one.per_second / two.per_second for one, two in rounds)
    rates = f"{own.per_second:,.0f} / {bare.per_second:,.0f}"
    yield f"| pushes of 1 KB a second | {rates} | {ratio:.2f} | >= 0.6 |"
    ratio = statistics.median(one.p99 / two.p99 for one, two in rounds)
    times = f"{own.p99 * 1000:.0f} / {bare.p99 * 1000:.0f} ms"
    yield f"| their p99 | {times} | {ratio:.2f} | <= 3 |"


async def _bulk(url: str, target: Target) -> list[str]:
    """Return rows for a push, and for a page, of many prompts."""
    connection = await Connection.open(url)
    pushing, reading = [], []
    for _ in range(12):
        seconds, body = await connection.ask(target.request(BULK))
        pushing.append(seconds)
        assert _text(body).count(b'"r":"ok"') == BULK
        target = target._replace(seq=target.seq + BULK)
    for _ in range(12):
        seconds, body = await connection.ask(target.pull())
        reading.append(seconds)
    changes = _text(body).count(b'"t":"item"')
    connection.close()
    push, page = statistics.median(pushing), statistics.median(reading)
    return [
        f"| a push of {BULK} prompts | {push * 1000:.0f} ms | | <= 150 ms |",
        f"| a page of {changes} prompts | {page * 1000:.0f} ms | | <= 50 ms for 500 |",
    ]


def _text(body: bytes) -> bytes:
    return zstandard.decompress(body) if body[:4] == zstandard.FRAME_HEADER else body


def make_targets(address: str, count: int) -> list[Target]:
    """Create users with a vault each, and return what their devices must know."""
    admin = Admin(Settings(database_url=SecretStr(address), secret=SecretStr(SECRET)))
    targets = []
    for number in range(count):
        email = f"user{number}@example.org"
        admin.add_user(email, Tier.PRO)
        token = admin.issue_token(email, "benchmark")
        with psycopg.connect(address) as connection:
            row = connection.execute(
                "SELECT v.id, v.epoch FROM vaults v JOIN users u USING (account_id)"
                " WHERE u.email = %s",
                (email,),
            ).fetchone()
        assert row is not None
        targets.append(Target(token, str(row[0]), str(row[1]), str(uuid4())))
    return targets


@contextlib.contextmanager
def ours(address: str, more: Mapping[str, str] = MappingProxyType({})) -> Iterator[str]:
    """Run the server on a database while the block runs; yield its address.

    *more* are other settings.
    """
    environment = {
        **more,
        "PROMPTVAULT_SERVER_SECRET": SECRET,
        "PROMPTVAULT_SERVER_REQUEST_BURST": "1000000",
        "PROMPTVAULT_SERVER_ACCOUNT_BURST": "1000000",
        "PROMPTVAULT_SERVER_TRUSTED_PROXIES": "1",
    }
    command = [sys.executable, "-m", "promptvault", "serve", "--json", "--port", "0"]
    with started([*command, "--database-url", address], environment) as url:
        yield url


@contextlib.contextmanager
def _bare(address: str) -> Iterator[str]:
    command = [sys.executable, "-m", "tests.benchmarks.sync_bare", address]
    with started(command, {}) as url:
        yield url


@contextlib.contextmanager
def started(command: list[str], environment: dict[str, str]) -> Iterator[str]:
    """Run a server while the block runs; yield its address, which it prints."""
    process = subprocess.Popen(
        command,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    try:
        yield json.loads(process.stdout.readline())["url"]
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def push_for(
    url: str, targets: list[Target], seconds: float
) -> tuple[Load, list[Target]]:
    """Run a process that pushes for *seconds*; also return the vaults' cursors."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.sync_load", url, str(seconds)],
        input=json.dumps(targets),
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    answer = json.loads(done.stdout)
    times = sorted(answer["times"])
    load = Load(len(times) / seconds, times[len(times) * 99 // 100])
    moved = zip(targets, answer["seqs"], strict=True)
    return load, [target._replace(seq=seq) for target, seq in moved]


if __name__ == "__main__":
    main()
