"""Exports of chats among the downloads are found by structure, under any name."""

import json
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from promptvault.services.imports.downloads import exports_in_downloads
from tests.importers.build import Json, chat, message, talk, turn
from tests.importers.examples import EXAMPLES

CHATGPT = [chat(turn("u", None, "hello " * 20_000))]
CLAUDE = [talk(message("m", "hello", 1))]
PROJECT = {"uuid": "p", "name": "P", "prompt_template": "Be kind.", "docs": []}
HASH = "0123456789abcdef" * 4


class Downloads:
    """A made-up downloads folder."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.folder = "Downloads"

    def write(self, name: str, content: bytes) -> None:
        path = self.home / self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    def zip(self, name: str, members: Mapping[str, Json]) -> None:
        self.write(name, b"")
        with zipfile.ZipFile(self.home / self.folder / name, "w") as archive:
            for member, value in members.items():
                archive.writestr(member, json.dumps(value))

    def found(self) -> dict[str, str]:
        """Return the source of each export by its name."""
        exports = exports_in_downloads(self.home, {})
        return {each.path.name: each.source for each in exports}


@pytest.fixture
def downloads(tmp_path: Path) -> Downloads:
    return Downloads(tmp_path)


@pytest.mark.parametrize(
    ("name", "members", "source"),
    [
        (f"{HASH}-2026-05-01.zip", {"conversations.json": CHATGPT}, "chatgpt"),
        ("a.zip", {"user.json": {}, "x/conversations-000.json": CHATGPT}, "chatgpt"),
        ("data-batch-0000.zip", {"conversations.json": CLAUDE}, "claude"),
        ("projects-000.zip", {"0a.json": PROJECT}, "claude"),
    ],
)
def test_an_archive(
    downloads: Downloads, name: str, members: Json, source: str
) -> None:
    downloads.zip(name, members)
    assert downloads.found() == {name: source}


def test_takeout_is_known_by_its_folders(downloads: Downloads) -> None:
    page = "Takeout/Min aktivitet/Gemini-appar/MinAktivitet.html"
    downloads.zip("takeout-20260501T100000Z-001.zip", {page: ""})
    downloads.zip("takeout-20260501T100000Z-002.zip", {"Takeout/Mail/a.mbox": ""})
    downloads.write("Takeout/My Activity/Gemini Apps/MyActivity.json", b"[]")
    assert downloads.found() == {
        "Takeout": "gemini",
        "takeout-20260501T100000Z-001.zip": "gemini",
    }


def test_what_the_browser_unpacked_and_archives_in_a_folder(
    downloads: Downloads,
) -> None:
    downloads.write(f"{HASH}/conversations.json", json.dumps(CHATGPT).encode())
    downloads.write("conversations (1).json", json.dumps(CLAUDE).encode())
    downloads.zip("mine/conversations-000.zip", {"conversations.json": CLAUDE})
    assert downloads.found() == {
        HASH: "chatgpt",
        "conversations (1).json": "claude",
        "mine": "claude",
    }


def test_each_source_of_chats_is_found(downloads: Downloads) -> None:
    wanted = {}
    for number, example in enumerate(EXAMPLES):
        if example.source in ("deepseek", "le-chat", "typingmind", "copilot-chat"):
            name = f"{number}{Path(example.name).suffix}"
            downloads.write(name, example.data)
            wanted[name] = example.source
    assert downloads.found() == wanted
    assert len(wanted) > 3


def test_a_long_first_chat_does_not_hide_an_export(downloads: Downloads) -> None:
    long = talk(*(message(f"m{n}", "hello " * 99, n) for n in range(500)))
    downloads.write("x.json", json.dumps([long]).encode())
    assert downloads.found() == {"x.json": "claude"}


def test_other_files_are_none(downloads: Downloads) -> None:
    downloads.write(f"{HASH}-2026-05-01.zip", b"no archive")
    downloads.zip("takeout-1.zip", {"a.txt": ""})
    downloads.zip("photos.zip", {"conversations.json": {"mine": 1}})
    rows = [{"role": "user", "content": "a training set"}]
    for name, value in {
        "package.json": {"name": "x", "author": "y"},
        "rows.jsonl": rows,
        "MyActivity.json": [{"header": "YouTube", "title": "Watched Gemini"}],
    }.items():
        downloads.write(name, json.dumps(value).encode())
    downloads.write("prompts.csv", b"act,prompt\na,b\n")
    downloads.write("notes.md", b"# Notes\n**User** said\n")
    assert downloads.found() == {}


def test_the_folder_has_another_name(downloads: Downloads) -> None:
    config = downloads.home / ".config" / "user-dirs.dirs"
    config.parent.mkdir()
    line = 'XDG_DESKTOP_DIR="$HOME/Bureau"\nXDG_DOWNLOAD_DIR="$HOME/Reçus"\n'
    config.write_text(line)
    downloads.folder = "Reçus"
    downloads.zip("claude.zip", {"conversations.json": CLAUDE})
    assert downloads.found() == {"claude.zip": "claude"}
