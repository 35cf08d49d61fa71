"""Which files at some places have changed since they were last looked at."""

import os
import stat
import time
from collections.abc import Iterable
from pathlib import Path

from promptvault.errors import UnavailableError
from promptvault.services.imports.folder_events import FolderEvents
from promptvault.services.imports.place import (
    Contents,
    Place,
    PlacedFile,
    PlaceSearch,
    contents_of,
    find_file,
    without_log,
)

Changed = dict[Path, Path]
"""Files that are new or have changed, and what an import of each is given: the file, or
a folder around it."""

_CHECK_SECONDS = 5.0
"""Interval at which it is checked which places exist: a tool may be installed."""
_LOOK_SECONDS = 600.0
"""Interval at which every file is looked at, for what the system did not report."""
_BLIND_LOOK_SECONDS = 2.0
"""The same if the system reports nothing."""
_SHARE, _BLIND_SHARE = 10_000, 50
"""Times as long as a look takes, which an interval is at least."""


class ChangedFiles:
    """Waits for changes of files. Those that are there at first count as seen."""

    def __init__(self, search: PlaceSearch) -> None:
        """*search* is repeated now and then, as there may be more places."""
        self._search = search
        self._events = FolderEvents()
        self._files: dict[str, PlacedFile] = {}
        self._places: tuple[Place, ...] = ()
        self._single: list[str] = []
        """Places that are files, which are looked at every second."""
        self._next_check = self._next_look = self._next_blind_look = 0.0
        self._look()

    @property
    def error(self) -> UnavailableError | None:
        """Why the system reports no changes, so that they are noticed late."""
        return self._events.error

    def close(self) -> None:
        """Stop the thread that receives what the system reports."""
        self._events.close()

    def wait(self) -> Changed:
        """Return the files that have changed, after some two seconds at most."""
        reported = self._events.wait()
        now = time.monotonic()
        if now >= self._next_check:
            self._next_check = now + _CHECK_SECONDS
            if self._identities() != self._seen:
                return self._look()
        if now >= self._next_look or (self.error and now >= self._next_blind_look):
            return self._look()
        return self._examine({*map(without_log, reported), *self._single})

    def names_below(self, folder: Path) -> list[str]:
        """Return the names of all known files below *folder*, relative to it."""
        start = os.path.join(folder, "")
        found = (file for file in self._files if file.startswith(start))
        return [file[len(start) :].replace(os.sep, "/") for file in found]

    def _look(self) -> Changed:
        """Find the places again, and return the files that have changed at them."""
        start = time.monotonic()
        self._places = tuple(self._search.find())
        self._seen = self._identities()
        self._single = [str(p.path) for p in self._places if os.path.isfile(p.path)]
        found = self._found([str(place.path) for place in self._places])
        self._events.follow(found.folders, afresh=True)
        for file in self._files.keys() - found.files.keys():
            del self._files[file]
        self._plan(start)
        return self._take(found)

    def _plan(self, start: float) -> None:
        """Set when to look next, after a look that began at *start*."""
        now = time.monotonic()
        took = now - start
        self._next_check = now + _CHECK_SECONDS
        self._next_look = now + max(_LOOK_SECONDS, took * _SHARE)
        self._next_blind_look = now + max(_BLIND_LOOK_SECONDS, took * _BLIND_SHARE)

    def _identities(self) -> list[tuple[int, ...] | None]:
        """Return values that differ once a place is made, removed or replaced."""
        places = [_identity(place.path) for place in self._places]
        return [*places, *map(_latest_change, self._search.hints)]

    def _examine(self, paths: set[str]) -> Changed:
        """Return which files of *paths*, or below those that are folders, changed."""
        found = self._found(
            # The others are looked at with their folder.
            [path for path in paths if os.path.dirname(path) not in paths]
        )
        self._events.follow(found.folders)
        return self._take(found)

    def _found(self, paths: Iterable[str]) -> Contents:
        """Return which of *paths*, or what below those that are folders, is wanted."""
        found = Contents({}, [])
        for path in paths:
            is_folder = os.path.isdir(path)
            for place in self._places:
                if is_folder:
                    _add(contents_of(place, path), found)
                elif file := find_file(place, path):
                    found.files.setdefault(path, file)
        return found

    def _take(self, found: Contents) -> Changed:
        """Note the files that were *found*, and return those that had changed."""
        changed = {
            Path(path): file.target
            for path, file in found.files.items()
            if self._files.get(path) != file
        }
        self._files |= found.files
        return changed


def _add(contents: Contents, total: Contents) -> None:
    """Add *contents* to *total*. If places overlap, the first one has the file."""
    for path, file in contents.files.items():
        total.files.setdefault(path, file)
    total.folders.extend(contents.folders)


def _identity(path: Path) -> tuple[int, ...] | None:
    """Return a value that stays equal if a file is replaced: that is a change of it."""
    status = _status(path)
    if status and stat.S_ISDIR(status.st_mode):
        return status.st_dev, status.st_ino
    return () if status else None


def _latest_change(folder: Path) -> tuple[int, ...] | None:
    """Return a value that differs once a file in *folder* is made or removed."""
    status = _status(folder)
    return (status.st_ino, status.st_mtime_ns) if status else None


def _status(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except (OSError, ValueError):
        return None
