"""Prompts in a promptfoo configuration, YAML or JSON, with Nunjucks variables."""

import re
from collections.abc import Iterator
from typing import Any

from promptvault.domain.variable import Variable
from promptvault.importers.input.candidate import (
    NO_TEXT,
    Candidate,
    Failure,
    Item,
    Items,
    Skipped,
)
from promptvault.importers.input.document import Document
from promptvault.importers.input.encoded_text import text_start
from promptvault.importers.input.field import as_text
from promptvault.importers.input.json_stream import Damaged, json_values
from promptvault.importers.tools import yaml_document
from promptvault.importers.tools.template import (
    Slot,
    TemplateText,
    is_variable_name,
    mustache_pieces,
    split_at,
    translate,
)

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
# Names of files, programs or other services instead of prompts.
_ELSEWHERE = re.compile(
    r"(?:[a-z]+://|exec:)\S+|\S+\.(?:txt|md|j2|json|jsonl|ya?ml|csv|[cm]?[jt]s|py|sh|rb)"
    r"(?::\w+)?"
)
_TAG = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.DOTALL)
_NAME = r"([^\W\d]\w*)"
_FILTERS = "upper|lower|trim|title|capitalize|length|safe|first|last"
_VALUE = re.compile(rf"\{{\{{-?\s*{_NAME}(?:\s*\|\s*(?:{_FILTERS}))*\s*-?\}}\}}")
_TEST = re.compile(rf"\{{%-?\s*(if|elif)\s+(?:not\s+)?{_NAME}\s*-?%\}}")
_ELSE = re.compile(r"\{%-?\s*else\s*-?%\}")
_END = re.compile(r"\{%-?\s*endif\s*-?%\}")
# A test fills in its own prompt here.
_ONLY_VARIABLE = re.compile(r"\s*\{\{[^{}]*\}\}\s*")


def probe(document: Document) -> bool:
    """Return True for a configuration with prompts, or a list of prompts for one."""
    if any(map(_is_configuration, document.sample)):
        return True
    if not yaml_document.is_yaml(document):
        return False
    if not _LISTED.search(text_start(document)):
        return False
    loaded = yaml_document.load_or_none(document)
    return _is_configuration(loaded) or _is_list(loaded)


def read(document: Document) -> Items:
    """Yield the prompts in a configuration; those in other files are counted.

    Raises ImportSourceError if the file is not valid YAML.
    """
    seen: set[str] = set()
    elsewhere = 0
    for where, prompt, label in _entries(document):
        if _is_elsewhere(prompt):
            elsewhere += 1
        elif isinstance(prompt, str):
            yield _item(prompt, label, seen)
        else:
            yield Failure(where, "it is not a prompt")
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
    """Yield location, text and label of each prompt."""
    for index, entry in enumerate(_prompts(document), 1):
        where = f"{document.name}, prompt {index}"
        if isinstance(entry, tuple):
            yield where, *entry
        elif isinstance(entry, dict):
            raw = entry.get("raw")
            label = as_text(entry.get("label")) or as_text(entry.get("id"))
            yield where, entry.get("id") if raw is None else raw, label
        else:
            yield where, entry, None


def _prompts(document: Document) -> list[Any]:
    """Return the list under `prompts`; from a mapping, pairs of text and label."""
    loaded = _loaded(document)
    if isinstance(loaded, list):
        return loaded
    prompts = loaded.get("prompts") if isinstance(loaded, dict) else None
    if isinstance(prompts, dict):
        return [(key, as_text(label)) for key, label in prompts.items()]
    return prompts if isinstance(prompts, list) else [prompts]


def _loaded(document: Document) -> Any:
    if yaml_document.is_yaml(document):
        return yaml_document.load(document)
    with document.open() as stream:
        found = (
            value for value in json_values(stream, ()) if not isinstance(value, Damaged)
        )
        return next((value for value in found if _is_configuration(value)), None)


def _is_elsewhere(prompt: object) -> bool:
    return isinstance(prompt, str) and bool(_ELSEWHERE.fullmatch(prompt.strip()))


def _item(prompt: str, label: str | None, seen: set[str]) -> Item:
    body = as_text(prompt)
    if not body or _ONLY_VARIABLE.fullmatch(body):
        return Skipped(NO_TEXT)
    # A second prompt of the same label is identified by its text alone.
    key = label if label not in seen else None
    seen.update([label] if label else [])
    draft = translate_nunjucks(body).draft(message_id=key)
    return Candidate((draft,), title=label, name=label)


def translate_nunjucks(body: str) -> TemplateText:
    """Return *body* as a template of ours if that renders to the same text.

    With loops, calculations or other filters it stays literal.
    """
    tags = [found[0] for _, found in split_at(body, _TAG) if found]
    pieces = list(mustache_pieces(body))
    slots = [piece for piece in pieces if isinstance(piece, Slot)]
    if len(slots) == len(tags):
        return translate(pieces)
    names = _names(tags)
    if names is None or "\r" in body or not all(map(is_variable_name, names)):
        return TemplateText(body)
    return TemplateText(body, True, tuple(_variables(names)))


def _names(tags: list[str]) -> dict[str, bool] | None:
    """Return the names in *tags*, each with True if it is only tested.

    Return None if a tag is of another kind, or a condition does not end.
    """
    names: dict[str, bool] = {}
    open_conditions = 0
    for tag in tags:
        if found := _VALUE.fullmatch(tag):
            names.setdefault(found[1], False)
        elif found := _TEST.fullmatch(tag):
            names[found[2]] = True
            open_conditions += found[1] == "if"
        elif _END.fullmatch(tag):
            open_conditions -= 1
        elif not tag.startswith("{#") and not _ELSE.fullmatch(tag):
            return None
        if open_conditions < (tag.startswith("{%") and not _END.fullmatch(tag)):
            return None
    return names if open_conditions == 0 else None


def _variables(names: dict[str, bool]) -> Iterator[Variable]:
    for name, is_tested in names.items():
        yield Variable(name, required=not is_tested)
