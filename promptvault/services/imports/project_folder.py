"""Which projects have SpecStory's sessions in them: those that other tools know."""

import json
import re
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from pathlib import Path
from urllib.parse import unquote, urlsplit

from promptvault.importers.claude_code import source as claude_code
from promptvault.importers.places import Place
from promptvault.importers.specstory import source as specstory
from promptvault.services.folder import entries, head, subfolders

_MOST_PROJECTS = 500
_HEAD = 64 << 10
_DIRECTORY = re.compile(rb'"cwd" ?: ?("(?:[^"\\]|\\.)*")')
_WORKSPACES = "workspaceStorage"


def places(known: Iterable[Place], directory: Path) -> Iterator[Place]:
    """Yield where SpecStory's sessions may be: in *directory* and the folders above
    it, and in the projects that the tools at the *known* places were used in."""
    projects = chain([directory, *directory.parents], _used(known))
    for project in dict.fromkeys(projects):
        title = f"SpecStory in {project.name or project}"
        sessions = project / ".specstory" / "history"
        yield Place(specstory.SOURCE, title, sessions, endings=(".md",))


def _used(known: Iterable[Place]) -> Iterator[Path]:
    for place in known:
        if place.source == claude_code.SOURCE and place.path.name == "projects":
            found = map(_of_claude_code, subfolders(place.path))
        elif place.path.name == _WORKSPACES:
            found = map(_of_workspace, subfolders(place.path))
        else:
            continue
        yield from filter(None, islice(found, _MOST_PROJECTS))


def _of_claude_code(folder: Path) -> Path | None:
    """Return the project whose sessions *folder* holds; its own name is ambiguous."""
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
