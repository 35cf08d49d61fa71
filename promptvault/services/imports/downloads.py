"""Finds exports of chats in the downloads folder, by name and content."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from zipfile import ZipFile

from promptvault.importers.chats import chatgpt, claude
from promptvault.importers.gemini import ai_studio, takeout
from promptvault.importers.locations import ToolLocation
from promptvault.services.folder import entries, head, subfolders

_HEAD = 64 << 10
_TITLES = {
    chatgpt.SOURCE: "ChatGPT export",
    claude.SOURCE: "Claude export",
    takeout.SOURCE: "Gemini in Google Takeout",
    ai_studio.SOURCE: "AI Studio in Google Takeout",
}
_ARCHIVE = re.compile(
    r"""(?: [0-9a-f]{32,} - \d{4}-\d\d-\d\d .*                      # ChatGPT
          | data-.+-batch-\d+ .*                                    # Claude, to 2026
          | (?:conversations|projects|design_chats)-\d+ .*          # Claude
          | takeout-.*
          | .*(?:chatgpt|openai|claude|anthropic|gemini).*          # renamed
        )\.zip""",
    re.IGNORECASE | re.VERBOSE,
)
_CHATS = re.compile(
    r"(?:.*/)?conversations(?:-\d+)?(?: ?\(\d+\))?\.json", re.IGNORECASE
)
_ACTIVITY = re.compile(r"my ?activity(?: ?\(\d+\))?\.(?:json|html)", re.IGNORECASE)
_PROJECTS = re.compile(r"(?:projects|design_chats)(?:/[^/]+)?\.json")
_FOLDER = re.compile(r'^XDG_DOWNLOAD_DIR="(\$HOME)?(/?[^"]*)"', re.MULTILINE)


def exports_in_downloads(
    home: Path, environment: Mapping[str, str]
) -> Iterator[ToolLocation]:
    """Yield the exports in the downloads folder, zipped or unzipped."""
    for entry in entries(_folder(home, environment)):
        path = Path(entry.path)
        if entry.is_dir(follow_symlinks=False):
            source = _of_folder(path)
        elif entry.is_file(follow_symlinks=False):
            source = _of_file(path)
        else:
            continue
        if source:
            yield ToolLocation(source, _TITLES[source], path)


def _folder(home: Path, environment: Mapping[str, str]) -> Path:
    if named := environment.get("XDG_DOWNLOAD_DIR"):
        return Path(named)
    config = Path(environment.get("XDG_CONFIG_HOME") or home / ".config")
    text = head(config / "user-dirs.dirs", _HEAD).decode(errors="replace")
    found = _FOLDER.search(text)
    if not found:
        return home / "Downloads"
    return home / found[2].strip("/") if found[1] else Path(found[2])


def _of_file(path: Path) -> str | None:
    if _ARCHIVE.fullmatch(path.name):
        return _of_archive(path)
    if _CHATS.fullmatch(path.name):
        return _of_chats(head(path, _HEAD))
    if _ACTIVITY.fullmatch(path.name):
        return _of_activity(head(path, _HEAD))
    return None


def _of_archive(path: Path) -> str | None:
    try:
        with ZipFile(path) as archive:
            names = archive.namelist()
            chats = next(filter(_CHATS.fullmatch, names), None)
            if chats:
                with archive.open(chats) as stream:
                    return _of_chats(stream.read(_HEAD))
    except Exception:  # zipfile passes on errors of struct and codecs
        return None
    if any(map(_PROJECTS.fullmatch, names)):
        return claude.SOURCE
    return _of_takeout("\n".join(names))


def _of_folder(path: Path) -> str | None:
    for name in ("conversations.json", "conversations-000.json"):
        if start := head(path / name, _HEAD):
            return _of_chats(start)
    if not path.name.lower().startswith("takeout"):
        return None
    below = [inner for folder in subfolders(path) for inner in subfolders(folder)]
    return _of_takeout("\n".join(map(str, [*subfolders(path), *below])))


def _of_chats(start: bytes) -> str | None:
    if b'"chat_messages"' in start:
        return claude.SOURCE
    return chatgpt.SOURCE if b'"mapping"' in start else None


def _of_activity(start: bytes) -> str | None:
    named = b"Gemini Apps" in start or b'"Bard"' in start
    return takeout.SOURCE if named else None


def _of_takeout(names: str) -> str | None:
    if "Gemini" in names or "Bard" in names:
        return takeout.SOURCE
    return ai_studio.SOURCE if "AI Studio" in names else None
