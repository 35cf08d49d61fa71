"""How each tool is run on a file, and which typed prompts it has stored then."""

import json
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

CHATGPT, CLAUDE = "ChatGPT", "Claude.ai"
CLAUDE_CODE, CODEX = "Claude Code", "Codex"

# Its command leaves the work to a daemon; its documentation imports a
# file in one process.
_POLYLOGUE = """
import asyncio, sys
from polylogue import Polylogue

async def main():
    async with Polylogue(archive_root=sys.argv[2]) as archive:
        await archive.parse_file(sys.argv[1])

if __name__ == "__main__":
    asyncio.run(main())
"""
# It needs SQLite 3.43, which this package brings; loaded when the interpreter starts.
_NEWER_SQLITE = """import sys, pysqlite3, pysqlite3.dbapi2; \
sys.modules.update({"sqlite3": pysqlite3, "sqlite3.dbapi2": pysqlite3.dbapi2})
"""


@dataclass(frozen=True, eq=False)
class Tool:
    """A tool; its command contains `{source}` and `{out}`, the input and the output."""

    package: str
    stores: str
    kinds: tuple[str, ...]
    command: tuple[str, ...]
    prompts: Callable[[Path], Iterable[str]]
    """Yields the typed prompts that the output folder contains."""
    note: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Variables, in which `{source}` and `{out}` are replaced too."""
    needs_newer_sqlite: bool = False

    def install(self, cache: Path, python: str) -> None:
        """Make its own virtual environment in *cache*, unless it is there.

        Raises CalledProcessError if that fails.
        """
        place = cache / self.package
        if (place / "installed").exists() or self is PROMPTVAULT:
            return
        _run(python, "-m", "venv", "--clear", str(place))
        own = str(place / "bin" / "python")
        more = ["pysqlite3"] if self.needs_newer_sqlite else []
        _run(own, "-m", "pip", "install", "--quiet", self.package, *more)
        if more:
            where = "import sysconfig; print(sysconfig.get_path('purelib'))"
            folder = Path(_run(own, "-c", where).strip())
            (folder / "newer_sqlite.pth").write_text(_NEWER_SQLITE)
        (place / "installed").touch()

    def title(self, cache: Path) -> str:
        """Return its name and version."""
        if self is PROMPTVAULT:
            return f"**PromptVault {version(self.package)}**"
        if not (cache / self.package / "installed").exists():
            return self.package
        show = f"import importlib.metadata as m; print(m.version({self.package!r}))"
        return f"{self.package} {_run(self._program(cache, 'python'), '-c', show)}"

    def arguments(self, cache: Path, source: Path, out: Path) -> list[str]:
        """Return the command that reads *source* and fills *out*."""
        program, *words = self.command
        places = {"{source}": str(source), "{out}": str(out)}
        return [self._program(cache, program), *(places.get(w, w) for w in words)]

    def variables(self, source: Path, out: Path) -> dict[str, str]:
        """Return the environment of that command."""
        return {
            name: value.replace("{source}", str(source)).replace("{out}", str(out))
            for name, value in self.environment.items()
        }

    def _program(self, cache: Path, program: str) -> str:
        if self is PROMPTVAULT:
            return shutil.which(program) or str(Path(sys.executable).parent / program)
        return str(cache / self.package / "bin" / program)


def _run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def _rows(database: Path, sql: str) -> Iterator[tuple[Any, ...]]:
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    try:
        yield from connection.execute(sql)
    finally:
        connection.close()


def _promptvault(out: Path) -> Iterator[str]:
    (database,) = out.rglob("vault.db")
    return (body for (body,) in _rows(database, "SELECT body FROM versions"))


def _memex(out: Path) -> Iterator[str]:
    (database,) = out.glob("*.db")
    for (content,) in _rows(
        database, "SELECT content FROM messages WHERE role = 'user'"
    ):
        yield _texts(json.loads(content))


def _texts(blocks: list[dict[str, Any]]) -> str:
    return "\n".join(b["text"] for b in blocks if b.get("type") == "text")


def _claude_to_sqlite(out: Path) -> Iterator[str]:
    """Take the text, or else the pasted text, whichever favours the tool."""
    columns = "SELECT text, content, attachments FROM messages WHERE sender = 'human'"
    for text, content, attachments in _rows(out / "claude.db", columns):
        pasted = [str(file["extracted_content"]) for file in json.loads(attachments)]
        yield text or _texts(json.loads(content)).strip() or "\n".join(pasted)


def _convoviz(out: Path) -> Iterator[str]:
    """Take the parts headed "Me"; a time follows the heading."""
    for path in out.rglob("*.md"):
        for part in path.read_text().split("\n***\n"):
            _, heading, rest = part.partition("# Me\n")
            if heading:
                yield rest.partition("\n")[2]


def _claude_code_log(out: Path) -> Iterator[str]:
    for path in out.rglob("session-*.json"):
        yield from _said(json.loads(path.read_text())["messages"])


def _said(messages: list[dict[str, Any]]) -> Iterator[str]:
    for message in messages:
        if message["type"] == "user":
            yield _texts(message["content"].get("items", []))
        yield from _said(message.get("children", []))


def _agentsview(out: Path) -> Iterator[str]:
    typed = """SELECT content FROM messages
        WHERE role = 'user' AND NOT is_system AND NOT is_sidechain"""
    return (content for (content,) in _rows(out / "sessions.db", typed))


def _polylogue(out: Path) -> Iterator[str]:
    joined = """SELECT group_concat(text, char(10)) FROM (
        SELECT m.message_id, b.text FROM messages m JOIN blocks b USING (message_id)
        WHERE m.role = 'user' AND m.material_origin = 'human_authored'
            AND b.block_type = 'text' ORDER BY m.message_id, b.position)
        GROUP BY message_id"""
    return (text or "" for (text,) in _rows(out / "index.db", joined))


PROMPTVAULT = Tool(
    "promptvault",
    "SQLite and git",
    (CHATGPT, CLAUDE, CLAUDE_CODE, CODEX),
    ("promptvault", "import", "{source}", "--take", "all"),
    _promptvault,
    environment={"PROMPTVAULT_HOME": "{out}"},
)
TOOLS = (
    PROMPTVAULT,
    Tool(
        "py-memex",
        "SQLite",
        (CHATGPT, CLAUDE, CLAUDE_CODE),
        ("memex", "import", "{source}", "--db", "{out}"),
        _memex,
    ),
    Tool(
        "claude-to-sqlite",
        "SQLite",
        (CLAUDE,),
        ("claude-to-sqlite", "{source}", "claude.db"),
        _claude_to_sqlite,
    ),
    Tool(
        "polylogue",
        "SQLite",
        (CHATGPT, CLAUDE, CLAUDE_CODE),
        ("python", "-c", _POLYLOGUE, "{source}", "{out}"),
        _polylogue,
        note="what it calls human-authored; by its Python API",
        needs_newer_sqlite=True,
    ),
    Tool(
        "convoviz",
        "renders Markdown",
        (CHATGPT,),
        (
            *("convoviz", "--input", "{source}", "--output", "{out}"),
            *("--outputs", "markdown", "--flat", "--no-interactive", "--quiet"),
        ),
        _convoviz,
    ),
    Tool(
        "claude-code-log",
        "renders JSON, SQLite cache",
        (CLAUDE_CODE,),
        (
            *("claude-code-log", "--all-projects", "--projects-dir", "{source}"),
            *("--output", "{out}", "--format", "json", "--combined", "no"),
            *("--depth", "user"),
        ),
        _claude_code_log,
        note="asked for prompts only",
        environment={"CLAUDE_CODE_LOG_CACHE_PATH": "{out}/cache.db"},
    ),
    Tool(
        "agentsview",
        "SQLite",
        (CLAUDE_CODE, CODEX),
        ("agentsview", "sync"),
        _agentsview,
        note="its first sync",
        environment={
            "AGENTSVIEW_DATA_DIR": "{out}",
            "AGENTSVIEW_NO_DAEMON": "1",
            "AGENTSVIEW_DISABLE_UPDATE_CHECK": "1",
            "AGENTSVIEW_TELEMETRY_ENABLED": "0",
            "DO_NOT_TRACK": "1",
            "CLAUDE_PROJECTS_DIR": "{source}",
            "CODEX_SESSIONS_DIR": "{source}",
        },
    ),
)
"""All that are compared, ours first."""
