"""Print what `run` takes beyond its endpoint: `python -m tests.benchmarks.models`."""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks.measure import Command, run
from tests.model_server import MODEL, ModelServer, Text

_IMPORT = Command([sys.executable, "-c", "import openai"])
_BARE = """import openai
chat = openai.OpenAI().chat.completions
messages = [{"role": "user", "content": "Say hello."}]
for chunk in chat.create(model="test-model", messages=messages, stream=True):
    print(end=chunk.choices[0].delta.content or "" if chunk.choices else "", flush=True)
"""
_PIECES = 20
_PAUSE = 0.02
"""Seconds between pieces."""


class _Stamped(list[str]):
    """Pieces of an answer, and when the server took each one to send it."""

    def __init__(self, pieces: list[str]) -> None:
        super().__init__(pieces)
        self.times: list[float] = []

    def __iter__(self) -> Iterator[str]:
        for piece in super().__iter__():
            self.times.append(time.monotonic())
            yield piece


class Bench:
    """A vault with a prompt, and a server that answers at once."""

    def __init__(self, folder: Path, server: ModelServer, runs: int) -> None:
        self._server = server
        self._runs = runs
        self._program = str(Path(sys.executable).with_name("promptvault"))
        self._environment = {
            "PROMPTVAULT_HOME": str(folder / "models"),
            "OPENAI_BASE_URL": server.url,
            "OPENAI_API_KEY": "key-of-the-benchmark",
            "PROMPTVAULT_AI_MODEL": MODEL,
        }
        run(self._command("add", "hello", "Say hello."), 0)

    def _command(self, *arguments: str) -> Command:
        return Command([self._program, *arguments], self._environment)

    def rows(self) -> Iterator[str]:
        """Measure everything."""
        anew = self._command("run", "hello", "--no-cache")
        yield self._beyond("`run` beyond `import openai`", anew, "150 ms")
        bare = Command([sys.executable, "-c", _BARE], self._environment)
        yield self._beyond("a script with the client alone, beyond that", bare, "")
        yield self._delay(anew)

    def _beyond(self, label: str, command: Command, target: str) -> str:
        """Return the row of what *command* takes more than the import alone."""
        self._pair(command, 0)
        pairs = [self._pair(command, number) for number in range(1, self._runs + 1)]
        seconds = statistics.median(seconds for seconds, _ in pairs)
        base = statistics.median(base for _, base in pairs)
        more = statistics.median(seconds - base for seconds, base in pairs)
        both = f"{seconds * 1000:.0f} / {base * 1000:.0f} ms"
        return f"| {label} | {both} | {more * 1000:.0f} ms | {target} |"

    def _pair(self, command: Command, number: int) -> tuple[float, float]:
        """Time *command* and the import, each of them first every other time."""
        if number % 2:
            return run(command, number), run(_IMPORT, number)
        base = run(_IMPORT, number)
        return run(command, number), base

    def _delay(self, command: Command) -> str:
        """Return the row for the time that pieces take from the server to stdout."""
        delays = [self._delays(command) for _ in range(self._runs)]
        first = statistics.median(each[0] for each in delays)
        longest = max(map(max, delays))
        both = f"{first * 1000:.1f} ms, the slowest of all {longest * 1000:.1f} ms"
        return f"| first piece from the server to stdout | {both} | | 20 ms |"

    def _delays(self, command: Command) -> list[float]:
        pieces = _Stamped([f"piece {number}\n" for number in range(_PIECES)])
        self._server.script(Text("", pieces=pieces, pause=_PAUSE))
        with subprocess.Popen(
            command.arguments,
            env={**os.environ, **command.environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
        ) as process:
            assert process.stdout
            arrived = [time.monotonic() for _ in process.stdout]
        return [there - sent for there, sent in zip(arrived, pieces.times, strict=True)]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=10)
    runs = parser.parse_args().runs
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    print("| what | medians | difference | target |\n|---|---|---|---|")
    server = ModelServer()
    server.start()
    try:
        with tempfile.TemporaryDirectory() as folder:
            for row in Bench(Path(folder), server, runs).rows():
                print(row, flush=True)
    finally:
        server.stop()


if __name__ == "__main__":
    main()
