"""Print the table of figures: `python -m tests.benchmarks [--runs N] [--large]`."""

import argparse
import os
import shlex
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks import data
from tests.benchmarks.measure import Command, compare, peak_mb, run

_HELLO = """import typer
app = typer.Typer()

@app.command()
def hello(name: str = "world") -> None:
    print("hello", name)

app()
"""
_COMPLETION = {
    "_PROMPTVAULT_COMPLETE": "complete_bash",
    "COMP_WORDS": "promptvault get folder1/pro",
    "COMP_CWORD": "2",
}


class Bench:
    """The vaults to measure on, and the rows of the table."""

    def __init__(self, folder: Path, runs: int) -> None:
        self._folder = folder
        self._runs = runs
        self._program = shutil.which("promptvault") or "promptvault"
        self._hello = folder / "hello.py"
        self._hello.write_text(_HELLO)

    def pvt(self, vault: str, *arguments: str, **environment: str) -> Command:
        """Return a command on one of the vaults."""
        home = {"PROMPTVAULT_HOME": str(self._folder / vault)}
        return Command([self._program, *arguments], {**home, **environment})

    def fill(self, count: int) -> str:
        """Make a vault of *count* prompts and return its name."""
        rows = self._folder / f"{count}.jsonl"
        data.write_rows(rows, count)
        run(self.pvt(str(count), "import", str(rows)), 0)
        os.sync()  # the disk is to be done with it before anything is measured
        return str(count)

    def against(self, label: str, command: Command, base: Command, target: str) -> str:
        """Measure a command against another and return its row."""
        result = compare(command, base, self._runs)
        times = f"{result.seconds * 1000:.0f} / {result.base_seconds * 1000:.0f} ms"
        return f"| {label} | {times} | {result.ratio:.2f} | {target} |"

    def rows(self) -> Iterator[str]:
        """Measure everything."""
        small, large = self.fill(100), self.fill(100_000)
        hello = Command([sys.executable, str(self._hello)])
        get = ("get", "folder17/prompt17")
        yield self.against(
            "`get NAME` / Typer hello-world", self.pvt(small, *get), hello, "1.3"
        )
        for label, command in self._readers(small):
            yield self.against(f"{label} / the same", command, hello, "1.5")
        for words in (get, ("search", "needle"), ("search", "common")):
            label = f"`{' '.join(words)}` at 100,000 / at 100 prompts"
            both = self.pvt(large, *words), self.pvt(small, *words)
            yield self.against(label, *both, "1.2")
        sqlmodel = Command([sys.executable, "-c", "import sqlmodel"])
        for vault in (small, large):
            command = self.pvt(vault, "add", "new/prompt{n}", "text {n}")
            label = f"`add` at {int(vault):,} / `import sqlmodel`"
            yield self.against(label, command, sqlmodel, "1.6")

    def _readers(self, vault: str) -> Iterator[tuple[str, Command]]:
        yield "`list --plain`", self.pvt(vault, "list", "--plain")
        yield "`search` piped", self.pvt(vault, "search", "needle")
        yield "tab completion", self.pvt(vault, **_COMPLETION)

    def imports(self, conversations: int, label: str) -> Iterator[str]:
        """Measure the import of a large export."""
        export = self._folder / "conversations.json"
        data.write_export(export, conversations)
        size = export.stat().st_size / 1e6
        load = f"import json; json.load(open({str(export)!r}))"
        base = Command([sys.executable, "-c", load])
        # Each run into an empty place, or the disk still writes the one before.
        vault = shlex.quote(str(self._folder / "import"))
        words = (self._program, "import", str(export), "--take", "all")
        script = f"rm -rf {vault}; PROMPTVAULT_HOME={vault} exec {shlex.join(words)}"
        command = Command(["sh", "-c", script])
        yield self.against(f"import of {size:.0f} MB / `json.load`", command, base, "4")
        peak = peak_mb(self.pvt(label, "import", str(export), "--take", "all"))
        yield f"| peak memory of that import | {peak:.0f} MB | | 120 MB |"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--large", action="store_true", help="a file ten times as big")
    options = parser.parse_args()
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    print("| what | medians | ratio | target |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder), options.runs)
        for row in bench.rows():
            print(row, flush=True)
        for row in bench.imports(3_000, "peak"):
            print(row, flush=True)
        if options.large:
            export = Path(folder) / "large.json"
            data.write_export(export, 30_000)
            peak = peak_mb(bench.pvt("large", "import", str(export), "--take", "all"))
            print(f"| the same, ten times the size | {peak:.0f} MB | | 120 MB |")


if __name__ == "__main__":
    main()
