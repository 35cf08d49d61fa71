"""Print how often the page of a share is answered in a second, against a bare endpoint
on the same machine: `python -m tests.benchmarks.share_page [--seconds N]`."""

import argparse
import asyncio
import random
import statistics
import sys
import tempfile
import time
from ipaddress import IPv4Address
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
from pydantic import SecretStr

from promptvault.domain.tier import Tier
from promptvault.server.admin import Admin
from promptvault.server.limit import rule
from promptvault.server.postgres import embedded
from promptvault.server.settings import Settings
from tests.benchmarks.sync_load import Connection
from tests.benchmarks.sync_server import SECRET, Load, ours, started
from tests.server.sync.conftest import new

READERS = 16
_TEXT = "Review the {{ language }} code for {{ focus }}. " * 20
"""About 1 KB."""
_REQUEST = (
    "GET {} HTTP/1.1\r\nHost: benchmark\r\nX-Forwarded-For: {}\r\n"
    "Accept-Encoding: gzip, deflate, br, zstd\r\n\r\n"
)
_FILES = ("/pages/style.css", "/pages/share.css")


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=8.0, help="of each load")
    parser.add_argument("--rounds", type=int, default=3, help="each of both in turn")
    options = parser.parse_args()
    print("| what | ours / bare | ratio | target |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory() as name, embedded.owned(Path(name)) as address:
        command = [sys.executable, "-m", "tests.benchmarks.share_bare", address]
        with ours(address) as url, started(command, {}) as bare:
            path = _share(address, url)
            rounds = []
            for _ in range(options.rounds + 1):  # the first one is the warm-up
                base = asyncio.run(_load(bare, path, options.seconds))
                rounds.append((asyncio.run(_load(url, path, options.seconds)), base))
            size = asyncio.run(_size(url, path))
    print(*_rows(rounds[1:]), sep="\n")
    print(f"| the page and its style sheets, as sent | {size:.1f} KB | | <= 14 KB |")


def _rows(rounds: list[tuple[Load, Load]]) -> list[str]:
    own, bare = (
        Load(*(statistics.median(column) for column in zip(*loads, strict=True)))
        for loads in zip(*rounds, strict=True)
    )
    ratio = statistics.median(one.per_second / two.per_second for one, two in rounds)
    slower = statistics.median(one.p99 / two.p99 for one, two in rounds)
    rates = f"{own.per_second:,.0f} / {bare.per_second:,.0f}"
    times = f"{own.p99 * 1000:.0f} / {bare.p99 * 1000:.0f} ms"
    return [
        f"| pages of an open share a second | {rates} | {ratio:.2f} | >= 0.6 |",
        f"| their p99 | {times} | {slower:.2f} | <= 3 |",
    ]


async def _size(url: str, path: str) -> float:
    """Return the kilobytes of the page and of what styles it."""
    connection = await Connection.open(url)
    paths = (path, *_FILES)
    bodies = [
        (await connection.ask(_REQUEST.format(each, "10.99.0.1").encode()))[1]
        for each in paths
    ]
    connection.close()
    return sum(map(len, bodies)) / 1000


def _share(address: str, url: str) -> str:
    """Share a prompt, and return the path of its page."""
    admin = Admin(Settings(database_url=SecretStr(address), secret=SecretStr(SECRET)))
    admin.add_user("user@example.org", Tier.PRO)
    token = admin.issue_token("user@example.org", "benchmark")
    push = new(_TEXT)
    push["versions"][0]["template"] = True
    with httpx.Client(
        base_url=url, headers={"Authorization": f"Bearer {token}"}
    ) as client:
        vault = client.get("/v1/me").json()["vaults"][0]["id"]
        body = {
            "proto": 1,
            "device": str(uuid4()),
            "vaults": [{"id": vault, "push": [push]}],
        }
        client.post("/v1/sync", json=body).raise_for_status()
        wish = {"vault": vault, "item": push["item"], "mode": "current"}
        made = client.post("/v1/shares", json=wish).raise_for_status().json()
    return urlsplit(str(made["url"])).path


async def _load(url: str, path: str, seconds: float) -> Load:
    """Load the page for *seconds*, from many networks."""
    end, times = time.perf_counter() + seconds, list[float]()

    async def read() -> None:
        connection, count = await Connection.open(url), 0
        first = random.randrange(1 << 24)
        while time.perf_counter() < end:
            # Behind a proxy, so that no rate limit of a network applies.
            network = (first + count // rule.SHARE_READS.burst) % (1 << 24)
            address = IPv4Address((10 << 24) + network)
            taken, _ = await connection.ask(_REQUEST.format(path, address).encode())
            times.append(taken)
            count += 1
        connection.close()

    await asyncio.gather(*(read() for _ in range(READERS)))
    times.sort()
    return Load(len(times) / seconds, times[len(times) * 99 // 100])


if __name__ == "__main__":
    main()
