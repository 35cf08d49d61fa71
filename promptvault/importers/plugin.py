"""Importers of other packages, from the entry-point group `promptvault.importers`."""

from collections.abc import Iterator
from dataclasses import replace
from importlib.metadata import EntryPoint, entry_points
from typing import NamedTuple

from promptvault.domain.imported_prompt import ImportedPrompt
from promptvault.errors import ImportSourceError
from promptvault.importers.importer import Importer
from promptvault.importers.input.candidate import (
    Candidate,
    Conversation,
    Draft,
    Failure,
    Items,
    Skipped,
)
from promptvault.importers.input.document import Document
from promptvault.importers.input.field import sanitized

GROUP = "promptvault.importers"


class Plugin(NamedTuple):
    """An importer of another package."""

    where: str
    """The entry point, for messages."""
    importer: Importer | Failure
    """A Failure if the package cannot be loaded."""


def load_plugins() -> Iterator[Plugin]:
    """Yield the plugins, sorted by the name of the entry point."""
    for entry in sorted(entry_points(group=GROUP), key=lambda entry: entry.name):
        where = f"importer {entry.name} ({entry.value})"
        yield Plugin(where, _loaded(entry, where))


def _loaded(entry: EntryPoint, where: str) -> Importer | Failure:
    try:
        loaded = entry.load()
    except Exception as error:  # importing a package may raise anything
        return Failure(where, f"it cannot be imported: {error}")
    if not isinstance(loaded, Importer):
        return Failure(where, "it is not a promptvault.importers.Importer")
    return loaded


def guard(importer: Importer, where: str, failures: list[Failure]) -> Importer:
    """Return *importer* so that an exception fails one document, not the import.

    An exception in `probe` or `skip_reason` is added to *failures* and counts as a no.
    """
    guard = _Guard(importer, where, failures)
    return replace(
        importer, probe=guard.probe, skip_reason=guard.skip_reason, read=guard.read
    )


class _Guard:
    """Calls a plugin's importer and catches whatever it raises."""

    def __init__(self, importer: Importer, where: str, failures: list[Failure]) -> None:
        self._importer = importer
        self._where = where
        self._failures = failures

    def probe(self, document: Document) -> bool:
        try:
            return bool(self._importer.probe(document))
        except Exception as error:
            self._add_failure(error)
            return False

    def skip_reason(self, document: Document) -> str | None:
        try:
            return self._importer.skip_reason(document)
        except Exception as error:
            self._add_failure(error)
            return None

    def read(self, document: Document) -> Items:
        try:
            for item in self._importer.read(document):
                wrong = Failure(
                    document.name, "the importer yielded something else than an item"
                )
                yield item if _is_sound(item) else wrong
        except ImportSourceError:
            raise
        except Exception as error:  # its message may quote the file
            reason = f"the importer failed: {type(error).__name__}"
            raise ImportSourceError(reason) from error

    def _add_failure(self, error: Exception) -> None:
        reason = f"it failed when asked about a file: {type(error).__name__}"
        failure = Failure(self._where, reason)
        if failure not in self._failures:
            self._failures.append(failure)


def _is_sound(item: object) -> bool:
    if isinstance(item, Conversation):
        return all(map(_is_sound, item.candidates))
    if isinstance(item, Candidate):
        return bool(item.drafts) and all(map(_is_sound_draft, item.drafts))
    return isinstance(item, Failure | Skipped | ImportedPrompt)


def _is_sound_draft(draft: Draft) -> bool:
    time = draft.created_at
    return draft.body == sanitized(draft.body) and (
        time is None or time.tzinfo is not None
    )
