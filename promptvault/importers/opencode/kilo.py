"""Kilo: the agent built on OpenCode, with its own files. Older versions of the editor's
extension are read as tasks of Cline."""

from promptvault.importers.input.candidate import Items
from promptvault.importers.input.document import Document
from promptvault.importers.opencode import source

SOURCE = "kilo"


def probe(document: Document) -> bool:
    """Return True for sessions of Kilo."""
    return source.is_known(document) and source.is_of_kilo(document)


def read(document: Document) -> Items:
    """Yield the sessions in *document*, as `source.read` does."""
    return source.read(document)
