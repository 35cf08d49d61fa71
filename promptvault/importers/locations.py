"""Where each tool stores its prompts on each system; nothing is read from disk."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from promptvault.importers.claude_code import source as claude_code
from promptvault.importers.cline import source as cline
from promptvault.importers.cursor import source as cursor
from promptvault.importers.files import markdown
from promptvault.importers.gemini import cli
from promptvault.importers.tools import aichat, fabric, llm, pet


class System(StrEnum):
    """The families of operating systems that store settings alike."""

    LINUX = "linux"
    MACOS = "macos"
    WINDOWS = "windows"

    @classmethod
    def of(cls, platform: str) -> "System":
        """Return the family for a value of `sys.platform`."""
        if platform == "darwin":
            return cls.MACOS
        return cls.WINDOWS if platform in {"win32", "cygwin"} else cls.LINUX


@dataclass(frozen=True, slots=True)
class ToolLocation:
    """A file or folder in which a tool stores prompts."""

    source: str
    title: str
    path: Path
    pattern: str = ""
    """Glob of what to import below *path*; '' is *path* itself."""
    endings: tuple[str, ...] = ()
    """Endings of the names of files with prompts; () is any file."""


_EDITORS = {
    "Code": "VS Code",
    "Code - Insiders": "VS Code Insiders",
    "Code - OSS": "Code OSS",
    "VSCodium": "VSCodium",
    "Cursor": "Cursor",
    "Windsurf": "Windsurf",
}
_SERVERS = {
    ".vscode-server": "VS Code Server",
    ".vscode-server-insiders": "VS Code Insiders Server",
    ".cursor-server": "Cursor Server",
    ".windsurf-server": "Windsurf Server",
}
_SANDBOXES = {
    ".var/app/com.visualstudio.code/config/Code": "VS Code (Flatpak)",
    ".var/app/com.vscodium.codium/config/VSCodium": "VSCodium (Flatpak)",
}
_CLINES = {
    "saoudrizwan.claude-dev": "Cline",
    "rooveterinaryinc.roo-cline": "Roo Code",
    "kilocode.kilo-code": "Kilo Code",
}
_TASKS = ("ui_messages.json", "claude_messages.json", "api_conversation_history.json")
_TEXTS = (".md", ".markdown")
_HELD = "state.vscdb"


def tool_locations(
    system: System, home: Path, environment: Mapping[str, str]
) -> tuple[ToolLocation, ...]:
    """Return every location where a tool may store prompts, whether it exists or not.

    *environment* holds the variables that move locations, XDG's included.
    """
    surroundings = _Context(system, home, environment)
    found = [
        *_claude_code(surroundings),
        *_cursor(surroundings),
        *_cline(surroundings),
        *_gemini_cli(surroundings),
        *_llm(surroundings),
        *_fabric(surroundings),
        *_aichat(surroundings),
        *_pet(surroundings),
    ]
    return tuple({(place.path, place.pattern): place for place in found}.values())


@dataclass(frozen=True, slots=True)
class _Context:
    system: System
    home: Path
    environment: Mapping[str, str]

    def moved(self, variable: str, default: Path) -> Path:
        """Return the folder that *variable* names, else *default*."""
        value = self.environment.get(variable)
        if not value:
            return default
        if value == "~" or value.startswith("~/"):
            return self.home / value[2:]
        return Path(value)

    @property
    def config(self) -> Path:
        """The folder in which programs store their settings."""
        if self.system is System.WINDOWS:
            return self.moved("APPDATA", self.home / "AppData" / "Roaming")
        if self.system is System.MACOS:
            return self.home / "Library" / "Application Support"
        return self.moved("XDG_CONFIG_HOME", self.home / ".config")

    def editors(self) -> Iterator[tuple[str, Path]]:
        """Yield the title and the user folder of VS Code and its forks."""
        for name, title in _EDITORS.items():
            yield title, self.config / name / "User"
        if self.system is System.LINUX:
            for name, title in _SERVERS.items():
                yield title, self.home / name / "data" / "User"
            for name, title in _SANDBOXES.items():
                yield title, self.home / name / "User"


def _claude_code(here: _Context) -> Iterator[ToolLocation]:
    usual = here.moved("CLAUDE_CONFIG_DIR", here.home / ".claude")
    for root in (usual, here.home / ".config" / "claude"):
        sessions, typed = root / "projects", root / "history.jsonl"
        ending = (".jsonl",)
        yield ToolLocation(claude_code.SOURCE, "Claude Code", sessions, endings=ending)
        yield ToolLocation(claude_code.SOURCE, "Claude Code history", typed)
        for name in ("commands", "skills", "agents"):
            title = f"Claude Code {name}"
            yield ToolLocation(markdown.SOURCE, title, root / name, endings=_TEXTS)


def _cursor(here: _Context) -> Iterator[ToolLocation]:
    for title, user in here.editors():
        if title.startswith("Cursor"):
            storage = user / "globalStorage" / _HELD
            yield ToolLocation(cursor.SOURCE, title, storage)
            older = user / "workspaceStorage"
            yield ToolLocation(
                cursor.SOURCE, f"{title} workspaces", older, f"*/{_HELD}"
            )
    root = here.home / ".cursor"
    agents, pattern = root / "projects", "*/agent-transcripts"
    yield ToolLocation(
        cursor.SOURCE, "Cursor agents", agents, pattern, (".jsonl", ".txt")
    )
    yield ToolLocation(
        cursor.SOURCE, "Cursor CLI", root / "chats", endings=("store.db",)
    )


def _cline(here: _Context) -> Iterator[ToolLocation]:
    for editor, user in here.editors():
        for extension, name in _CLINES.items():
            tasks = user / "globalStorage" / extension / "tasks"
            yield ToolLocation(
                cline.SOURCE, f"{name} in {editor}", tasks, endings=_TASKS
            )
    root = here.moved("CLINE_DIR", here.home / ".cline")
    data = here.moved("CLINE_DATA_DIR", root / "data")
    yield ToolLocation(cline.SOURCE, "Cline CLI", data / "tasks", endings=_TASKS)


def _gemini_cli(here: _Context) -> Iterator[ToolLocation]:
    root = here.moved("GEMINI_CLI_HOME", here.home) / ".gemini" / "tmp"
    yield ToolLocation(cli.SOURCE, "Gemini CLI", root, endings=(".json", ".jsonl"))


def _llm(here: _Context) -> Iterator[ToolLocation]:
    root = here.moved("LLM_USER_PATH", here.config / "io.datasette.llm")
    templates = root / "templates"
    yield ToolLocation(
        llm.SOURCE, "llm templates", templates, endings=(".yaml", ".yml")
    )
    yield ToolLocation(llm.SOURCE, "llm log", root / "logs.db")


def _fabric(here: _Context) -> Iterator[ToolLocation]:
    # On every system, regardless of XDG.
    root = here.home / ".config" / "fabric"
    yield ToolLocation(
        fabric.SOURCE, "Fabric patterns", root / "patterns", endings=_TEXTS
    )
    own = [root / "custom_patterns", root / "custom-patterns"]
    if here.environment.get("CUSTOM_PATTERNS_DIRECTORY"):
        own.append(here.moved("CUSTOM_PATTERNS_DIRECTORY", root))
    for folder in own:
        yield ToolLocation(fabric.SOURCE, "Fabric, your own", folder, endings=_TEXTS)


def _aichat(here: _Context) -> Iterator[ToolLocation]:
    root = here.moved("AICHAT_CONFIG_DIR", here.config / "aichat")
    roles = here.moved("AICHAT_ROLES_DIR", root / "roles")
    yield ToolLocation(aichat.SOURCE, "aichat roles", roles, endings=_TEXTS)
    older = here.moved("AICHAT_ROLES_FILE", root / "roles.yaml")
    yield ToolLocation(aichat.SOURCE, "aichat roles (older)", older)


def _pet(here: _Context) -> Iterator[ToolLocation]:
    # pet ignores XDG, and uses .config on macOS too.
    is_windows = here.system is System.WINDOWS
    root = here.config if is_windows else here.home / ".config"
    yield ToolLocation(pet.SOURCE, "pet snippets", root / "pet" / "snippet.toml")
