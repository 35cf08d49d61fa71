"""Looking into folders of which nothing is known: within limits, past what fails."""

import os
import stat
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

_MOST_ENTRIES = 100_000


def entries(folder: Path | str) -> list[os.DirEntry[str]]:
    """Return what lies in *folder* by name, nothing where it cannot be read."""
    try:
        with os.scandir(folder) as found:
            return sorted(islice(found, _MOST_ENTRIES), key=lambda entry: entry.name)
    except (OSError, ValueError):
        return []


def subfolders(folder: Path) -> list[Path]:
    """Return the folders in *folder*, without symbolic links."""
    return [Path(e.path) for e in entries(folder) if e.is_dir(follow_symlinks=False)]


def walk(path: Path) -> Iterator[tuple[str, os.stat_result]]:
    """Yield name and status of *path*, if it is a file, or of everything below it.

    *path* may be a symbolic link; those below are not followed.
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
    """Return the first *size* bytes of a file, none where it cannot be read."""
    try:
        with path.open("rb") as stream:
            return stream.read(size)
    except (OSError, ValueError):
        return b""
