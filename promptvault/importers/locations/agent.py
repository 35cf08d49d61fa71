"""Coding agents that run in a terminal."""

from collections.abc import Iterator

from promptvault.importers.locations.location import Surroundings, System, ToolLocation

AIDER_CHATS = ".aider.chat.history.md"
AIDER_INPUT = ".aider.input.history"
"""Names of Aider's files in a project or the home folder."""
_TEXTS = (".md", ".markdown")


def locations(here: Surroundings) -> Iterator[ToolLocation]:
    """Yield the locations of these tools, whether they exist or not."""
    yield from _claude_code(here)
    yield from _codex(here)
    yield from _opencode(here)
    yield from _goose(here)
    yield from _warp(here)
    yield from _gemini_cli(here)
    yield from _aider(here)
    yield from _copilot_cli(here)
    yield from _qwen_code(here)
    yield from _droid(here)
    yield from _pi(here)
    yield from _amp(here)
    yield from _kiro(here)


def _claude_code(here: Surroundings) -> Iterator[ToolLocation]:
    usual = here.moved("CLAUDE_CONFIG_DIR", here.home / ".claude")
    for root in (usual, here.home / ".config" / "claude"):
        sessions, typed = root / "projects", root / "history.jsonl"
        ending = (".jsonl",)
        yield ToolLocation("claude-code", "Claude Code", sessions, endings=ending)
        yield ToolLocation("claude-code", "Claude Code history", typed)
        for name in ("commands", "skills", "agents"):
            title = f"Claude Code {name}"
            yield ToolLocation("text", title, root / name, endings=_TEXTS)


def _codex(here: Surroundings) -> Iterator[ToolLocation]:
    root = here.moved("CODEX_HOME", here.home / ".codex")
    ending = (".jsonl", ".json")
    sessions, archived = root / "sessions", root / "archived_sessions"
    yield ToolLocation("codex", "Codex", sessions, endings=ending)
    yield ToolLocation("codex", "Codex archive", archived, endings=ending)
    yield ToolLocation("codex", "Codex history", root / "history.jsonl")
    prompts = root / "prompts"
    yield ToolLocation("text", "Codex prompts", prompts, endings=_TEXTS)


def _opencode(here: Surroundings) -> Iterator[ToolLocation]:
    for source, title in (("opencode", "OpenCode"), ("kilo", "Kilo")):
        root = here.unix_data / source
        name = f"{source.upper()}_DB"
        yield ToolLocation(source, title, here.moved(name, root / f"{source}.db"))
        yield ToolLocation(source, f"{title} channels", root, f"{source}-*.db")
        # Each session is read with the files of its messages.
        sessions, ending = root / "storage" / "session", (".json",)
        yield ToolLocation(source, f"{title} (older)", sessions, endings=ending)
        projects, pattern = root / "project", "*/storage/session/info"
        yield ToolLocation(source, f"{title} (2025)", projects, pattern, ending)


def _goose(here: Surroundings) -> Iterator[ToolLocation]:
    root = here.unix_data / "goose"
    if here.system is System.WINDOWS:
        root = here.config / "Block" / "goose" / "data"
    if here.environment.get("GOOSE_PATH_ROOT"):
        root = here.moved("GOOSE_PATH_ROOT", here.home) / "data"
    sessions = root / "sessions"
    yield ToolLocation("goose", "Goose", sessions / "sessions.db")
    # These are in the database too, if there is one.
    yield ToolLocation("goose", "Goose (older)", sessions, endings=(".jsonl",))


def _warp(here: Surroundings) -> Iterator[ToolLocation]:
    name = "warp.sqlite"
    if here.system is System.MACOS:
        group = here.home / "Library/Group Containers/2BBY89MBSN.dev.warp"
        folder = "Library/Application Support/dev.warp.Warp-Stable"
        roots = [group / folder, here.config / "dev.warp.Warp-Stable"]
    elif here.system is System.WINDOWS:
        roots = [here.windows_local / "warp" / "Warp" / "data"]
    else:
        state = here.moved("XDG_STATE_HOME", here.home / ".local" / "state")
        roots = [state / "warp-terminal"]
    for root in roots:
        yield ToolLocation("warp", "Warp", root / name)


def _gemini_cli(here: Surroundings) -> Iterator[ToolLocation]:
    root = here.moved("GEMINI_CLI_HOME", here.home) / ".gemini" / "tmp"
    yield ToolLocation("gemini-cli", "Gemini CLI", root, endings=(".json", ".jsonl"))


def _aider(here: Surroundings) -> Iterator[ToolLocation]:
    """Yield the files that are not in a project."""
    chats = here.moved("AIDER_CHAT_HISTORY_FILE", here.home / AIDER_CHATS)
    typed = here.moved("AIDER_INPUT_HISTORY_FILE", here.home / AIDER_INPUT)
    yield ToolLocation("aider", "Aider", here.home / chats)
    yield ToolLocation("aider", "Aider input", here.home / typed)


def _copilot_cli(here: Surroundings) -> Iterator[ToolLocation]:
    root = here.moved("COPILOT_HOME", here.home / ".copilot")
    title, older = "Copilot CLI", "history-session-state"
    sessions = root / "session-state"
    yield ToolLocation("copilot-cli", title, sessions, endings=(".jsonl",))
    yield ToolLocation(
        "copilot-cli", f"{title} (older)", root / older, endings=(".json",)
    )


def _qwen_code(here: Surroundings) -> Iterator[ToolLocation]:
    root = here.moved("QWEN_HOME", here.home / ".qwen")
    chats, ending = "*/chats", (".jsonl",)
    yield ToolLocation("qwen-code", "Qwen Code", root / "projects", chats, ending)
    # Until 2025 it stored sessions as Gemini CLI does.
    older, endings = root / "tmp", (".json", ".jsonl")
    yield ToolLocation("gemini-cli", "Qwen Code (older)", older, endings=endings)


def _droid(here: Surroundings) -> Iterator[ToolLocation]:
    for name in ("sessions", "projects"):
        root = here.home / ".factory" / name
        yield ToolLocation("droid", f"Droid {name}", root, endings=(".jsonl",))


def _pi(here: Surroundings) -> Iterator[ToolLocation]:
    root = here.moved("PI_CODING_AGENT_DIR", here.home / ".pi" / "agent")
    yield ToolLocation("pi", "pi", root / "sessions", endings=(".jsonl",))


def _amp(here: Surroundings) -> Iterator[ToolLocation]:
    root = here.unix_data / "amp" / "threads"
    yield ToolLocation("amp", "Amp", root, endings=(".json",))


def _kiro(here: Surroundings) -> Iterator[ToolLocation]:
    sessions = here.home / ".kiro" / "sessions"
    yield ToolLocation("kiro", "Kiro", sessions, endings=(".jsonl",))
    stored = here.config / "Kiro" / "User" / "globalStorage" / "kiro.kiroagent"
    yield ToolLocation("kiro", "Kiro editor", stored, endings=(".json", ".chat"))
    is_unix = here.system is System.LINUX
    data = here.unix_data if is_unix else here.config
    for name, title in (("kiro-cli", "Kiro database"), ("amazon-q", "Amazon Q")):
        yield ToolLocation("kiro", title, data / name / "data.sqlite3")
