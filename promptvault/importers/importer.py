"""The interface of an importer, ours or another package's."""

from collections.abc import Callable
from dataclasses import dataclass

from promptvault.importers.input.candidate import Items
from promptvault.importers.input.document import Document


def _never_skip(_: Document) -> None:
    return None


@dataclass(frozen=True, slots=True)
class Importer:
    """One source of prompts."""

    source: str
    """Name for `--source`; also the folder of the prompts."""
    probe: Callable[[Document], bool]
    """Returns True if the document has the structure of this source. It must be fast:
    it is called for every file."""
    read: Callable[[Document], Items]
    """Yields the contents of a document. May raise ImportSourceError, nothing else."""
    generic: bool = False
    """True for a format that many programs write, such as plain text. A generic
    importer is asked last, and a document next to a chat export (an upload, a note) is
    skipped."""
    skip_reason: Callable[[Document], str | None] = _never_skip
    """Returns in a few plain words why a document that `probe` accepts is probably no
    prompt, given its location; None to read it. Such a document is only counted."""
    remembered: bool = True
    """False if a document must be read by every import, changed or not, because the
    files around it decide what is read."""
