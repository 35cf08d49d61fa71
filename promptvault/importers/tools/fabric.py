"""Patterns of Fabric: one folder each, with the prompt in system.md."""

import re
from collections.abc import Iterator
from itertools import islice
from pathlib import PurePosixPath

from promptvault.importers.input.candidate import NO_TEXT, Candidate, Items, Skipped
from promptvault.importers.input.document import Document
from promptvault.importers.input.encoded_text import LARGEST, text_start, whole_text
from promptvault.importers.input.field import as_text
from promptvault.importers.tools.template import INPUT, Piece, Slot, split_at, translate

SOURCE = "fabric"

_FILES = ("system.md", "user.md")
_IDENTITY = re.compile(r"^#+[ \t]*IDENTITY (?:AND|&) \w+", re.MULTILINE | re.IGNORECASE)
_OTHERS = re.compile(r"^#+[ \t]*(?:OUTPUT INSTRUCTIONS|STEPS|INPUT)\b", re.MULTILINE)
_ENDS_IN_INPUT = re.compile(
    r"(?:^|\n)[# \t*]*INPUT[ \t*]*:?[ \t*]*\s*\Z", re.IGNORECASE
)
_TOKEN = re.compile(r"\{\{([^{}]+)\}\}")
_NAME = re.compile(r"[^\W\d][\w.-]*")


def probe(document: Document) -> bool:
    """Return True for a pattern: by its headings, or as system.md or user.md next to
    others."""
    if not document.name.lower().endswith(".md") or document.size > LARGEST:
        return False
    if _base(document) in _FILES and _is_among_patterns(document):
        return True
    head = text_start(document)
    is_pattern = _IDENTITY.search(head) and _OTHERS.search(head)
    return bool(is_pattern) and not head.startswith("---")


def read(document: Document) -> Items:
    """Yield the pattern's prompt, as a template if it takes input."""
    body = as_text(whole_text(document))
    if not body:
        yield Skipped(NO_TEXT)
        return
    is_user = _base(document) == "user.md"
    pattern = document.folder if _base(document) in _FILES else ""
    pattern = pattern or PurePosixPath(document.name).stem
    name = f"{pattern}-user" if is_user else pattern
    draft = translate(_pieces(body, is_user)).draft(message_id=name)
    yield Candidate((draft,), title=pattern.replace("_", " "), name=name)


def _base(document: Document) -> str:
    return PurePosixPath(document.name).name.lower()


def _is_among_patterns(document: Document) -> bool:
    """Return True if its folder has both files, or is next to folders with a
    system.md."""
    folder = document.name[: -len(_base(document))]
    if {f"{folder}{name}" for name in _FILES} <= document.siblings:
        return True
    around = folder.rstrip("/").rpartition("/")[0]
    prefix = f"{around}/" if around else ""
    depth = prefix.count("/") + 1
    patterns = (
        name
        for name in document.siblings
        if name.endswith("/system.md")
        and name.count("/") == depth
        and name.startswith(prefix)
    )
    return bool(folder) and len(tuple(islice(patterns, 2))) == 2


def _pieces(body: str, is_user: bool) -> Iterator[Piece]:
    """Split a pattern at ``{{input}}`` and ``{{name}}``.

    Calls of plugins stay. If the input has no place, Fabric appends it; a pattern that
    ends in a heading for it is made for that.
    """
    pieces = list(_tokens(body))
    yield from pieces
    if not is_user and INPUT not in pieces and _ENDS_IN_INPUT.search(body):
        yield "" if body.endswith("\n") else "\n"
        yield INPUT


def _tokens(body: str) -> Iterator[Piece]:
    for literal, found in split_at(body, _TOKEN):
        yield literal
        if found and found[1] == "input":
            yield INPUT
        elif found:
            yield Slot(found[1]) if _NAME.fullmatch(found[1]) else found[0]
