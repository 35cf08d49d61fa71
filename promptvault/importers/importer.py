"""What an importer is, ours or another package's."""

from collections.abc import Callable
from dataclasses import dataclass

from promptvault.importers.input.candidate import Items
from promptvault.importers.input.document import Document


def _no_doubt(_: Document) -> None:
    return None


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
    doubt: Callable[[Document], str | None] = _no_doubt
    """Says why a document that it knows may well be no prompt where it lies, in a few
    plain words; None where it is one. Such a document is counted, not read."""
    settles: bool = True
    """False where another import, of more or less around it, may read more in it."""
