"""What is found on a computer, at each tool's location, and what is skipped."""

import json
import os
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from promptvault.cli.context import open_reader
from promptvault.importers.locations import location
from promptvault.importers.locations.known import tool_locations
from promptvault.importers.locations.location import System
from promptvault.importers.registry import source_names
from promptvault.services.imports import discover
from promptvault.services.imports.discover import (
    DiscoveredSource,
    SearchContext,
    discover_sources,
)
from tests.conftest import Pvt

LINUX, MACOS, WINDOWS = System
CONFIG = {
    LINUX: ".config",
    MACOS: "Library/Application Support",
    WINDOWS: "AppData/Roaming",
}
CLAUDE = [{"uuid": "u", "name": "x", "chat_messages": []}]


class Computer:
    """A made-up home folder, and the search in it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.home = root / "person"
        self.directory = self.home / "work"
        self.directory.mkdir(parents=True)

    def write(self, path: str, content: str = "{}") -> Path:
        """Write a file below the home folder."""
        file = self.home / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
        return file

    def zip(self, path: str, members: Mapping[str, object]) -> Path:
        """Write a zip archive below the home folder."""
        file = self.write(path)
        with zipfile.ZipFile(file, "w") as archive:
            for name, value in members.items():
                archive.writestr(name, json.dumps(value))
        return file

    def find(
        self,
        system: System = LINUX,
        environment: Mapping[str, str] | None = None,
        directory: Path | None = None,
    ) -> list[DiscoveredSource]:
        """Search for prompts."""
        windows = self.root / "windows"
        with open_reader() as reader:
            here = directory or self.directory
            there = SearchContext(
                system, self.home, environment or {}, here, windows_homes=windows
            )
            return discover_sources(reader, there)

    def titles(
        self, system: System = LINUX, environment: Mapping[str, str] | None = None
    ) -> list[str]:
        """Return the titles of the results."""
        return [found.title for found in self.find(system, environment)]


_DATABASES = {
    "goose": "sessions/sessions.db",
    "warp": "warp.sqlite",
    "zed": "threads/threads.db",
}
_ROOTS = {
    LINUX: (".local/share/goose", ".local/state/warp-terminal", ".local/share/zed"),
    MACOS: (
        ".local/share/goose",
        "Library/Application Support/dev.warp.Warp-Stable",
        "Library/Application Support/Zed",
    ),
    WINDOWS: (
        "AppData/Roaming/Block/goose/data",
        "AppData/Local/warp/Warp/data",
        "AppData/Local/Zed",
    ),
}
STORES = {
    system: dict(
        zip(_DATABASES, zip(roots, _DATABASES.values(), strict=True), strict=True)
    )
    for system, roots in _ROOTS.items()
}


@pytest.fixture
def computer(home: Path, tmp_path: Path) -> Computer:
    return Computer(tmp_path / "disk")


def test_nothing_is_found_on_an_empty_computer(computer: Computer) -> None:
    assert computer.find() == []


@pytest.mark.parametrize("system", System)
def test_every_tool_where_the_system_has_it(computer: Computer, system: System) -> None:
    config = CONFIG[system]
    aside = config if system is WINDOWS else ".config"
    data = ".local/share" if system is LINUX else config
    files = {
        ".claude/projects/-work/a.jsonl": "claude-code",
        ".claude/history.jsonl": "claude-code",
        ".claude/commands/fix.md": "text",
        ".claude/skills/pdf/SKILL.md": "text",
        ".codex/sessions/2026/09/01/rollout-1.jsonl": "codex",
        ".codex/archived_sessions/rollout-2.jsonl": "codex",
        ".codex/history.jsonl": "codex",
        ".codex/prompts/fix.md": "text",
        ".copilot/session-state/1/events.jsonl": "copilot-cli",
        ".copilot/history-session-state/session_1.json": "copilot-cli",
        ".qwen/projects/-work/chats/1.jsonl": "qwen-code",
        ".qwen/tmp/0a/chats/session-1.json": "gemini-cli",
        ".factory/sessions/-work/1.jsonl": "droid",
        ".factory/projects/-work/2.jsonl": "droid",
        ".pi/agent/sessions/--work--/1.jsonl": "pi",
        ".local/share/amp/threads/T-1.json": "amp",
        ".kiro/sessions/cli/1.jsonl": "kiro",
        f"{config}/Kiro/User/globalStorage/kiro.kiroagent/1.chat": "kiro",
        f"{data}/kiro-cli/data.sqlite3": "kiro",
        f"{data}/amazon-q/data.sqlite3": "kiro",
        ".local/share/opencode/opencode.db": "opencode",
        ".local/share/opencode/storage/session/global/ses_1.json": "opencode",
        ".local/share/kilo/kilo.db": "kilo",
        ".cline/data/sessions/1/1.messages.json": "cline",
        **{f"{root}/{name}": tool for tool, (root, name) in STORES[system].items()},
        f"{config}/Cursor/User/globalStorage/state.vscdb": "cursor",
        f"{config}/Cursor/User/workspaceStorage/0a/state.vscdb": "cursor",
        ".cursor/projects/work/agent-transcripts/1/1.jsonl": "cursor",
        f"{config}/Code/User/globalStorage/saoudrizwan.claude-dev/tasks/1"
        "/ui_messages.json": "cline",
        f"{config}/VSCodium/User/globalStorage/rooveterinaryinc.roo-cline/tasks/1"
        "/ui_messages.json": "cline",
        f"{config}/Windsurf/User/globalStorage/kilocode.kilo-code/tasks/1"
        "/api_conversation_history.json": "cline",
        ".cline/data/tasks/1/ui_messages.json": "cline",
        ".gemini/tmp/0a/chats/session-1.json": "gemini-cli",
        f"{config}/io.datasette.llm/templates/a.yaml": "llm",
        f"{config}/io.datasette.llm/logs.db": "llm",
        ".config/fabric/patterns/a/system.md": "fabric",
        ".config/fabric/custom_patterns/b/system.md": "fabric",
        f"{config}/aichat/roles/a.md": "aichat",
        f"{aside}/pet/snippet.toml": "pet",
        "work/.specstory/history/a.md": "specstory",
        f"{config}/Code/User/workspaceStorage/0a/chatSessions/1.jsonl": "copilot-chat",
        f"{config}/VSCodium/User/globalStorage/emptyWindowChatSessions/1.json"
        "": "copilot-chat",
        "work/.aider.chat.history.md": "aider",
        ".continue/sessions/1.json": "continue",
        ".aider.input.history": "aider",
        ".lmstudio/conversations/work/1.conversation.json": "lm-studio",
        f"{config}/Jan/data/threads/a/messages.jsonl": "jan",
        f"{config}/app.chatwise/app.db": "chatwise",
    }
    for path in files:
        computer.write(path)
    found = computer.find(system)
    assert sorted(each.source for each in found) == sorted(files.values())
    assert all(each.files == 1 and each.size == 2 for each in found)
    inside = {str(computer.home / path) for path in files}
    assert all(any(path.startswith(str(f.path)) for path in inside) for f in found)
    assert [each.title.lower() for each in found] == sorted(
        each.title.lower() for each in found
    )


def test_variables_move_what_they_name(computer: Computer) -> None:
    moved = {
        "CLAUDE_CONFIG_DIR": "a/projects/p/a.jsonl",
        "CODEX_HOME": "i/sessions/rollout-1.jsonl",
        "COPILOT_HOME": "j/session-state/1/events.jsonl",
        "QWEN_HOME": "k/projects/p/chats/1.jsonl",
        "PI_CODING_AGENT_DIR": "l/sessions/p/1.jsonl",
        "XDG_DATA_HOME": "m/amp/threads/T-1.json",
        "KILO_DB": "t",
        "GEMINI_CLI_HOME": "b/.gemini/tmp/p/logs.json",
        "LLM_USER_PATH": "c/logs.db",
        "AICHAT_CONFIG_DIR": "d/roles/a.md",
        "CUSTOM_PATTERNS_DIRECTORY": "e/x/system.md",
        "CLINE_DIR": "f/data/tasks/1/ui_messages.json",
        "CONTINUE_GLOBAL_DIR": "j/sessions/1.json",
        "AIDER_CHAT_HISTORY_FILE": "i/aider.md",
        "XDG_CONFIG_HOME": "g/Cursor/User/globalStorage/state.vscdb",
    }
    for path in moved.values():
        computer.write(path)
    environment = {
        name: str(computer.home / path[0]) for name, path in moved.items()
    } | {"CLINE_DIR": "~/f"}
    assert len(computer.find(LINUX, environment)) == len(moved)
    computer.write("h/aichat/roles.yaml")
    assert computer.titles(WINDOWS, {"APPDATA": str(computer.home / "h")}) == [
        "aichat roles (older)"
    ]


def test_what_is_counted_are_the_files_with_prompts(computer: Computer) -> None:
    computer.write(".claude/projects/-work/a.jsonl", "12345")
    computer.write(".claude/projects/-work/a/subagents/b.jsonl", "123")
    computer.write(".claude/projects/-work/memory/notes.md", "none of the kind")
    (found,) = computer.find()
    assert (found.files, found.size, found.is_whole) == (2, 8, True)
    assert found.targets == (found.path,)
    assert found.path == computer.home / ".claude" / "projects"


def test_only_databases_are_taken_of_cursors_workspaces(computer: Computer) -> None:
    root = ".config/Cursor/User/workspaceStorage"
    held = [computer.write(f"{root}/{n}/state.vscdb") for n in "ab"]
    computer.write(f"{root}/a/anysphere.cursor-retrieval/notes.md")
    (found,) = computer.find()
    assert found.targets == tuple(held)
    assert found.files == 2


def test_symbolic_links_are_not_followed(computer: Computer, tmp_path: Path) -> None:
    sessions = computer.write(".claude/projects/-work/a.jsonl").parent.parent
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "b.jsonl").write_text("{}")
    (sessions / "elsewhere").symlink_to(outside)
    (sessions / "circle").symlink_to(sessions)
    storage = computer.home / ".cursor" / "projects"
    storage.mkdir(parents=True)
    (storage / "circle").symlink_to(storage)
    (found,) = computer.find()
    assert found.files == 1


def test_a_place_that_is_itself_a_link_is_looked_into(
    computer: Computer, tmp_path: Path
) -> None:
    computer.write("dotfiles/claude/projects/-work/a.jsonl")
    (computer.home / ".claude").symlink_to(computer.home / "dotfiles" / "claude")
    assert computer.titles() == ["Claude Code"]


def test_empty_and_unreadable_places_are_passed_over(computer: Computer) -> None:
    computer.write(".claude/history.jsonl", "")
    computer.write(".claude/projects/-work/notes.md")
    computer.write(".config/pet/snippet.toml").chmod(0)
    shut = computer.write(".gemini/tmp/a/logs.json").parent
    shut.chmod(0)
    try:
        if os.geteuid():  # root may read everything
            assert computer.titles() == ["pet snippets"]
    finally:
        shut.chmod(0o700)


def test_counting_ends_in_a_huge_place(
    computer: Computer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(9):
        computer.write(f".claude/projects/-work/{number}.jsonl")
    monkeypatch.setattr(discover, "_MAX_ENTRIES", 5)
    (found,) = computer.find()
    assert not found.is_whole
    assert found.files < 9


class TestSpecStory:
    def test_in_folders_above(self, computer: Computer) -> None:
        computer.write("work/.specstory/history/a.md")
        below = computer.directory / "deep" / "down"
        below.mkdir(parents=True)
        (found,) = computer.find(directory=below)
        assert found.title == "SpecStory in work"

    def test_in_projects_that_claude_code_knows(self, computer: Computer) -> None:
        project = computer.home / "else-where"
        computer.write("else-where/.specstory/history/a.md")
        line = json.dumps({"type": "user", "cwd": str(project)})
        computer.write(".claude/projects/-else-where/a.jsonl", f"{{}}\n{line}\n")
        computer.write(".claude/projects/-broken/a.jsonl", '{"cwd":"\\x"}\n')
        computer.write(".claude/projects/-relative/a.jsonl", '{"cwd":"here"}\n')
        assert computer.titles() == ["Claude Code", "SpecStory in else-where"]

    def test_in_projects_that_cursor_knows(self, computer: Computer) -> None:
        computer.write("my work/.specstory/history/a.md")
        root = ".config/Cursor/User/workspaceStorage"
        url = (computer.home / "my work").as_uri()
        for key, text in {
            "a": json.dumps({"folder": url}),
            "b": json.dumps({"folder": "vscode-remote://ssh/work"}),
            "c": "[]",
            "d": '{"folder": 1}',
            "e": "{",
        }.items():
            computer.write(f"{root}/{key}/workspace.json", text)
        assert computer.titles() == ["SpecStory in my work"]


def test_windows_is_seen_from_the_linux_within(computer: Computer) -> None:
    for name in ("ada", "Public"):
        file = computer.root / "windows" / name / ".claude" / "history.jsonl"
        file.parent.mkdir(parents=True)
        file.write_text("{}")
    assert computer.find() == []
    (found,) = computer.find(LINUX, {"WSL_DISTRO_NAME": "Ubuntu"})
    assert "ada" in found.path.parts


class TestImported:
    @pytest.fixture
    def export(self, computer: Computer) -> Path:
        """Write an export with one prompt among the downloads."""
        message = {"uuid": "m", "sender": "human", "text": "Explain tides to me."}
        chat = {**CLAUDE[0], "chat_messages": [message]}
        return computer.zip("Downloads/claude.zip", {"conversations.json": [chat]})

    def test_what_was_imported_says_so(
        self, computer: Computer, pvt: Pvt, export: Path
    ) -> None:
        assert computer.find()[0].imported_at is None
        assert computer.find()[0].is_changed
        pvt.ok("import", str(export))
        (found,) = computer.find()
        assert found.imported_at is not None
        assert not found.is_changed
        later = found.imported_at.timestamp() + 60
        os.utime(export, (later, later))
        assert computer.find()[0].is_changed

    def test_with_the_folder_that_it_lies_in(
        self, computer: Computer, pvt: Pvt, export: Path
    ) -> None:
        pvt.ok("import", str(export.parent))
        assert computer.find()[0].imported_at is not None

    def test_an_import_that_was_undone_does_not_count(
        self, computer: Computer, pvt: Pvt, export: Path
    ) -> None:
        pvt.ok("import", str(export))
        pvt.ok("imports", "undo", "last")
        assert computer.find()[0].imported_at is None


def test_no_place_is_listed_twice() -> None:
    for system in System:
        home = Path("/home/ada")
        found = tool_locations(
            system, home, {"CLAUDE_CONFIG_DIR": "/home/ada/.config/claude"}
        )
        assert len({(p.path, p.pattern) for p in found}) == len(found)
        assert all(p.path.is_absolute() for p in found)


def test_places_are_of_sources_that_there_are() -> None:
    for system in System:
        for each in tool_locations(system, Path("/home/ada"), {}):
            assert each.source in source_names()
            assert "**" not in each.pattern


def test_places_are_known_without_any_importer() -> None:
    for file in Path(location.__file__).parent.glob("*.py"):
        imported = re.findall(
            r"^from (promptvault\.importers\S*)", file.read_text(), re.M
        )
        assert all(name.startswith(location.__package__) for name in imported), file
