"""Print what the server's model adds to asking its upstream, and its throughput against
a bare proxy on the same machine: `python -m tests.benchmarks.hosted [--seconds N]`."""

import argparse
import asyncio
import itertools
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from pydantic import SecretStr

from promptvault.domain.tier import Tier
from promptvault.server.admin import Admin
from promptvault.server.postgres import embedded
from promptvault.server.settings import Settings
from tests.benchmarks.sync_server import SECRET, ours, started

READERS = 8
"""As many as one worker answers at the same time."""
ACCOUNTS = 60
"""Each may send 30 requests a minute."""
_ASKED = 40
_PATH = "/chat/completions"
_BODY = json.dumps(
    {
        "model": "any",
        "messages": [{"role": "user", "content": "Improve this prompt. " * 50}],
        "max_tokens": 500,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
).encode()


class Taken(NamedTuple):
    """How long an answer took, in seconds."""

    first: float
    """Until the first byte of the stream."""
    whole: float


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=8.0, help="of each load")
    parser.add_argument("--rounds", type=int, default=3, help="each of all in turn")
    options = parser.parse_args()
    program = [sys.executable, "-m", "tests.benchmarks.hosted_bare"]
    with (
        tempfile.TemporaryDirectory() as name,
        embedded.owned(Path(name)) as address,
        started([*program, "model"], {}) as model,
        started([*program, f"{model}/v1"], {}) as bare,
        ours(address, _settings(model)) as url,
    ):
        tokens = itertools.cycle(_tokens(address))
        direct, own, proxy = f"{model}/v1", f"{url}/v1/ai", f"{bare}/v1"
        firsts, rates = [], []
        for _ in range(options.rounds + 1):  # the first one is the warm-up
            firsts.append([_first(each, tokens) for each in (direct, own)])
            rates.append(
                [
                    asyncio.run(_load(each, tokens, options.seconds))
                    for each in (proxy, own)
                ]
            )
    print("| what | | ratio or difference | target |\n|---|---|---|---|")
    print(*_rows(firsts[1:], rates[1:]), sep="\n")


def _rows(firsts: list[list[float]], rates: list[list[float]]) -> Iterator[str]:
    direct, own = (
        statistics.median(column) * 1000 for column in zip(*firsts, strict=True)
    )
    more = statistics.median(two - one for one, two in firsts) * 1000
    yield (
        f"| first byte, ours / directly | {own:.1f} / {direct:.1f} ms | +{more:.1f} ms"
        " | <= 15 ms |"
    )
    bare, ours_ = (statistics.median(column) for column in zip(*rates, strict=True))
    ratio = statistics.median(two / one for one, two in rates)
    yield (
        f"| streams a second, ours / a bare proxy | {ours_:.1f} / {bare:.1f} |"
        f" {ratio:.2f} | >= 0.6 |"
    )


def _settings(model: str) -> dict[str, str]:
    settings = {
        "AI_BASE_URL": f"{model}/v1",
        "AI_API_KEY": "none",
        "AI_MODEL": "benchmark",
        "AI_CAP_INSTANCE": "1000",
        "AI_PRICE_INPUT": "0.1",
        "AI_PRICE_OUTPUT": "0.4",
    }
    return {f"PROMPTVAULT_SERVER_{name}": value for name, value in settings.items()}


def _tokens(address: str) -> list[str]:
    """Return a token of each account, all of which are on Pro."""
    admin = Admin(Settings(database_url=SecretStr(address), secret=SecretStr(SECRET)))
    emails = [f"user{number}@example.org" for number in range(ACCOUNTS)]
    for email in emails:
        admin.add_user(email, Tier.PRO)
    return [admin.issue_token(email, "benchmark") for email in emails]


def _first(url: str, tokens: Iterator[str]) -> float:
    """Return the median time to the first byte, of one request after the other."""

    async def ask() -> list[float]:
        return [(await _ask(url, next(tokens))).first for _ in range(_ASKED)]

    return statistics.median(asyncio.run(ask()))


async def _load(url: str, tokens: Iterator[str], seconds: float) -> float:
    """Return the streams that are read in a second."""
    end, count = time.perf_counter() + seconds, 0

    async def read() -> None:
        nonlocal count
        while time.perf_counter() < end:
            await _ask(url, next(tokens))
            count += 1

    await asyncio.gather(*(read() for _ in range(READERS)))
    return count / seconds


async def _ask(url: str, token: str) -> Taken:
    """Send a request on a new connection, and read the stream to its end."""
    parts = urlsplit(url)
    start = time.perf_counter()
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    head = (
        f"POST {parts.path}{_PATH} HTTP/1.1\r\nHost: benchmark\r\n"
        f"Authorization: Bearer {token}\r\nContent-Type: application/json\r\n"
        f"PV-Task: optimize\r\nContent-Length: {len(_BODY)}\r\n\r\n"
    )
    writer.write(head.encode() + _BODY)
    await reader.readuntil(b"data: ")
    first = time.perf_counter() - start
    await reader.readuntil(b"[DONE]")
    writer.close()
    return Taken(first, time.perf_counter() - start)


if __name__ == "__main__":
    main()
