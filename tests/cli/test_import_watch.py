"""`import --watch` as a process: what it prints, and how it ends."""

import json
import queue
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Process, Pvt
from tests.importers.claude_code_build import said

_DEADLINE = 60


class Watched:
    """`import --watch --json` as a process, and its output."""

    def __init__(self, *arguments: str) -> None:
        command = Process().command("import", *arguments, "--watch", "--json")
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self._lines: queue.Queue[str] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line)

    def next(self) -> Any:
        """Return the next report."""
        return json.loads(self._lines.get(timeout=_DEADLINE))

    def end(self, number: signal.Signals) -> tuple[int, str]:
        """Send a signal, and return the exit code and what was printed to stderr."""
        self.process.send_signal(number)
        _, said = self.process.communicate(timeout=_DEADLINE)
        return self.process.returncode, said


@pytest.fixture
def watch(home: Path) -> Iterator[Callable[..., Watched]]:
    """Return a function that starts a watch; it is ended with the test."""
    running: list[Watched] = []

    def start(*arguments: str) -> Watched:
        running.append(Watched(*arguments))
        return running[-1]

    yield start
    for each in running:
        each.process.kill()
        each.process.communicate()


@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGINT, 130), (signal.SIGTERM, -signal.SIGTERM)],
)
def test_turns_come_in_until_a_signal_ends_it(
    watch: Callable[..., Watched],
    tmp_path: Path,
    pvt: Pvt,
    number: signal.Signals,
    code: int,
) -> None:
    session = tmp_path / "session.jsonl"
    session.write_text(json.dumps(said("u1", None, "One?")) + "\n")
    watched = watch(str(session), "--take", "all", "--folder", "mine", "--tag", "live")
    assert watched.next()["added"] == 1
    with session.open("a") as file:
        file.write(json.dumps(said("u2", "u1", "Two?")) + "\n")
    report = watched.next()
    assert (report["id"], report["added"], report["duplicates"]) == (2, 1, 1)
    assert watched.end(number) == (code, "Watching for changes; Ctrl-C ends it.\n")
    rows = pvt.ok("list", "--json").json
    assert [(row["folder"].split("/")[0], row["tags"]) for row in rows] == [
        ("mine", ["live"])
    ] * 2
    assert pvt("doctor").code == 0


def test_a_tool_that_is_installed_later(
    watch: Callable[..., Watched], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    watched = watch("--discover", "--yes")
    assert watched.process.stderr is not None
    assert watched.process.stderr.readline().startswith("Watching")
    session = tmp_path / ".claude" / "projects" / "-work" / "session.jsonl"
    session.parent.mkdir(parents=True)
    session.write_text(json.dumps(said("u1", None, "One?")) + "\n")
    assert watched.next()["added"] == 1


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("-",), 2),
        (("https://example.org/s/1",), 2),
        ((".", "--dry-run"), 2),
        (("nowhere",), 3),
    ],
)
def test_what_cannot_be_watched_is_refused(
    pvt: Pvt, arguments: tuple[str, ...], code: int
) -> None:
    assert pvt("import", "--watch", *arguments).code == code
