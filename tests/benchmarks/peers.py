"""Compare with other importers: `python -m tests.benchmarks.peers`.

All read the same made-up files, in turn, in one run; they are installed from the
package index, each into a virtual environment of its own.
"""

import argparse
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from tests.benchmarks.peer_codex import write_codex
from tests.benchmarks.peer_data import Truth, write_chatgpt, write_claude
from tests.benchmarks.peer_sessions import write_claude_code
from tests.benchmarks.peer_tools import (
    CHATGPT,
    CLAUDE,
    CLAUDE_CODE,
    CODEX,
    PROMPTVAULT,
    TOOLS,
    Tool,
)

_SLOW = 60.0
"""Seconds from which on a tool is run only once."""
_COLUMNS = (
    *("file", "tool", "stores into", "seconds", "ratio"),
    *("stored as typed", "prompts found", "recall", "precision", "note"),
)
_ERROR = re.compile(r"\b(?:\w*Error|Exception|ERROR)\b")


class Source(NamedTuple):
    """A file or folder to read, and what is in it."""

    kind: str
    label: str
    path: Path
    truth: Truth


class Failed(Exception):
    """A tool failed; says why in one line."""


def _sources(folder: Path, seed: int, megabytes: float) -> Iterator[Source]:
    """Write the files, each of about *megabytes*."""
    for label, damaged in (("", False), (", one chat damaged", True)):
        path = folder / f"chatgpt{damaged:d}" / "conversations.json"
        path.parent.mkdir()
        truth = write_chatgpt(path, seed, round(26.5 * megabytes), damaged)
        yield Source(CHATGPT, CHATGPT + label, path, truth)
    path = folder / "claude" / "conversations.json"
    path.parent.mkdir()
    truth = write_claude(path, seed, round(23.5 * megabytes))
    yield Source(CLAUDE, CLAUDE, path, truth)
    path = folder / "projects"
    truth = write_claude_code(path, seed, round(2.3 * megabytes))
    yield Source(CLAUDE_CODE, CLAUDE_CODE, path, truth)
    path = folder / "sessions"
    truth = write_codex(path, seed, round(3.1 * megabytes))
    yield Source(CODEX, CODEX, path, truth)


class Trial:
    """One tool on one source: its times, or why it fails."""

    def __init__(self, tool: Tool, source: Source, cache: Path, folder: Path) -> None:
        self.tool = tool
        self.seconds: list[float] = []
        self.failure = ""
        self._source = source
        self._cache = cache
        self._folder = folder
        self._out = folder / tool.package

    def run(self) -> None:
        """Run the tool once more, with an empty output folder."""
        if self.failure or (self.seconds and self.seconds[0] > _SLOW):
            return
        shutil.rmtree(self._out, ignore_errors=True)
        self._out.mkdir()
        os.sync()  # wait until the disk is idle
        try:
            self.seconds.append(self._timed())
        except Failed as failure:
            self.failure = str(failure)

    def _timed(self) -> float:
        command = self.tool.arguments(self._cache, self._source.path, self._out)
        own = dict.fromkeys(("HOME", "TMPDIR"), str(self._folder / "home"))
        variables = self.tool.variables(self._source.path, self._out)
        start = time.perf_counter()
        try:
            done = subprocess.run(
                command,
                cwd=self._out,
                env={**os.environ, **own, **variables},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
            )
        except OSError as error:
            raise Failed(str(error)) from error
        seconds = time.perf_counter() - start
        if done.returncode:
            raise Failed(_reason(done.stderr + done.stdout))
        return seconds

    def row(self, ours: list[float]) -> str:
        """Return the tool's row of the table; *ours* are PromptVault's times."""
        if self.failure:
            return self._cells("fails", "", "", "", "", "", self.failure)
        pairs = zip(self.seconds, ours, strict=False)
        ratios = [seconds / our for seconds, our in pairs]
        truth = self._source.truth
        wanted, other = _normal(truth.wanted), _normal(truth.other)
        stored = _normal(self.tool.prompts(self._out))
        found = len(stored & wanted)
        right = len(stored & (wanted | other))
        once = "one run" if len(self.seconds) < len(ours) else ""
        return self._cells(
            f"{statistics.median(self.seconds):.1f}",
            f"{statistics.median(ratios):.1f}" if ratios else "",
            f"{len(stored):,}",
            f"{found:,} of {len(wanted):,}",
            f"{found / len(wanted):.1%}",
            f"{right / len(stored):.1%}" if stored else "",
            "; ".join(filter(None, (self.tool.note, once))),
        )

    def _cells(self, *cells: str) -> str:
        title = self.tool.title(self._cache)
        every = (self._source.label, title, self.tool.stores, *cells)
        return f"| {' | '.join(cell.replace('|', '/') for cell in every)} |"


def _normal(texts: Iterable[str]) -> set[str]:
    """Return the distinct texts, ignoring blanks; empty ones are left out."""
    return {" ".join(text.split()) for text in texts} - {""}


def _reason(output: str) -> str:
    """Return the line of a tool's output that names the error, else the first one."""
    lines = [line.strip(" │╭╮╰╯─") for line in output.splitlines()]
    lines = [line for line in lines if line]
    named = [line for line in lines if _ERROR.search(line) and ": " in line]
    return " ".join([*named, *lines, "no message"][0].split())[:120]


class Bench:
    """The installed tools, and their output folder."""

    def __init__(self, folder: Path, cache: Path, runs: int) -> None:
        self._folder = folder
        self._cache = cache
        self._runs = runs
        self._failures: dict[Tool, str] = {}
        (folder / "home").mkdir()
        cache.mkdir(parents=True, exist_ok=True)

    def install(self, python: str) -> None:
        """Install each tool for the interpreter *python*, unless it is there."""
        for tool in TOOLS:
            _tell(f"installing {tool.package}")
            try:
                tool.install(self._cache, python)
            except subprocess.CalledProcessError as error:
                self._failures[tool] = f"does not install: {_reason(error.stderr)}"

    def rows(self, source: Source) -> Iterator[str]:
        """Run all tools for *source* in turn, and yield their rows."""
        trials = [
            Trial(tool, source, self._cache, self._folder)
            for tool in TOOLS
            if source.kind in tool.kinds
        ]
        for trial in trials:
            trial.failure = self._failures.get(trial.tool, "")
        for number in range(self._runs):
            for trial in trials:
                _tell(f"{source.label}, {trial.tool.package}, run {number + 1}")
                trial.run()
        ours = next(trial.seconds for trial in trials if trial.tool is PROMPTVAULT)
        for trial in trials:
            yield trial.row(ours)


def _tell(progress: str) -> None:
    print(progress, file=sys.stderr)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--megabytes", type=float, default=20, help="of each file")
    parser.add_argument("--cache", type=Path, help="where the others are installed")
    parser.add_argument(
        "--python", default=sys.executable, help="what the others run on; 3.12 or newer"
    )
    return parser.parse_args()


def main() -> None:
    """Install, measure, and print the table."""
    options = _arguments()
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        cache = (options.cache or folder / "cache").absolute()
        bench = Bench(folder, cache, options.runs)
        bench.install(options.python)
        print(f"| {' | '.join(_COLUMNS)} |\n{'|---' * len(_COLUMNS)}|")
        for source in _sources(folder, options.seed, options.megabytes):
            for row in bench.rows(source):
                print(row, flush=True)


if __name__ == "__main__":
    main()
