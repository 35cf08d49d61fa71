"""The importers there are, and which of them knows a document."""

from collections.abc import Callable
from dataclasses import dataclass

from promptvault.errors import InvalidInputError
from promptvault.importers import chatgpt, claude, promptvault
from promptvault.importers.candidate import Items
from promptvault.importers.document import Document

AUTO = "auto"


@dataclass(frozen=True, slots=True)
class Importer:
    """One source of prompts."""

    source: str
    probe: Callable[[Document], bool]
    """Tells by structure, cheaply, whether a document is of this source."""
    read: Callable[[Document], Items]
    """Yields all that a document holds; raises ImportSourceError at most."""
    loose: bool = False
    """True where the structure says little, as with plain text: then a document
    beside a chat export (uploads, notes, sidecars) is passed over."""


IMPORTERS = (
    Importer(chatgpt.SOURCE, chatgpt.probe, chatgpt.read),
    Importer(claude.SOURCE, claude.probe, claude.read),
    Importer(promptvault.SOURCE, promptvault.probe, promptvault.read),
)
"""Every importer, in the order in which they are asked."""


def find(document: Document, source: str = AUTO) -> Importer | None:
    """Return the importer that knows *document*, None for a document to pass over.

    *source* narrows the choice to one; that one is then taken at its word for a
    document by itself, but still asked in a container, which holds other things.
    Raises InvalidInputError for a source that there is not.
    """
    if source == AUTO:
        return next((each for each in IMPORTERS if each.probe(document)), None)
    importer = _named(source)
    alone = len(document.siblings) <= 1
    return importer if alone or importer.probe(document) else None


def _named(source: str) -> Importer:
    for importer in IMPORTERS:
        if importer.source == source:
            return importer
    known = ", ".join([AUTO, *(each.source for each in IMPORTERS)])
    raise InvalidInputError(f"There is no source {source!r}; there are {known}.")
