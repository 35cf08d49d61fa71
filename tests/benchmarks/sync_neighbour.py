"""Print what many busy devices of one account cost the requests of another account:
`python -m tests.benchmarks.sync_neighbour [--devices N] [--seconds N] [--rounds N]`.
"""

import argparse
import asyncio
import contextlib
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

from pydantic import SecretStr

from promptvault.server.admin import Admin
from promptvault.server.postgres import embedded
from promptvault.server.settings import Settings
from tests.benchmarks.sync_load import Target
from tests.benchmarks.sync_neighbour_load import push
from tests.benchmarks.sync_server import SECRET, make_targets, ours

DEVICES = 24
_PAUSE_SECONDS = 0.02


class Round(NamedTuple):
    """The p99 of a neighbour's pushes, in seconds."""

    quiet: float
    beside: float
    """While the devices of the other account push."""


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--devices", type=int, default=DEVICES)
    parser.add_argument("--seconds", type=float, default=8.0, help="of each load")
    parser.add_argument("--rounds", type=int, default=5, help="quiet and busy in turn")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, embedded.owned(Path(name)) as address:
        neighbour, one = make_targets(address, 2)
        devices = _devices(address, one, options.devices)
        with ours(address) as url:
            rounds = []
            for _ in range(options.rounds + 1):  # the first one is the warm-up
                quiet, neighbour = _ask(url, neighbour, options.seconds)
                with _busy(url, devices):
                    beside, neighbour = _ask(url, neighbour, options.seconds)
                rounds.append(Round(quiet, beside))
    print(_row(rounds[1:], options.devices))


def _row(rounds: list[Round], devices: int) -> str:
    quiet = statistics.median(each.quiet for each in rounds)
    beside = statistics.median(each.beside for each in rounds)
    ratio = statistics.median(each.beside / each.quiet for each in rounds)
    times = f"{beside * 1000:.0f} / {quiet * 1000:.0f} ms"
    return f"| p99 beside {devices} devices / alone | {times} | {ratio:.2f} | < 3 |"


def _devices(address: str, target: Target, count: int) -> list[Target]:
    """Return devices of the user of *target*, each with a token of its own."""
    admin = Admin(Settings(database_url=SecretStr(address), secret=SecretStr(SECRET)))
    return [
        target._replace(
            token=admin.issue_token("user1@example.org", f"device {number}"),
            device=str(uuid4()),
        )
        for number in range(count)
    ]


def _ask(url: str, target: Target, seconds: float) -> tuple[float, Target]:
    """Push at a constant rate for *seconds*; return the p99 and the vault's cursor."""
    times, target = asyncio.run(push(url, target, seconds, _PAUSE_SECONDS))
    return sorted(times)[len(times) * 99 // 100], target


@contextlib.contextmanager
def _busy(url: str, devices: list[Target]) -> Iterator[None]:
    """Run a process that pushes as all *devices* do, while the block runs."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.benchmarks.sync_neighbour_load", url],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(json.dumps(devices) + "\n")
    process.stdin.flush()
    process.stdout.readline()  # it has started
    try:
        yield
    finally:
        process.terminate()
        process.wait()


if __name__ == "__main__":
    main()
