"""Files that people write data in: YAML, JSON or JSON Lines, told by their names."""

import json
from pathlib import PurePath
from typing import Any

from promptvault.errors import ImportSourceError, InvalidInputError
from promptvault.importers.tools import yaml_document

_JSON, _LINES, _YAML = (".json",), (".jsonl", ".ndjson"), (".yaml", ".yml")


def load(text: str, name: str) -> Any:
    """Return what *text* of the file *name* holds; times in YAML stay text.

    Of JSON Lines, the list of its rows. A name that tells nothing leaves it to the
    text. Raises InvalidInputError, also for a key that stands twice.
    """
    text = text.removeprefix("\ufeff")
    if not text.strip():
        raise InvalidInputError("it is empty.")
    ending = PurePath(name).suffix.lower()
    if ending in _YAML:
        return _yaml(text)
    if ending in _LINES:
        return _lines(text)
    if ending in _JSON:
        return _json(text, 1)
    return _told_by_text(text)


def _told_by_text(text: str) -> Any:
    """Return what *text* holds: JSON is YAML, too, but a list of lines is not."""
    lines = [line for line in text.splitlines() if line.strip()]
    starts_rows = all(line.lstrip().startswith("{") for line in lines)
    if starts_rows and len(lines) > 1:
        return _lines(text)
    if text.lstrip().startswith(("{", "[")):
        return _json(text, 1)
    return _yaml(text)


def _lines(text: str) -> list[Any]:
    numbered = enumerate(text.split("\n"), 1)
    return [_json(line, number) for number, line in numbered if line.strip()]


def _json(text: str, line: int) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_unique)
    except json.JSONDecodeError as error:
        where = f"line {line + error.lineno - 1}, column {error.colno}"
        raise InvalidInputError(f"it is no JSON ({where}: {error.msg}).") from None
    except (ValueError, RecursionError):
        message = "it is nested too deeply, or a number in it is too long."
        raise InvalidInputError(message) from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise InvalidInputError(f"the key {twice!r} stands twice in one place.")
    return fields


def _yaml(text: str) -> Any:
    try:
        loaded = yaml_document.parse(text)
    except ImportSourceError as error:
        raise InvalidInputError(f"{error}.") from None
    twice = yaml_document.repeated_key(text)
    if twice is not None:
        key, line = twice
        raise InvalidInputError(
            f"the key {key!r} stands twice in one place (line {line})."
        )
    return loaded
