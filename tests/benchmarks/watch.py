"""Print what discovering and watching cost: `python -m tests.benchmarks.watch`.

The home folder has 20 tools with 10,000 sessions. CPU time is that of the whole process
after it has started to watch.
"""

import json
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from promptvault.importers.locations.known import tool_locations
from promptvault.importers.locations.location import System, ToolLocation
from tests.benchmarks.measure import Command, cpu_seconds

_TOOLS, _PROJECTS, _SESSIONS = 20, 25, 20
_IDLE_SECONDS = 60
_TURNS = 10
_LARGE_MB = (1, 10, 100)


def _record(text: str, key: str) -> str:
    """Return a line of Claude Code's."""
    said = {"role": "user", "content": text}
    row = {"type": "user", "uuid": key, "parentUuid": None, "sessionId": f"s{key}"}
    made = {"timestamp": "2026-05-01T10:00:00.000Z", "isSidechain": False}
    return json.dumps({**row, **made, "message": said}) + "\n"


def _rank(place: ToolLocation, places: list[ToolLocation]) -> int:
    """Return how many of *places* come before *place* and have the same first word."""
    words = [re.split(r"[ (]", each.title)[0] for each in places]
    number = places.index(place)
    return words[:number].count(words[number])


def _write_home(home: Path) -> Path:
    """Write the home folder, and return a project of Claude Code in it."""
    found = tool_locations(System.LINUX, home, {})
    folders = [each for each in found if each.endings and not each.pattern]
    spread = sorted(folders, key=lambda each: _rank(each, folders))
    for number, tool in enumerate(spread[:_TOOLS]):
        for project in range(_PROJECTS):
            folder = tool.path / f"project{project}"
            folder.mkdir(parents=True)
            for session in range(_SESSIONS):
                key = f"{number}-{project}-{session}"
                file = folder / f"{session}{tool.endings[0]}"
                file.parent.mkdir(exist_ok=True)
                file.write_text(_record(f"Question {key}?", key))
    return home / ".claude" / "projects" / "project0"


class _Watch:
    """`import --discover --watch` as a process."""

    def __init__(self, *arguments: str) -> None:
        words = [sys.executable, "-m", "promptvault", "import", *arguments]
        self._process = subprocess.Popen(
            [*words, "--watch", "--json", "--take", "all"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self._process.stderr is not None
        while not (line := self._process.stderr.readline()).startswith("Watching"):
            assert line, "it ended"
        self.next()

    def next(self) -> None:
        """Wait for the next import."""
        assert self._process.stdout is not None
        self._process.stdout.readline()

    def cpu(self) -> float:
        """Return the seconds of CPU so far."""
        folder = Path(f"/proc/{self._process.pid}/task")
        files = (task / "schedstat" for task in folder.iterdir())
        return sum(int(file.read_text().split()[0]) for file in files) / 1e9

    def end(self) -> None:
        self._process.send_signal(signal.SIGTERM)
        self._process.communicate()


def _idle_and_latency(project: Path) -> None:
    watch = _Watch("--discover", "--yes")
    time.sleep(2)
    before = watch.cpu()
    time.sleep(_IDLE_SECONDS)
    print(f"| CPU of a minute without news | {watch.cpu() - before:.3f} s | 0.1 s |")
    waits = []
    for number in range(_TURNS):
        start = time.perf_counter()
        with (project / "0.jsonl").open("a") as file:
            file.write(_record(f"New question {number}?", f"n{number}"))
        watch.next()
        waits.append(time.perf_counter() - start)
        time.sleep(1)
    watch.end()
    print(f"| a new turn is imported after | {statistics.median(waits):.2f} s | 2 s |")
    print(f"| the longest of {_TURNS} | {max(waits):.2f} s | 2 s |")


def _large_file(folder: Path, size: int) -> None:
    """Add a turn to a session of *size* MB, with answers of 10 KB."""
    file = folder / f"{size}.jsonl"
    answer = _record("x" * 10_000, "a").replace('"user"', '"assistant"')
    with file.open("w") as out:
        for number in range(size * 100):
            out.write(answer if number % 10 else _record(f"Q {number}?", str(number)))
    watch = _Watch(str(file))
    before, start = watch.cpu(), time.perf_counter()
    with file.open("a") as out:
        out.write(_record("One more?", "more"))
    watch.next()
    took, cpu = time.perf_counter() - start, watch.cpu() - before
    watch.end()
    print(f"| a turn in a session of {size} MB | {took:.2f} s, CPU {cpu:.2f} s | 2 s |")


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        project = _write_home(folder / "home")
        os.environ |= {
            "HOME": str(folder / "home"),
            "PROMPTVAULT_HOME": str(folder / "vault"),
        }
        listing = [sys.executable, "-m", "promptvault", "import", "--discover"]
        seconds = [cpu_seconds(Command(listing), number) for number in range(6)][1:]
        print("| what | measured | goal |\n|---|---|---|")
        label = f"CPU of `import --discover` with {_TOOLS} tools and 10,000 files"
        print(f"| {label} | {statistics.median(seconds):.2f} s | 1 s |")
        _idle_and_latency(project)
        for size in _LARGE_MB:
            _large_file(folder, size)


if __name__ == "__main__":
    main()
