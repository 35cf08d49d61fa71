"""Importers of other packages, from the entry-point group `promptvault.importers`."""

from collections.abc import Iterator
from importlib.metadata import EntryPoint, entry_points
from typing import NamedTuple

from promptvault.importers.candidate import Failure
from promptvault.importers.importer import Importer

GROUP = "promptvault.importers"


class Plugin(NamedTuple):
    """An importer of another package."""

    where: str
    """The entry point that names it."""
    importer: Importer | Failure
    """Its own faults are its package's to mend: they come as a failure."""


def found() -> Iterator[Plugin]:
    """Yield what other packages bring; each entry point names an `Importer`."""
    for entry in sorted(entry_points(group=GROUP), key=lambda entry: entry.name):
        where = f"importer {entry.name} ({entry.value})"
        yield Plugin(where, _loaded(entry, where))


def _loaded(entry: EntryPoint, where: str) -> Importer | Failure:
    try:
        loaded = entry.load()
    except Exception as error:  # whatever another package does when it is imported
        return Failure(where, f"it cannot be imported: {error}")
    if not isinstance(loaded, Importer):
        return Failure(where, "it is no promptvault.importers.importer.Importer")
    return loaded
