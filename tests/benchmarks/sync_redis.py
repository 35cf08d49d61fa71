"""Print how many more pushes of 1 KB a server answers with Redis than without:
`python -m tests.benchmarks.sync_redis [--seconds N] [--rounds N]`.
"""

import argparse
import contextlib
import os
import statistics
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from promptvault.server.postgres import embedded
from tests.benchmarks.sync_load import Target
from tests.benchmarks.sync_server import VAULTS, make_targets, ours, push_for
from tests.server.redis_server import running_redis

_TICKS = os.sysconf("SC_CLK_TCK")


class _Load(NamedTuple):
    per_second: float
    cpu: float
    """Seconds of the server, PostgreSQL and Redis for a push."""


def main() -> None:
    """Measure both in turn, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=2.0, help="of each load")
    parser.add_argument("--rounds", type=int, default=20, help="each of both in turn")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        # The processes of PostgreSQL, Redis and the servers work in the folder, so
        # that they can be found.
        folder = Path(name).resolve()
        stack.enter_context(contextlib.chdir(folder))
        address = stack.enter_context(embedded.owned(folder))
        redis = stack.enter_context(running_redis(folder))
        targets = make_targets(address, VAULTS)
        url = {"PROMPTVAULT_SERVER_REDIS_URL": redis.url.get_secret_value()}
        servers = [stack.enter_context(ours(address, each)) for each in (url, {})]
        rounds: list[list[_Load]] = []
        for number in range(options.rounds + 1):  # the first one is the warm-up
            loads: dict[str, _Load] = {}
            for server in servers if number % 2 else reversed(servers):
                load, targets = _push(server, targets, options.seconds, folder)
                loads[server] = load
            rounds.append([loads[server] for server in servers])
    print("| what | with Redis / without | ratio | target |\n|---|---|---|---|")
    print(*_rows(rounds[1:]), sep="\n")


def _push(
    url: str, targets: list[Target], seconds: float, folder: Path
) -> tuple[_Load, list[Target]]:
    before = _cpu_seconds(folder)
    load, targets = push_for(url, targets, seconds)
    cpu = _cpu_seconds(folder) - before
    return _Load(load.per_second, cpu / (load.per_second * seconds)), targets


def _cpu_seconds(folder: Path) -> float:
    """Return what all other processes that work in *folder* have used."""
    return sum(
        _used(process)
        for process in Path("/proc").glob("[0-9]*")
        if int(process.name) != os.getpid() and _works_in(process, folder)
    )


def _works_in(process: Path, folder: Path) -> bool:
    try:
        return (process / "cwd").readlink().is_relative_to(folder)
    except OSError:
        return False


def _used(process: Path) -> float:
    try:
        fields = (process / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _rows(rounds: list[list[_Load]]) -> Iterator[str]:
    having, lacking = (
        _Load(*(statistics.median(column) for column in zip(*loads, strict=True)))
        for loads in zip(*rounds, strict=True)
    )
    ratio = statistics.median(one.per_second / two.per_second for one, two in rounds)
    rates = f"{having.per_second:,.0f} / {lacking.per_second:,.0f}"
    yield f"| pushes of 1 KB a second | {rates} | {ratio:.2f} | >= 1.15 |"
    ratio = statistics.median(one.cpu / two.cpu for one, two in rounds)
    times = f"{having.cpu * 1000:.2f} / {lacking.cpu * 1000:.2f} ms"
    yield f"| CPU time of a push, all processes | {times} | {ratio:.2f} | |"


if __name__ == "__main__":
    main()
