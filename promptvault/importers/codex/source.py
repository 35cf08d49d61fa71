"""Codex: sessions of the command line, the editors and the app."""

from promptvault.importers.codex.history import is_entry, read_history
from promptvault.importers.codex.rollout import is_one_object, is_record, read_rollout
from promptvault.importers.input.candidate import Items
from promptvault.importers.input.document import Document

SOURCE = "codex"


def probe(document: Document) -> bool:
    """Return True for a session file or the history of Codex."""
    return _is_rollout(document) or any(map(is_entry, document.sample))


def read(document: Document) -> Items:
    """Yield the session in *document*, or the prompts of the history.

    Raises ImportSourceError if the file cannot be read further.
    """
    is_history = any(map(is_entry, document.sample)) and not _is_rollout(document)
    return read_history(document) if is_history else read_rollout(document)


def _is_rollout(document: Document) -> bool:
    return any(map(is_record, document.sample)) or is_one_object(document)
