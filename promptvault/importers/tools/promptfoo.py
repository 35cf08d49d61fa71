"""Prompts in a promptfoo configuration, YAML or JSON."""

import re
from collections.abc import Iterator
from typing import Any

from promptvault.importers.input.candidate import (
    Candidate,
    Failure,
    Item,
    Items,
    Skipped,
)
from promptvault.importers.input.document import Document
from promptvault.importers.input.encoded_text import start
from promptvault.importers.input.field import text
from promptvault.importers.input.json_stream import Damaged, values
from promptvault.importers.tools import nunjucks, yaml_document

SOURCE = "promptfoo"

_TELLING = {
    "commandLineOptions",
    "defaultTest",
    "derivedMetrics",
    "evaluateOptions",
    "nunjucksFilters",
    "outputPath",
    "providers",
    "redteam",
    "scenarios",
    "targets",
    "tests",
}
_LISTED = re.compile(r"^[\"']?prompts[\"']?[ \t]*:|^- +(?:id|label|raw)[ \t]*:", re.M)
# What names a file, a program or another service rather than being a prompt.
_ELSEWHERE = re.compile(
    r"(?:[a-z]+://|exec:)\S+|\S+\.(?:txt|md|j2|json|jsonl|ya?ml|csv|[cm]?[jt]s|py|sh|rb)"
    r"(?::\w+)?"
)
# A test's own prompt goes in here.
_ONLY_VARIABLE = re.compile(r"\s*\{\{[^{}]*\}\}\s*")


def probe(document: Document) -> bool:
    """Whether *document* is a configuration with prompts, or a list of prompts that
    one refers to."""
    if any(map(_is_configuration, document.sample)):
        return True
    if not yaml_document.is_yaml(document):
        return False
    if not _LISTED.search(start(document)):
        return False
    loaded = yaml_document.find(document)
    return _is_configuration(loaded) or _is_list(loaded)


def read(document: Document) -> Items:
    """Yield the prompts in a configuration; those kept in other files are counted.

    Raises ImportSourceError for a file that is no YAML.
    """
    seen: set[str] = set()
    elsewhere = 0
    for where, prompt, label in _entries(document):
        if _is_elsewhere(prompt):
            elsewhere += 1
        elif isinstance(prompt, str):
            yield _item(prompt, label, seen)
        else:
            yield Failure(where, "it is no prompt")
    if elsewhere:
        yield Skipped("prompt in another file", elsewhere)


def _is_configuration(loaded: object) -> bool:
    return (
        isinstance(loaded, dict)
        and isinstance(loaded.get("prompts"), str | list | dict)
        and not _TELLING.isdisjoint(loaded)
    )


def _is_list(loaded: object) -> bool:
    return (
        isinstance(loaded, list)
        and any(isinstance(row, dict) and "raw" in row for row in loaded)
        and all(isinstance(row, str) or _is_row(row) for row in loaded)
    )


def _is_row(row: object) -> bool:
    return isinstance(row, dict) and not {"raw", "id"}.isdisjoint(row)


def _entries(document: Document) -> Iterator[tuple[str, Any, str | None]]:
    """Yield where each prompt stands, what it is, and what it is called."""
    for index, entry in enumerate(_prompts(document), 1):
        where = f"{document.name}, prompt {index}"
        if isinstance(entry, tuple):
            yield where, *entry
        elif isinstance(entry, dict):
            raw = entry.get("raw")
            label = text(entry.get("label")) or text(entry.get("id"))
            yield where, entry.get("id") if raw is None else raw, label
        else:
            yield where, entry, None


def _prompts(document: Document) -> list[Any]:
    """Return what stands under `prompts`; from a mapping, pairs of text and label."""
    loaded = _loaded(document)
    if isinstance(loaded, list):
        return loaded
    prompts = loaded.get("prompts") if isinstance(loaded, dict) else None
    if isinstance(prompts, dict):
        return [(key, text(label)) for key, label in prompts.items()]
    return prompts if isinstance(prompts, list) else [prompts]


def _loaded(document: Document) -> Any:
    if yaml_document.is_yaml(document):
        return yaml_document.load(document)
    with document.open() as stream:
        found = (
            value for value in values(stream, ()) if not isinstance(value, Damaged)
        )
        return next((value for value in found if _is_configuration(value)), None)


def _is_elsewhere(prompt: object) -> bool:
    return isinstance(prompt, str) and bool(_ELSEWHERE.fullmatch(prompt.strip()))


def _item(prompt: str, label: str | None, seen: set[str]) -> Item:
    body = text(prompt)
    if not body or _ONLY_VARIABLE.fullmatch(body):
        return Skipped("no text")
    # What has the label of another is known by its text alone.
    key = label if label not in seen else None
    seen.update([label] if label else [])
    draft = nunjucks.wording(body).draft(message_id=key)
    return Candidate((draft,), title=label, name=label)
