"""Print the table of figures: `python -m tests.benchmarks [--runs N] [--large]`.

With `--teams`, only the rows about vaults of teams.
"""

import argparse
import os
import shlex
import shutil
import statistics
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks import data, sources
from tests.benchmarks.measure import Command, compare, cpu_seconds, peak_mb, run

_HELLO = """import typer
app = typer.Typer()

@app.command()
def hello(name: str = "world") -> None:
    print("hello", name)

app()
"""
_LOAD = "import json, sys; json.load(open(sys.argv[1]))"
_LOAD_LINES = """import json, pathlib, sys
for path in pathlib.Path(sys.argv[1]).rglob("*.jsonl"):
    with path.open("rb") as file:
        for line in file:
            json.loads(line)
"""
_LOAD_SESSIONS = """import json, pathlib, sys
for path in pathlib.Path(sys.argv[1]).rglob("*.json*"):
    with path.open("rb") as file:
        if path.suffix == ".json":
            json.load(file)
        else:
            for line in file:
                json.loads(line)
"""
_LOAD_FILES = """import json, pathlib, sys
for path in pathlib.Path(sys.argv[1]).rglob("*.json"):
    with path.open() as file:
        json.load(file)"""
_READ_ROWS = """import sqlite3, sys
base = sqlite3.connect(f"file:{sys.argv[1]}?mode=ro", uri=True)
for (table,) in base.execute("SELECT name FROM sqlite_master WHERE type = 'table'"):
    for row in base.execute(f"SELECT * FROM {table}"):
        pass"""
_PARSE = "import sys; from lxml import html; html.parse(sys.argv[1])"
_TEMPLATE = "templates/two"
_COMPLETION = {
    "_PROMPTVAULT_COMPLETE": "complete_bash",
    "COMP_WORDS": "promptvault\nget\nfolder1/pro",
    "COMP_CWORD": "2",
}

_GET = ("get", "folder17/prompt17")
_READERS = (
    ("get NAME", _GET, "0.6"),
    ("get NAME@REV", ("get", "folder17/prompt17@1"), "0.6"),
    ("get --raw", (*_GET, "--raw"), "0.6"),
    ("get TEMPLATE -P a=1 -P b=2", ("get", _TEMPLATE, "-P", "a=1", "-P", "b=2"), "1.3"),
    ("list --plain", ("list", "--plain"), "0.7"),
    ("search, to a pipe", ("search", "needle"), "0.7"),
)
_TEAMS = 10
_MAKE_TEAMS = f"""from tests.team_vault import make_team_vault
for number in range({_TEAMS}):
    make_team_vault(f"team{{number}}")
"""
_PERSONAL = (_GET, ("list", "--plain"), ("search", "needle"))
_WRITERS = (
    ("`add`", ("add", "new/prompt{n}", "text {n}")),
    ("`add --upsert`", ("add", "new/same", "text {n}", "--upsert")),
)


class Bench:
    """The vaults to measure on, and the rows of the table."""

    def __init__(self, folder: Path, runs: int) -> None:
        self._folder = folder
        self._runs = runs
        # Beside this Python: the one on PATH may be another version.
        self._program = str(Path(sys.executable).with_name("promptvault"))
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
        text = "Compare {{ a }} with {{ b }}."
        run(self.pvt(str(count), "add", _TEMPLATE, text, "--template"), 0)
        os.sync()  # wait until the disk is idle
        return str(count)

    def beside_teams(self) -> Iterator[str]:
        """Measure commands in a vault with the vaults of teams beside it, and without.

        The goal is near 1, so it is CPU time, of many runs.
        """
        alone = self.fill(100)
        beside = "beside teams"
        shutil.copytree(self._folder / alone, self._folder / beside)
        home = {"PROMPTVAULT_HOME": str(self._folder / beside)}
        run(Command([sys.executable, "-c", _MAKE_TEAMS], home), 0)
        rows = str(self._folder / f"{alone}.jsonl")
        for number in range(_TEAMS):
            run(self.pvt(beside, "import", rows, "--vault", f"team{number}"), 0)
        for words in _PERSONAL:
            both = self.pvt(beside, *words), self.pvt(alone, *words)
            found = compare(*both, self._runs * 5, cpu_seconds)
            times = f"{found.seconds * 1000:.1f} / {found.base_seconds * 1000:.1f} ms"
            label = f"CPU of `{' '.join(words)}` beside {_TEAMS} team vaults / alone"
            yield f"| {label} | {times} | {found.ratio:.3f} | 1.02 |"

    def against(self, label: str, command: Command, base: Command, target: str) -> str:
        """Measure a command against another and return its row."""
        result = compare(command, base, self._runs)
        times = f"{result.seconds * 1000:.0f} / {result.base_seconds * 1000:.0f} ms"
        return f"| {label} | {times} | {result.ratio:.2f} | {target} |"

    def rows(self) -> Iterator[str]:
        """Measure everything but imports."""
        small, large = self.fill(100), self.fill(100_000)
        hello = Command([sys.executable, str(self._hello)])
        for label, words, goal in _READERS:
            command = self.pvt(small, *words)
            yield self.against(f"`{label}` / Typer hello-world", command, hello, goal)
        tab = self.pvt(small, **_COMPLETION)
        yield self.against("Tab after `get` / the same", tab, hello, "0.7")
        for asked in (_GET, ("search", "needle"), ("search", "common")):
            label = f"`{' '.join(asked)}` at 100,000 / at 100 prompts"
            both = self.pvt(large, *asked), self.pvt(small, *asked)
            yield self.against(label, *both, "1.1")
        sqlmodel = Command([sys.executable, "-c", "import sqlmodel"])
        for name, change in _WRITERS:
            for vault in (small, large):
                label = f"{name} at {int(vault):,} / `import sqlmodel`"
                yield self.against(label, self.pvt(vault, *change), sqlmodel, "0.7")

    def imports(self) -> Iterator[str]:
        """Measure the import of large files of several sources."""
        chatgpt = self._folder / "conversations.json"
        data.write_export(chatgpt, 3_000)
        yield from self._import(
            "ChatGPT", chatgpt, _LOAD, "`json.load`", ("4", 120, "4")
        )
        yield self._per_prompt(chatgpt, 30_000)
        claude = self._folder / "claude.json"
        sources.write_claude(claude, 1_500)
        yield from self._import(
            "Claude.ai", claude, _LOAD, "`json.load`", ("4", 150, "4")
        )
        deepseek = self._folder / "deepseek.json"
        sources.write_deepseek(deepseek, 1_500)
        yield from self._import(
            "DeepSeek", deepseek, _LOAD, "`json.load`", ("4", 150, "4")
        )
        folder = self._folder / "projects"
        sources.write_claude_code(folder)
        base = "`json.loads` of every line"
        yield from self._import(
            "Claude Code", folder, _LOAD_LINES, base, ("2.5", 150, "2.5")
        )
        folder = self._folder / "sessions"
        sources.write_codex(folder)
        yield from self._import("Codex", folder, _LOAD_LINES, base, ("1.5", 150, "2.6"))
        chats = self._folder / "User"
        sources.write_copilot_chat(chats)
        base = "`json` of every file"
        yield from self._import(
            "Copilot Chat", chats, _LOAD_SESSIONS, base, ("1.5", 150, "1.5")
        )
        folder = self._folder / "storage"
        sources.write_opencode_files(folder, 1_000)
        yield from self._import(
            "OpenCode's files", folder, _LOAD_FILES, "`json.load`", ("2.5", 150, "2.5")
        )
        page = self._folder / "MyActivity.html"
        sources.write_takeout(page, 2_000)
        yield from self._import(
            "Takeout", page, _PARSE, "lxml's parser", ("3", 150, "3")
        )

    def _import(
        self,
        source: str,
        path: Path,
        program: str,
        base: str,
        targets: tuple[str, int, str],
    ) -> Iterator[str]:
        """*targets* are the ratio, the peak in MB, and the ratio with every turn."""
        files = [path] if path.is_file() else list(path.rglob("*.json*"))
        size = sum(file.stat().st_size for file in files) / 1e6
        words: tuple[str, ...] = (self._program, "import", str(path))
        baseline = Command([sys.executable, "-c", program, str(path)])
        label = f"import of {source}, {size:.0f} MB / {base}"
        yield self.against(label, self._afresh(words), baseline, targets[0])
        words = (*words, "--take", "all")
        label = "the same with `--take all`"
        yield self.against(label, self._afresh(words), baseline, targets[2])
        peak = peak_mb(self.pvt(source, *words[1:]))
        yield f"| its peak memory | {peak:.0f} MB | | {targets[1]} MB |"
        again = compare(
            self.pvt(source, *words[1:]), self.pvt(source, "--version"), self._runs
        )
        more = again.seconds - again.base_seconds
        yield f"| the same again, beyond start-up | {more * 1000:.0f} ms | | 500 ms |"

    def _per_prompt(self, path: Path, prompts: int) -> str:
        words = (self._program, "import", str(path), "--take", "all")
        seconds = statistics.median(
            run(self._afresh(words), number) for number in range(self._runs)
        )
        return f"| its time a prompt | {seconds / prompts * 1e6:.0f} µs | | 100 µs |"

    def _afresh(self, words: tuple[str, ...]) -> Command:
        """Return a command that starts with an empty folder each time, so that the disk
        does not write older files meanwhile.
        """
        vault = shlex.quote(str(self._folder / "import"))
        script = f"rm -rf {vault}; PROMPTVAULT_HOME={vault} exec {shlex.join(words)}"
        return Command(["sh", "-c", script])

    def largest(self) -> Iterator[str]:
        """Measure the memory that very large files need."""
        export = self._folder / "large.json"
        data.write_export(export, 30_000)
        yield self._peak("ChatGPT", export, 120)
        account = self._folder / "account.json"
        sources.write_deepseek(account, 8_000)
        yield self._peak("DeepSeek", account, 120)
        database = self._folder / "state.vscdb"
        sources.write_cursor(database, 300_000)
        yield self._peak("Cursor", database, 150)
        database = self._folder / "opencode.db"
        sources.write_opencode(database, 5_000)
        base = "every row with `sqlite3`"
        yield from self._import(
            "OpenCode", database, _READ_ROWS, base, ("1.5", 150, "1.5")
        )

    def _peak(self, source: str, path: Path, target: int) -> str:
        size = path.stat().st_size / 1e6
        command = self.pvt(f"large {source}", "import", str(path), "--take", "all")
        label = f"peak memory of {source}, {size:,.0f} MB"
        return f"| {label} | {peak_mb(command):.0f} MB | | {target} MB |"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--large", action="store_true", help="files of 1 GB, too")
    parser.add_argument("--teams", action="store_true", help="the first rows alone")
    options = parser.parse_args()
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    print("| what | medians | ratio | goal |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder), options.runs)
        for row in bench.beside_teams():
            print(row, flush=True)
        if options.teams:
            return
        for row in bench.rows():
            print(row, flush=True)
        for row in bench.imports():
            print(row, flush=True)
        if options.large:
            for row in bench.largest():
                print(row, flush=True)


if __name__ == "__main__":
    main()
