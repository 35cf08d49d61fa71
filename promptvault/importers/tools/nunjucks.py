"""Nunjucks, the template language of promptfoo, as far as Jinja reads it alike."""

import re
from collections.abc import Iterator

from promptvault.domain.variable import Variable
from promptvault.importers.tools.template import (
    Slot,
    Wording,
    is_fit,
    mustache,
    split,
    translated,
)

_TAG = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.DOTALL)
_NAME = r"([^\W\d]\w*)"
_FILTERS = "upper|lower|trim|title|capitalize|length|safe|first|last"
_VALUE = re.compile(rf"\{{\{{-?\s*{_NAME}(?:\s*\|\s*(?:{_FILTERS}))*\s*-?\}}\}}")
_TEST = re.compile(rf"\{{%-?\s*(if|elif)\s+(?:not\s+)?{_NAME}\s*-?%\}}")
_ELSE = re.compile(r"\{%-?\s*else\s*-?%\}")
_END = re.compile(r"\{%-?\s*endif\s*-?%\}")


def wording(body: str) -> Wording:
    """Return *body* as a template of ours where that gives the same text, else as it
    is: with loops, calculations or filters of its own it is left to its owner."""
    tags = [found[0] for _, found in split(body, _TAG) if found]
    pieces = list(mustache(body))
    slots = [piece for piece in pieces if isinstance(piece, Slot)]
    if len(slots) == len(tags):
        return translated(pieces)
    names = _names(tags)
    if names is None or "\r" in body or not all(map(is_fit, names)):
        return Wording(body)
    return Wording(body, True, tuple(_variables(names)))


def _names(tags: list[str]) -> dict[str, bool] | None:
    """Return the names in *tags*, and whether each is but tested; None where a tag is
    of another kind, or a condition does not end."""
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
