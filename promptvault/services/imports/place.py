"""A file or folder from which prompts come, and the files that are there now."""

import os
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from promptvault.importers.input.document import DATABASE_ENDINGS, PRUNED_FOLDERS
from promptvault.services.folder import entries

FileState = tuple[int, ...]
"""Changes whenever a file does, its write-ahead log included."""

_LOGS = ("-wal", "-shm", "-journal")


@dataclass(frozen=True)
class Place:
    """A file or folder that may not exist yet."""

    path: Path
    pattern: str = ""
    """Glob, without `**`, of what to import below *path*; '' is *path* itself."""

    def target_of(self, file: str) -> Path | None:
        """Return what an import that reads *file* is given, None if none reads it."""
        names, wanted = self._names(file), self._wanted
        if names is None or len(names) < len(wanted) or not _match(names, wanted):
            return None
        return self.path.joinpath(*names[: len(wanted)]) if wanted else self.path

    def may_hold(self, folder: str) -> bool:
        """Return True if a file that is wanted may lie below *folder*."""
        names = self._names(folder)
        return names is not None and _match(names, self._wanted)

    @cached_property
    def _wanted(self) -> list[str]:
        return self.pattern.split("/") if self.pattern else []

    @cached_property
    def _start(self) -> str:
        return os.path.join(self.path, "")

    def _names(self, path: str) -> list[str] | None:
        """Return the names from the place to *path*, None if that lies elsewhere."""
        if path.startswith(self._start):
            return path[len(self._start) :].split(os.sep)
        return [] if path == str(self.path) else None


def _match(parts: list[str], wanted: list[str]) -> bool:
    return all(map(fnmatchcase, parts, wanted))


@dataclass(frozen=True, slots=True)
class PlaceSearch:
    """How to find places, now and later."""

    find: Callable[[], Sequence[Place]]
    hints: Sequence[Path] = ()
    """Folders in which a change means that there may be more places."""


class PlacedFile(NamedTuple):
    """A file that an import reads."""

    state: FileState
    target: Path
    """What the import is given: the file, or a folder around it."""


class Contents(NamedTuple):
    """What is below some folders."""

    files: dict[str, PlacedFile]
    folders: list[str]
    """Every folder that may hold such files, the first one included."""


def contents_of(place: Place, folder: str) -> Contents:
    """Return what *place* has below *folder*; what cannot be read is left out.

    Like an import, this follows no symbolic link but the place itself, and leaves out
    folders such as `node_modules`.
    """
    found = Contents({}, [])
    waiting = [folder] if _is_read(place, folder) else []
    while waiting:
        found.folders.append(waiting.pop())
        for entry in entries(found.folders[-1]):
            if entry.is_dir(follow_symlinks=False):
                if _is_read(place, entry.path):
                    waiting.append(entry.path)
            elif not entry.name.endswith(_LOGS) and (
                file := find_file(place, entry.path)
            ):
                found.files[entry.path] = file
    return found


def _is_read(place: Place, folder: str) -> bool:
    if folder == str(place.path):
        return os.path.isdir(folder)
    is_wanted = place.may_hold(folder)
    is_wanted = is_wanted and os.path.basename(folder) not in PRUNED_FOLDERS
    return is_wanted and not os.path.islink(folder)


def find_file(place: Place, file: str) -> PlacedFile | None:
    """Return *file* as *place* has it, None if it is not there or no regular file."""
    target = place.target_of(file)
    if not target:
        return None
    # A place itself may be a link.
    real = os.path.realpath(file) if file == str(target) else file
    states = [_state_of(real)]
    if file.endswith(DATABASE_ENDINGS):
        states.append(_state_of(f"{real}-wal"))
    return PlacedFile(tuple(_flat(states)), target) if states[0] else None


def _state_of(file: str) -> FileState | None:
    try:
        status = os.lstat(file)
    except (OSError, ValueError):
        return None
    if not stat.S_ISREG(status.st_mode):
        return None
    # A change of permissions is one of st_ctime alone.
    times = status.st_mtime_ns, status.st_ctime_ns
    return (status.st_size, *times, status.st_ino)


def _flat(states: list[FileState | None]) -> Iterator[int]:
    for state in states:
        yield from state or ()


def without_log(path: str) -> str:
    """Return the database of a log such as `x.db-wal`, any other path unchanged."""
    ending = next(filter(path.endswith, _LOGS), "")
    return path.removesuffix(ending)
