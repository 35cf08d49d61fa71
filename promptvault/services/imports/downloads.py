"""Finds exports of chats in the downloads folder, by their structure."""

import io
import re
from collections.abc import Iterable, Iterator, Mapping
from heapq import nlargest
from itertools import islice
from os import DirEntry
from pathlib import Path, PurePosixPath
from zipfile import ZipFile

from promptvault.importers import registry
from promptvault.importers.files import csv_file, dataset
from promptvault.importers.input.document import Document
from promptvault.importers.input.json_prefix import completed
from promptvault.importers.locations.location import ToolLocation
from promptvault.services.folder import entries, head, subfolders

_HEAD = 64 << 10
_MOST_ENTRIES = 500
"""Entries of the folder that are looked at, the newest first."""
_MOST_PROBED = 100
"""Files that are parsed in one search."""
_MOST_MEMBERS = 8
"""Files that are looked at in one archive or folder."""
_ENDINGS = (".json", ".jsonl", ".csv", ".md", ".html")
_MARKS = re.compile(
    rb"""chat_messages|"(?:mapping|author|sender|role|chatId|fragments|messages
    |conversations|requests|prompt_template|query|query_str|chunkedPrompt|responses
    |projectHash|sessionId|header)"|Gemini|Bard|outer-cell|^_?\*\*_?User|SpecStory
    |^\W{0,3}"?Conversation"?,""",
    re.VERBOSE | re.MULTILINE,
)
"""What a chat has somewhere in its start. This is quick; an importer then decides."""
_TITLES = {
    "chatgpt": "ChatGPT export",
    "claude": "Claude export",
    "deepseek": "DeepSeek export",
    "le-chat": "Le Chat export",
    "gemini": "Gemini in Google Takeout",
    "ai-studio": "AI Studio in Google Takeout",
}
_FOLDER = re.compile(r'^XDG_DOWNLOAD_DIR="(\$HOME)?(/?[^"]*)"', re.MULTILINE)


def exports_in_downloads(
    home: Path, environment: Mapping[str, str]
) -> Iterator[ToolLocation]:
    """Yield the exports in the downloads folder, zipped, unzipped or single files.

    The newest 500 entries of the folder are looked at.
    """
    folder = downloads_folder(home, environment)
    probe = _Probe()
    for entry in nlargest(_MOST_ENTRIES, entries(folder), key=_modified):
        path = Path(entry.path)
        if entry.is_symlink():
            continue
        source = probe.folder(path) if entry.is_dir() else probe.file(path)
        if source:
            title = _TITLES.get(source, f"Chats of {source}")
            yield ToolLocation(source, title, path)


def _modified(entry: DirEntry[str]) -> float:
    try:
        return entry.stat(follow_symlinks=False).st_mtime
    except OSError:
        return 0.0


def downloads_folder(home: Path, environment: Mapping[str, str]) -> Path:
    """Return the folder for downloads, which XDG's settings may move."""
    if named := environment.get("XDG_DOWNLOAD_DIR"):
        return Path(named)
    config = Path(environment.get("XDG_CONFIG_HOME") or home / ".config")
    text = head(config / "user-dirs.dirs", _HEAD).decode(errors="replace")
    found = _FOLDER.search(text)
    if not found:
        return home / "Downloads"
    return home / found[2].strip("/") if found[1] else Path(found[2])


class _Probe:
    """Asks the importers about the starts of files, up to a limit."""

    def __init__(self) -> None:
        self._left = _MOST_PROBED

    def file(self, path: Path) -> str | None:
        """Return the source of an archive or a file, None if it is no export."""
        name = path.name.lower()
        if name.endswith(".zip"):
            return self._archive(path)
        return self._start(path.name, head(path, _HEAD)) if _may_be(name) else None

    def folder(self, path: Path) -> str | None:
        """Return the source of an unpacked archive, or of a folder of archives."""
        if path.name.lower().startswith("takeout"):
            below = [each for folder in subfolders(path) for each in subfolders(folder)]
            return _of_takeout("\n".join(map(str, [*subfolders(path), *below])))
        files = (each for each in entries(path) if each.is_file(follow_symlinks=False))
        wanted = (Path(each.path) for each in files if _may_be(each.name, ".zip"))
        return _first(map(self.file, islice(wanted, _MOST_MEMBERS)))

    def _archive(self, path: Path) -> str | None:
        try:
            with ZipFile(path) as archive:
                names = archive.namelist()
                if names and names[0].lower().startswith("takeout"):
                    return _of_takeout("\n".join(names))
                wanted = sorted(filter(_may_be, names), key=_depth)
                return _first(
                    self._member(archive, name) for name in wanted[:_MOST_MEMBERS]
                )
        except Exception:  # zipfile passes on errors of struct and codecs
            return None

    def _member(self, archive: ZipFile, name: str) -> str | None:
        with archive.open(name) as stream:
            return self._start(name, stream.read(_HEAD))

    def _start(self, name: str, start: bytes) -> str | None:
        """Return the source of a file that begins with *start*."""
        if self._left <= 0 or not _MARKS.search(start):
            return None
        self._left -= 1
        if PurePosixPath(name).suffix.lower() in (".json", ".jsonl"):
            start = completed(start)
        document = Document(name, len(start), lambda: io.BytesIO(start))
        found = next((i for i in registry.importers() if i.probe(document)), None)
        return found.source if found and _is_of_chats(found.source, document) else None


def _depth(name: str) -> int:
    return name.count("/")


def _may_be(name: str, *more: str) -> bool:
    return name.lower().endswith((*_ENDINGS, *more))


def _first(sources: Iterable[str | None]) -> str | None:
    return next(filter(None, sources), None)


def _is_of_chats(source: str, document: Document) -> bool:
    """Return True unless *source* is a generic format, and the file holds no chats."""
    if source == "dataset":
        return dataset.holds_chats(document)
    if source == "csv":
        return csv_file.holds_chats(document)
    return not registry.is_generic(source)


def _of_takeout(names: str) -> str | None:
    """Return the source of the product that Takeout has put into a folder."""
    if "Gemini" in names or "Bard" in names:
        return "gemini"
    return "ai-studio" if "AI Studio" in names else None
