"""Times whole processes in pairs, so that load on the machine affects both."""

import os
import resource
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple


class Ratio(NamedTuple):
    """Medians of a command and of the command that it is compared with."""

    seconds: float
    base_seconds: float
    ratio: float
    """Median of the ratios, pair by pair."""


class Command(NamedTuple):
    """A process to be measured; `{n}` in an argument becomes the number of the run."""

    arguments: Sequence[str]
    environment: Mapping[str, str] = {}


def run(command: Command, number: int) -> float:
    """Return the seconds that one run of *command* takes; raises if it fails."""
    arguments = [part.replace("{n}", str(number)) for part in command.arguments]
    start = time.perf_counter()
    process = subprocess.Popen(
        arguments,
        env={**os.environ, **command.environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    _, errors = process.communicate()
    seconds = time.perf_counter() - start
    if process.returncode:
        raise RuntimeError(f"{arguments} failed: {errors.decode()[-500:]}")
    return seconds


def cpu_seconds(command: Command, number: int) -> float:
    """Return the CPU time of one run, which other processes hardly change."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    run(command, number)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def peak_mb(command: Command) -> float:
    """Return the peak memory of one run of *command*, in MB."""
    pid = os.posix_spawnp(
        command.arguments[0],
        list(command.arguments),
        {**os.environ, **command.environment},
        file_actions=[
            (os.POSIX_SPAWN_OPEN, stream, os.devnull, os.O_WRONLY, 0)
            for stream in (1, 2)
        ],
    )
    _, status, usage = os.wait4(pid, 0)
    if status:
        raise RuntimeError(f"{command.arguments} failed")
    return usage.ru_maxrss / 1024


def compare(
    command: Command,
    base: Command,
    runs: int,
    time_of: Callable[[Command, int], float] = run,
) -> Ratio:
    """Run both in turn, *runs* times after one warm-up, and return the medians."""
    run(command, 0)
    run(base, 0)
    pairs = [(time_of(command, n), time_of(base, n)) for n in range(1, runs + 1)]
    return Ratio(
        statistics.median(seconds for seconds, _ in pairs),
        statistics.median(base for _, base in pairs),
        statistics.median(seconds / base for seconds, base in pairs),
    )
