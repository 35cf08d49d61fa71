"""What there is to import on this computer: found by looking, nothing is read in."""

import stat
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain, islice
from pathlib import Path
from typing import NamedTuple

from promptvault.importers.places import Place, System, places
from promptvault.services.folder import subfolders, walk
from promptvault.services.imports import download, log, project_folder
from promptvault.vault.reader import Reader

_MOST_ENTRIES = 100_000
"""How many files and folders of one place are looked at."""
_MOST_TARGETS = 2_000
_WINDOWS_HOMES = Path("/mnt/c/Users")
_NO_HOMES = {"All Users", "Default", "Default User", "Public"}


class Surroundings(NamedTuple):
    """Where a search starts."""

    system: System
    home: Path
    environment: Mapping[str, str]
    directory: Path
    """The one that the user is in."""
    windows_homes: Path = _WINDOWS_HOMES
    """Where Linux within Windows sees the homes of Windows."""


@dataclass(frozen=True, slots=True)
class Found:
    """A place with prompts, as it is on disk now."""

    source: str
    title: str
    path: Path
    targets: tuple[Path, ...]
    """What to import: *path* itself, or files and folders below it."""
    files: int
    size: int
    """Bytes of the files."""
    is_whole: bool
    """False where there are more files than were counted."""
    modified_at: datetime
    """When the latest of the files changed."""
    imported_at: datetime | None
    """When it, or what it lies in, was last imported; None if never or undone."""

    @property
    def is_changed(self) -> bool:
        """Whether something changed since the last import."""
        return self.imported_at is None or self.modified_at > self.imported_at


def find(reader: Reader, surroundings: Surroundings) -> list[Found]:
    """Return every place on this computer that holds prompts, sorted by title.

    What cannot be read is passed over, and symbolic links below a place are not
    followed. At most 100,000 files and folders of each place are counted.
    """
    imported = _imported(reader)
    found = (_look(place, imported) for place in _places(surroundings))
    unique = {each.targets: each for each in found if each}
    return sorted(unique.values(), key=lambda each: (each.title.lower(), each.path))


def _places(surroundings: Surroundings) -> Iterator[Place]:
    own = places(surroundings.system, surroundings.home, surroundings.environment)
    yield from own
    yield from project_folder.places(own, surroundings.directory)
    yield from download.places(surroundings.home, surroundings.environment)
    for home in _windows_homes(surroundings):
        yield from places(System.WINDOWS, home, {})
        yield from download.places(home, {})


def _windows_homes(surroundings: Surroundings) -> list[Path]:
    if not surroundings.environment.get("WSL_DISTRO_NAME"):
        return []
    homes = subfolders(surroundings.windows_homes)
    return [home for home in homes if home.name not in _NO_HOMES]


def _imported(reader: Reader) -> dict[str, datetime]:
    """Return when each path was last given to an import that stands."""
    times: dict[str, datetime] = {}
    for entry in log.entries(reader):
        if not entry.undone_at:
            for path in entry.paths:
                times.setdefault(path, entry.created_at)
    return times


def _look(place: Place, imported: Mapping[str, datetime]) -> Found | None:
    targets = tuple(_targets(place))
    entries = chain.from_iterable(map(walk, targets))
    seen = files = size = 0
    modified = 0.0
    for name, status in islice(entries, _MOST_ENTRIES):
        seen += 1
        if stat.S_ISREG(status.st_mode) and name.endswith(place.endings or ""):
            files += 1
            size += status.st_size
            modified = max(modified, status.st_mtime)
    if not size:
        return None
    return Found(
        place.source,
        place.title,
        place.path,
        targets,
        files,
        size,
        is_whole=seen < _MOST_ENTRIES,
        modified_at=datetime.fromtimestamp(modified, UTC),
        imported_at=_last_import(place, targets, imported),
    )


def _targets(place: Place) -> Iterable[Path]:
    if not place.pattern:
        return [place.path]
    found = (path for path in place.path.glob(place.pattern) if not path.is_symlink())
    return sorted(islice(found, _MOST_TARGETS))


def _last_import(
    place: Place, targets: Iterable[Path], imported: Mapping[str, datetime]
) -> datetime | None:
    paths = {*targets, place.path, *place.path.parents}
    times = [imported[str(path)] for path in paths if str(path) in imported]
    return max(times, default=None)
