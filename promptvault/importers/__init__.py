"""Reads the exports and files of other programs: a document in, candidate prompts out.

This package is the stable API for importers in other packages. Everything below is
imported from `promptvault.importers`; its submodules may change with any release.

A package registers an importer by an entry point in the group `promptvault.importers`,
whose value names an `Importer`::

    [project.entry-points."promptvault.importers"]
    org = "promptvault_org:IMPORTER"

`Importer(source, probe, read)` has the name of the source, which is also the folder of
its prompts, and two functions. `probe(document)` returns True if the document is of
this source. It is called for every file, so it looks at `document.head` (the first 64
KiB) or `document.sample` (the first JSON objects) and not at the whole file.
`read(document)` yields items:

`Candidate`
    A prompt from a list or a file, with its drafts, the oldest first.
`Conversation`
    The candidates of one chat, and how many texts of it were left out.
`Skipped`
    Texts left out that belong to no conversation, with the reason.
`Failure`
    An item that could not be read. The import goes on.

An importer does not write, print, ask or lock, and leaves nothing next to what it
reads. A file may be larger than memory or cut off anywhere: read it with `read_lines`
(bytes), `text_lines` (text in any encoding), `json_lines` or `json_values`.
`whole_text` reads a text file of at most 16 MiB. `open_database` and `table_names` read
SQLite databases of other programs without a lock. `read` may raise `ImportSourceError`
if the document cannot be read further; what was yielded before counts. Any other
exception is reported as a failure of the document and stops no import.

Give each `Draft` a `message_id` if the source has a stable one: a later import then
adds a changed text as a new version instead of a new prompt. Times are aware, in UTC.

Field helpers take any JSON value and never raise: `as_text` (a string with more than
white space, else None), `as_object`, `as_list` (empty for another type), `as_time` (ISO
8601, or epoch seconds or milliseconds). They return text that a file and a database can
store; pass any other text through `sanitized`.

`examples/org-importer` is a complete package.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from promptvault.errors import ImportSourceError
    from promptvault.importers.importer import Importer
    from promptvault.importers.input.candidate import (
        Candidate,
        CandidateKind,
        Conversation,
        Draft,
        Failure,
        Item,
        Items,
        Skipped,
    )
    from promptvault.importers.input.database import open_database, table_names
    from promptvault.importers.input.document import Document
    from promptvault.importers.input.encoded_text import text_lines, whole_text
    from promptvault.importers.input.field import (
        as_list,
        as_object,
        as_text,
        as_time,
        sanitized,
    )
    from promptvault.importers.input.json_stream import (
        Damaged,
        JsonObject,
        JsonValue,
        json_values,
    )
    from promptvault.importers.input.lines import json_lines, read_lines

__all__ = [
    "Candidate",
    "CandidateKind",
    "Conversation",
    "Damaged",
    "Document",
    "Draft",
    "Failure",
    "ImportSourceError",
    "Importer",
    "Item",
    "Items",
    "JsonObject",
    "JsonValue",
    "Skipped",
    "as_list",
    "as_object",
    "as_text",
    "as_time",
    "json_lines",
    "json_values",
    "open_database",
    "read_lines",
    "sanitized",
    "table_names",
    "text_lines",
    "whole_text",
]

_MODULES = (
    "importer",
    "input.candidate",
    "input.document",
    "input.field",
    "input.json_stream",
    "input.lines",
    "input.encoded_text",
    "input.database",
)


def __getattr__(name: str) -> Any:
    """Import a name when it is used: `import promptvault.importers` costs nothing."""
    if name in __all__:
        for module in _MODULES:
            found = vars(import_module(f"{__name__}.{module}")).get(name)
            if found is not None:
                globals()[name] = found
                return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
