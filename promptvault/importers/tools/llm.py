"""Templates of simonw/llm: YAML files with a prompt and a system prompt."""

import string
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

from promptvault.importers.input.candidate import (
    NO_TEXT,
    Candidate,
    CandidateKind,
    Failure,
    Items,
    Skipped,
)
from promptvault.importers.input.document import Document
from promptvault.importers.input.encoded_text import text_start
from promptvault.importers.input.field import as_text
from promptvault.importers.tools import llm_log, yaml_document
from promptvault.importers.tools.template import INPUT, Piece, Slot, split_at, translate

SOURCE = "llm"

_FOLDER = "templates"
_TEXTS = ("prompt", "system")
_KEYS = {
    *_TEXTS,
    "attachments",
    "attachment_types",
    "defaults",
    "extract",
    "extract_last",
    "fragments",
    "functions",
    "model",
    "name",
    "options",
    "schema_object",
    "system_fragments",
    "tools",
}
_PATTERN = string.Template.pattern


def probe(document: Document) -> bool:
    """Return True for a template, or the database that llm logs to."""
    if document.is_database:
        return llm_log.is_log(document)
    if not yaml_document.is_yaml(document):
        return False
    head = text_start(document)
    if document.folder != _FOLDER and not any(key in head for key in _TEXTS):
        return False
    return _is_template(yaml_document.load_or_none(document), document)


def read(document: Document) -> Items:
    """Yield the prompts of a template, or those in the log.

    Raises ImportSourceError if the file is neither valid YAML nor a database.
    """
    if document.is_database:
        yield from llm_log.read(document)
        return
    loaded = yaml_document.load(document)
    if not _is_template(loaded, document):
        yield Failure(document.name, "it is not a template")
        return
    fields = {"prompt": loaded} if isinstance(loaded, str) else loaded
    found = tuple(_candidates(fields, PurePosixPath(document.name).stem))
    yield from found or [Skipped(NO_TEXT)]


def _is_template(loaded: object, document: Document) -> bool:
    """Return True for a template; a bare text is one in llm's own folder."""
    if isinstance(loaded, str):
        return document.folder == _FOLDER
    return (
        isinstance(loaded, dict)
        and loaded.keys() <= _KEYS
        and any(isinstance(loaded.get(key), str) for key in _TEXTS)
    )


def _candidates(fields: Mapping[str, Any], name: str) -> Iterator[Candidate]:
    prompt, system = (as_text(fields.get(key)) for key in _TEXTS)
    given = fields.get("defaults")
    defaults = given if isinstance(given, dict) else {}
    model = as_text(fields.get("model"))
    for body, kind in (
        (prompt, CandidateKind.PROMPT),
        (system, CandidateKind.INSTRUCTIONS),
    ):
        if body:
            called = (
                f"{name}-system"
                if kind is not CandidateKind.PROMPT and prompt
                else name
            )
            draft = translate(_pieces(body, defaults)).draft(None, called, model)
            yield Candidate((draft,), kind, title=called, name=called)


def _pieces(body: str, defaults: Mapping[Any, Any]) -> Iterator[Piece]:
    """Split a text by the rules of Python's string.Template.

    ``$input``, ``$name`` and ``${name}`` are filled in, ``$$`` is one sign, any other
    sign is literal.
    """
    for literal, found in split_at(body, _PATTERN):
        yield literal
        name = found and (found["named"] or found["braced"])
        if found and not name:
            yield "$"
        elif name == "input":
            yield INPUT
        elif name:
            default = defaults.get(name)
            yield Slot(name, None if default is None else str(default))
