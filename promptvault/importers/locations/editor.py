"""Editors, and the agents that run in them."""

from collections.abc import Iterator

from promptvault.importers.locations.location import (
    Surroundings,
    System,
    ToolLocation,
)

_CLINES = {
    "saoudrizwan.claude-dev": "Cline",
    "rooveterinaryinc.roo-cline": "Roo Code",
    "kilocode.kilo-code": "Kilo Code",
}
_TASKS = ("ui_messages.json", "claude_messages.json", "api_conversation_history.json")
_HELD = "state.vscdb"
_SESSIONS = (".json", ".jsonl")


def locations(here: Surroundings) -> Iterator[ToolLocation]:
    """Yield the locations of these tools, whether they exist or not."""
    yield from _cursor(here)
    yield from _cline(here)
    yield from _copilot_chat(here)
    yield from _continue(here)
    yield from _zed(here)


def _cursor(here: Surroundings) -> Iterator[ToolLocation]:
    for title, user in here.editors():
        if title.startswith("Cursor"):
            storage = user / "globalStorage" / _HELD
            yield ToolLocation("cursor", title, storage)
            older = user / "workspaceStorage"
            yield ToolLocation("cursor", f"{title} workspaces", older, f"*/{_HELD}")
    root = here.home / ".cursor"
    agents, pattern = root / "projects", "*/agent-transcripts"
    yield ToolLocation("cursor", "Cursor agents", agents, pattern, (".jsonl", ".txt"))
    yield ToolLocation("cursor", "Cursor CLI", root / "chats", endings=("store.db",))


def _cline(here: Surroundings) -> Iterator[ToolLocation]:
    for editor, user in here.editors():
        for extension, name in _CLINES.items():
            tasks = user / "globalStorage" / extension / "tasks"
            yield ToolLocation("cline", f"{name} in {editor}", tasks, endings=_TASKS)
    root = here.moved("CLINE_DIR", here.home / ".cline")
    data = here.moved("CLINE_DATA_DIR", root / "data")
    yield ToolLocation("cline", "Cline CLI", data / "tasks", endings=_TASKS)
    # Since version 4 the extensions have the same store.
    sessions = here.moved("CLINE_SESSION_DATA_DIR", data / "sessions")
    ending = (".messages.json",)
    yield ToolLocation("cline", "Cline sessions", sessions, endings=ending)


def _copilot_chat(here: Surroundings) -> Iterator[ToolLocation]:
    """Yield the chats of each workspace, and those of windows without a folder."""
    source = "copilot-chat"
    for editor, user in here.editors():
        title = f"Copilot Chat in {editor}"
        folder, pattern = user / "workspaceStorage", "*/chatSessions"
        yield ToolLocation(source, title, folder, pattern, _SESSIONS)
        for name in ("emptyWindowChatSessions", "transferredChatSessions"):
            chats = user / "globalStorage" / name
            without = f"{title}, without a folder"
            yield ToolLocation(source, without, chats, endings=_SESSIONS)


def _continue(here: Surroundings) -> Iterator[ToolLocation]:
    root = here.moved("CONTINUE_GLOBAL_DIR", here.home / ".continue")
    sessions, ending = root / "sessions", (".json",)
    yield ToolLocation("continue", "Continue", sessions, endings=ending)


def _zed(here: Surroundings) -> Iterator[ToolLocation]:
    if here.system is System.MACOS:
        root, texts = here.config / "Zed", here.home / ".config" / "zed"
    elif here.system is System.WINDOWS:
        root = texts = here.windows_local / "Zed"
    else:
        root = texts = here.unix_data / "zed"
    yield ToolLocation("zed", "Zed", root / "threads" / "threads.db")
    conversations, ending = texts / "conversations", (".zed.json",)
    yield ToolLocation("zed", "Zed text threads", conversations, endings=ending)
