"""Listing of unknown folders: with a limit, and without errors."""

import os
import stat
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

_MOST_ENTRIES = 100_000


def entries(folder: Path | str) -> list[os.DirEntry[str]]:
    """Return the entries of *folder* by name, none if it cannot be read."""
    try:
        with os.scandir(folder) as found:
            return sorted(islice(found, _MOST_ENTRIES), key=lambda entry: entry.name)
    except (OSError, ValueError):
        return []


def subfolders(folder: Path) -> list[Path]:
    """Return the folders in *folder*, without symbolic links."""
    return [Path(e.path) for e in entries(folder) if e.is_dir(follow_symlinks=False)]


def walk(path: Path) -> Iterator[tuple[str, os.stat_result]]:
    """Yield name and status of the file *path*, or of everything below a folder.

    *path* itself may be a symbolic link; links below it are not followed.
    """
    try:
        status = path.stat()
    except (OSError, ValueError):
        return
    if not stat.S_ISDIR(status.st_mode):
        yield path.name, status
        return
    waiting = [str(path)]
    while waiting:
        for entry in entries(waiting.pop()):
            try:
                status = entry.stat(follow_symlinks=False)
            except OSError:
                continue
            if stat.S_ISDIR(status.st_mode):
                waiting.append(entry.path)
            yield entry.name, status


def head(path: Path, size: int) -> bytes:
    """Return the first *size* bytes of a file, none if it cannot be read."""
    try:
        with path.open("rb") as stream:
            return stream.read(size)
    except (OSError, ValueError):
        return b""
