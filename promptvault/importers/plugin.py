"""Importers of other packages, from the entry-point group `promptvault.importers`."""

from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points
from typing import NamedTuple

from promptvault.importers.candidate import Failure
from promptvault.importers.importer import Importer

GROUP = "promptvault.importers"


class Plugins(NamedTuple):
    """What other packages bring."""

    importers: tuple[Importer, ...]
    failures: tuple[Failure, ...]
    """Those that cannot be used, and why: they spoil no import."""


@lru_cache(maxsize=1)
def load(taken: frozenset[str]) -> Plugins:
    """Return the importers of other packages, but for those of sources *taken*.

    An entry point names an `Importer`. Its own faults are its package's to mend: they
    come as failures.
    """
    found: dict[str, Importer] = {}
    failures = []
    for entry in sorted(entry_points(group=GROUP), key=lambda entry: entry.name):
        loaded = _load(entry)
        if isinstance(loaded, Failure):
            failures.append(loaded)
        elif loaded.source in taken or loaded.source in found:
            reason = f"there is a source {loaded.source!r} already"
            failures.append(Failure(_where(entry), reason))
        else:
            found[loaded.source] = loaded
    return Plugins(tuple(found.values()), tuple(failures))


def _load(entry: EntryPoint) -> Importer | Failure:
    try:
        loaded = entry.load()
    except Exception as error:  # whatever another package does when it is imported
        return Failure(_where(entry), f"it cannot be imported: {error}")
    if not isinstance(loaded, Importer):
        return Failure(
            _where(entry), "it is no promptvault.importers.importer.Importer"
        )
    return loaded


def _where(entry: EntryPoint) -> str:
    return f"importer {entry.name} ({entry.value})"
