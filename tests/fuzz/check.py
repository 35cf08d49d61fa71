"""The contract of importers for any bytes: items or a documented error, in time."""

import io
import time
import zlib
from collections.abc import Iterator

from promptvault.domain.imported_prompt import ImportedPrompt
from promptvault.errors import ImportSourceError
from promptvault.importers import registry
from promptvault.importers.importer import Importer
from promptvault.importers.input.candidate import (
    Candidate,
    Conversation,
    Failure,
    Item,
    Skipped,
)
from promptvault.importers.input.document import Document, documents_in

SECONDS = 2.0
"""Processor time that one file of at most 64 KiB may take in one importer."""

_OTHERS = 3

IMPORTERS = tuple(registry.importers())


class BrokenContractError(AssertionError):
    """An importer broke its contract."""


def document(data: bytes, name: str, siblings: frozenset[str]) -> Document:
    """Return *data* as a file of a folder that contains *siblings*."""
    return Document(name, len(data), lambda: io.BytesIO(data), siblings)


def check(data: bytes, source: str, names: list[str]) -> None:
    """Give *data* to its importer under each of *names*, and to a few others.

    Which others depends on *data* alone: all of them for each file would take nine
    tenths of the time. Raises what an importer should not raise, and
    BrokenContractError for an item that is none, a text that cannot be saved, or too
    much time.
    """
    choice = zlib.crc32(data)
    for name in names:
        siblings = frozenset({name, "other"} if choice & 1 else ())
        _find(data, name, siblings)
        _read(_named(source), data, name, siblings)
    for turn in range(_OTHERS):
        other = IMPORTERS[(choice + turn) % len(IMPORTERS)]
        _read(other, data, "file", frozenset())
    _read_as_given(data)


def check_all(data: bytes, name: str) -> None:
    """Give *data* to every importer; raises as `check` does."""
    _find(data, name, frozenset())
    _find(data, name, frozenset({name, "other"}))
    for importer in IMPORTERS:
        _read(importer, data, name, frozenset())
    _read_as_given(data)


def _named(source: str) -> Importer:
    return next(each for each in IMPORTERS if each.source == source)


def _find(data: bytes, name: str, siblings: frozenset[str]) -> None:
    start = time.process_time()
    found = registry.find_importer(document(data, name, siblings))
    _measure(start, "find")
    if found:
        _read(found, data, name, siblings)


def _read(importer: Importer, data: bytes, name: str, siblings: frozenset[str]) -> None:
    start = time.process_time()
    try:
        for item in importer.read(document(data, name, siblings)):
            inspect(item)
    except ImportSourceError as error:
        str(error).encode()
    _measure(start, importer.source)


def _read_as_given(data: bytes) -> None:
    """Read *data* as an import does: it may be an archive."""
    start = time.process_time()
    try:
        for found in documents_in(io.BytesIO(data)):
            if isinstance(found, Document) and (known := registry.find_importer(found)):
                for item in known.read(found):
                    inspect(item)
    except ImportSourceError:
        pass
    _measure(start, "archive")


def _measure(start: float, what: str) -> None:
    spent = time.process_time() - start
    if spent > SECONDS:
        raise BrokenContractError(f"{what} took {spent:.1f} s")


def inspect(item: Item) -> None:
    """Raise BrokenContractError for an item that cannot be saved as it is."""
    for text in _texts(item):
        if not isinstance(text, str) or "\0" in text:
            raise BrokenContractError(f"{text!r} cannot be saved")
        text.encode()  # which a lone surrogate does not allow


def _texts(item: Item) -> Iterator[object]:
    """Yield every text of *item*, the empty ones left out."""
    if isinstance(item, Conversation):
        yield from item.skipped
        for candidate in item.candidates:
            yield from _texts(candidate)
    elif isinstance(item, Candidate):
        yield from _texts_of(item)
    elif isinstance(item, Failure):
        yield from (item.where, item.reason)
    elif isinstance(item, Skipped):
        yield item.reason
    elif not isinstance(item, ImportedPrompt):
        raise BrokenContractError(f"{type(item).__name__} is no item")


def _texts_of(candidate: Candidate) -> Iterator[object]:
    if not candidate.drafts:
        raise BrokenContractError("a candidate has no draft")
    for draft in candidate.drafts:
        yield draft.body
        if not draft.body.strip():
            raise BrokenContractError("a prompt is blank")
        if draft.created_at and draft.created_at.utcoffset() is None:
            raise BrokenContractError("a time has no zone")
        yield from filter(None, (draft.message_id, draft.model))
        for variable in draft.variables:
            yield from (variable.name, variable.description, variable.default or "")
    title, key = candidate.conversation_title, candidate.conversation_id
    yield from filter(None, (title, key, candidate.url, candidate.title))
    yield from (candidate.name or "", candidate.description)
    yield from (*candidate.tags, *candidate.labels)
