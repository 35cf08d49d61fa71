"""Finds what can be imported on this computer, without reading it."""

import json
import re
import stat
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain, islice
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from promptvault.importers.locations.agent import AIDER_CHATS, AIDER_INPUT
from promptvault.importers.locations.known import tool_locations
from promptvault.importers.locations.location import System, ToolLocation
from promptvault.services.folder import entries, head, subfolders, walk
from promptvault.services.imports import log
from promptvault.services.imports.downloads import (
    downloads_folder,
    exports_in_downloads,
)
from promptvault.services.imports.place import Place, PlaceSearch
from promptvault.vault.reader import Reader

_MAX_ENTRIES = 100_000
"""Files and folders of one location that are counted at most."""
_MAX_TARGETS = 2_000
_MAX_PROJECTS = 500
_HEAD = 64 << 10
_DIRECTORY = re.compile(rb'"cwd" ?: ?("(?:[^"\\]|\\.)*")')
_WORKSPACES = "workspaceStorage"
_WINDOWS_HOMES = Path("/mnt/c/Users")
_NO_HOMES = {"All Users", "Default", "Default User", "Public"}


class SearchContext(NamedTuple):
    """What a search depends on: the system, and where it starts."""

    system: System
    home: Path
    environment: Mapping[str, str]
    directory: Path
    """The current directory."""
    sources: frozenset[str] = frozenset()
    """The sources to find; all if it is empty."""
    windows_homes: Path = _WINDOWS_HOMES
    """Where Linux in Windows (WSL) has the home folders of Windows."""


@dataclass(frozen=True, slots=True)
class DiscoveredSource:
    """A location with prompts, as it is on disk now."""

    source: str
    title: str
    path: Path
    targets: tuple[Path, ...]
    """What to import: *path* itself, or files and folders below it."""
    files: int
    size: int
    """Total size of the files in bytes."""
    is_whole: bool
    """False if there are more files than were counted."""
    modified_at: datetime
    """Time of the latest change of a file."""
    imported_at: datetime | None
    """Time of the last import of it or of a folder around it; None if there is none, or
    it was undone."""
    pattern: str = ""
    """Glob of the targets below *path*; '' if *path* is the only one."""

    @property
    def place(self) -> Place:
        """What to watch for further targets, and for changes of these."""
        return Place(self.path, self.pattern)

    @property
    def is_changed(self) -> bool:
        """True if a file changed since the last import."""
        return self.imported_at is None or self.modified_at > self.imported_at


def discover_sources(reader: Reader, context: SearchContext) -> list[DiscoveredSource]:
    """Return every location on this computer that holds prompts, sorted by title.

    What cannot be read is skipped, and symbolic links below a location are not
    followed. At most 100,000 files and folders of each location are counted.
    """
    imported = _imported(reader)
    found = (_measure(location, imported) for location in _locations(context))
    unique = {each.targets: each for each in found if each}
    return sorted(unique.values(), key=lambda each: (each.title.lower(), each.path))


def place_search(context: SearchContext) -> PlaceSearch:
    """Return the search for every place where prompts are, or may be later."""

    def find() -> list[Place]:
        return [Place(each.path, each.pattern) for each in _locations(context)]

    return PlaceSearch(find, [downloads_folder(context.home, context.environment)])


def _locations(context: SearchContext) -> Iterator[ToolLocation]:
    for location in _all_locations(context):
        if not context.sources or location.source in context.sources:
            yield location


def _all_locations(context: SearchContext) -> Iterator[ToolLocation]:
    own = tool_locations(context.system, context.home, context.environment)
    yield from own
    yield from _project_locations(own, context.directory)
    yield from exports_in_downloads(context.home, context.environment)
    for home in _windows_homes(context):
        yield from tool_locations(System.WINDOWS, home, {})
        yield from exports_in_downloads(home, {})


def _windows_homes(context: SearchContext) -> list[Path]:
    if not context.environment.get("WSL_DISTRO_NAME"):
        return []
    homes = subfolders(context.windows_homes)
    return [home for home in homes if home.name not in _NO_HOMES]


def _imported(reader: Reader) -> dict[str, datetime]:
    """Return when each path was last imported; undone imports do not count."""
    times: dict[str, datetime] = {}
    for record in log.read_imports(reader):
        if not record.undone_at:
            for path in record.paths:
                times.setdefault(path, record.created_at)
    return times


def _measure(
    location: ToolLocation, imported: Mapping[str, datetime]
) -> DiscoveredSource | None:
    targets = tuple(_targets(location))
    entries = chain.from_iterable(map(walk, targets))
    seen = files = size = 0
    modified = 0.0
    for name, status in islice(entries, _MAX_ENTRIES):
        seen += 1
        if stat.S_ISREG(status.st_mode) and name.endswith(location.endings or ""):
            files += 1
            size += status.st_size
            modified = max(modified, status.st_mtime)
    if not size:
        return None
    return DiscoveredSource(
        location.source,
        location.title,
        location.path,
        targets,
        files,
        size,
        is_whole=seen < _MAX_ENTRIES,
        modified_at=datetime.fromtimestamp(modified, UTC),
        imported_at=_last_import(location, targets, imported),
        pattern=location.pattern,
    )


def _targets(location: ToolLocation) -> Iterable[Path]:
    if not location.pattern:
        return [location.path]
    found = (
        path for path in location.path.glob(location.pattern) if not path.is_symlink()
    )
    return sorted(islice(found, _MAX_TARGETS))


def _last_import(
    location: ToolLocation, targets: Iterable[Path], imported: Mapping[str, datetime]
) -> datetime | None:
    paths = {*targets, location.path, *location.path.parents}
    times = [imported[str(path)] for path in paths if str(path) in imported]
    return max(times, default=None)


def _project_locations(
    known: Iterable[ToolLocation], directory: Path
) -> Iterator[ToolLocation]:
    """Yield where the sessions of tools may be that store them in a project.

    That is in *directory* and the folders above it, and in the projects in which the
    tools at the *known* locations were used.
    """
    projects = chain([directory, *directory.parents], _used(known))
    for project in dict.fromkeys(projects):
        name = project.name or project
        sessions = project / ".specstory" / "history"
        yield ToolLocation(
            "specstory", f"SpecStory in {name}", sessions, endings=(".md",)
        )
        chats, typed = project / AIDER_CHATS, project / AIDER_INPUT
        yield ToolLocation("aider", f"Aider in {name}", chats)
        yield ToolLocation("aider", f"Aider input in {name}", typed)


def _used(known: Iterable[ToolLocation]) -> Iterator[Path]:
    for location in known:
        if location.source == "claude-code" and location.path.name == "projects":
            found = map(_of_claude_code, subfolders(location.path))
        elif location.path.name == _WORKSPACES:
            found = map(_of_workspace, subfolders(location.path))
        else:
            continue
        yield from filter(None, islice(found, _MAX_PROJECTS))


def _of_claude_code(folder: Path) -> Path | None:
    """Return the project whose sessions are in *folder*; its name is ambiguous."""
    sessions = [e.path for e in entries(folder) if e.name.endswith(".jsonl")]
    found = sessions and _DIRECTORY.search(head(Path(sessions[0]), _HEAD))
    if not found:
        return None
    try:
        return _absolute(json.loads(found[1]))
    except ValueError:
        return None


def _of_workspace(folder: Path) -> Path | None:
    try:
        url = urlsplit(json.loads(head(folder / "workspace.json", _HEAD))["folder"])
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    if url.scheme != "file":
        return None
    path = unquote(url.path)
    # Windows writes file:///c%3A/work.
    return _absolute(path[1:] if re.match(r"/[A-Za-z]:", path) else path)


def _absolute(path: str) -> Path | None:
    project = Path(path)
    return project if project.is_absolute() and "\0" not in path else None
