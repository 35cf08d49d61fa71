"""OpenCode: its database, the older files, and exported sessions."""

import posixpath

from promptvault.importers.input.candidate import Items
from promptvault.importers.input.document import Document
from promptvault.importers.opencode.database import is_database, read_database
from promptvault.importers.opencode.export import (
    is_export,
    read_export,
    session_version,
)
from promptvault.importers.opencode.storage import is_stored, read_stored

SOURCE = "opencode"

_KILO = "kilo"
_KILO_FROM = 7
"""OpenCode has not had this major version; Kilo's numbers continue those of its
extension."""


def probe(document: Document) -> bool:
    """Return True for sessions of OpenCode."""
    return is_known(document) and not is_of_kilo(document)


def read(document: Document) -> Items:
    """Yield the sessions in *document*.

    Raises ImportSourceError if a database is damaged, or a file cannot be read further.
    """
    if document.is_database:
        return read_database(document)
    return read_export(document) if is_export(document) else read_stored(document)


def is_known(document: Document) -> bool:
    """Return True for sessions of OpenCode or Kilo, which have the same structure."""
    if document.is_database:
        return is_database(document)
    return is_export(document) or is_stored(document)


def is_of_kilo(document: Document) -> bool:
    """Return True if the file is Kilo's, by its place or its version."""
    name = posixpath.basename(document.name).lower()
    if name.startswith(_KILO) or _KILO in _folders(document):
        return True
    if document.is_database or not is_export(document):
        return False
    major = session_version(document).partition(".")[0]
    return major.isdecimal() and int(major) >= _KILO_FROM


def _folders(document: Document) -> tuple[str, ...]:
    if document.path:
        return document.path.absolute().parts[:-1]
    return tuple(document.name.split("/"))[:-1]
