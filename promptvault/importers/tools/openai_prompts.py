"""Prompt objects of the OpenAI platform, saved as JSON; the platform ends them in 2026.

The format is that of the API's responses.
"""

import re
from collections.abc import Iterator
from itertools import chain

from promptvault.importers.input.candidate import Failure, Item, Items, Skipped
from promptvault.importers.input.document import Document
from promptvault.importers.input.field import as_list, as_object, as_text, as_time
from promptvault.importers.input.json_stream import (
    WRAPPERS,
    Damaged,
    JsonObject,
    JsonValue,
    json_values,
)
from promptvault.importers.tools import prompt_versions
from promptvault.importers.tools.prompt_versions import (
    SYSTEM,
    StoredPrompt,
    StoredVersion,
)

SOURCE = "openai"

_WRAPPERS = (*WRAPPERS, "prompts")
_IDS = ("id", "prompt_id", "openai_prompt_id")
_MESSAGES = ("messages", "input", "prompt", "instructions", "content")
_SYSTEM_KEYS = ("instructions", "developer_message", "system", "developer")
_TYPED = ("prompt", "template", "content", "text")
_NESTS = ("prompt", "config", "definition", "version", "latest_version", "data")
_NESTING_LIMIT = 3
_MODEL_PLACES = ("config", "model_config", "settings")
_LABELS = {"production_version": "production", "default_version": "default"}
_DIGITS = re.compile(r"\d{1,9}")


def probe(document: Document) -> bool:
    """Return True if *document* has the id of a prompt object."""
    return any(
        _prompt(row)
        for value in document.sample
        for row in [value, *map(as_object, as_list(value.get("prompts"))[:1])]
    )


def read(document: Document) -> Items:
    """Yield every prompt object in *document*, with all its versions there.

    Raises ImportSourceError if the file cannot be read further.
    """
    prompts: dict[str, list[JsonObject]] = {}
    failures: list[Item] = []
    with document.open() as stream:
        for index, value in enumerate(json_values(stream, _WRAPPERS)):
            where = f"{document.name}, prompt {index + 1}"
            if isinstance(value, Damaged):
                failures.append(Failure(where, value.reason))
            elif row := _prompt(as_object(value)):
                prompts.setdefault(_id(row) or "", []).append(row)
            else:
                failures.append(Failure(where, "it is not a prompt object"))
    for key, rows in prompts.items():
        yield from _items(key, rows)
    yield from failures


def _prompt(row: JsonObject) -> JsonObject | None:
    """Return the prompt object *row*, or the one in a response of the API.

    A response repeats the messages of its prompt as its instructions.
    """
    if _id(row):
        return row
    named = as_object(row.get("prompt"))
    if not _id(named):
        return None
    repeated = row.get("instructions")
    return {**named, "messages": repeated} if isinstance(repeated, list) else named


def _id(row: JsonObject) -> str | None:
    ids = (as_text(row.get(key)) for key in _IDS)
    return next((found for found in ids if found and found.startswith("pmpt_")), None)


def _items(key: str, rows: list[JsonObject]) -> Iterator[Item]:
    versions = tuple(chain.from_iterable(map(_versions, rows)))
    if not versions:
        yield Skipped("only a reference to a prompt, without its text")
        return

    def first(name: str) -> str | None:
        return next(filter(None, (as_text(row.get(name)) for row in rows)), None)

    name = first("name") or first("title") or key
    prompt = StoredPrompt(key, name, versions, first("description") or "")
    yield from prompt_versions.candidates(prompt)


def _versions(row: JsonObject) -> Iterator[StoredVersion]:
    labels = {_number(row.get(key)): label for key, label in _LABELS.items()}
    held = row.get("versions")
    kept = list(held.values()) if isinstance(held, dict) else as_list(held)
    for place, version in enumerate(map(as_object, kept or [row]), 1):
        if parts := _parts(version):
            number = _number(version.get("version"))
            names = (
                labels.get(number) if number is not None else None,
                "default" if version.get("is_default") is True else None,
            )
            yield StoredVersion(
                place if number is None else number,
                parts,
                tuple(filter(None, names)),
                _model(version) or _model(row),
                as_time(version.get("created_at") or version.get("created")),
                is_numbered=number is not None,
            )


def _number(value: JsonValue) -> int | None:
    """Return the number of a version, which is a number or a string."""
    found = _DIGITS.fullmatch(str(value)) if isinstance(value, str | int) else None
    return int(found[0]) if found else None


def _parts(version: JsonObject, depth: int = 0) -> dict[str, str]:
    """Return the texts in *version*: of messages, of fields, or of the object it
    wraps."""
    for key in _MESSAGES:
        if parts := prompt_versions.message_parts(as_list(version.get(key))):
            return {**_fields(version, _SYSTEM_KEYS[:1], SYSTEM), **parts}
    parts = {**_fields(version, _SYSTEM_KEYS, SYSTEM), **_fields(version, _TYPED, "")}
    if parts or depth == _NESTING_LIMIT:
        return parts
    nests = (as_object(version.get(key)) for key in _NESTS)
    return next(filter(None, (_parts(nest, depth + 1) for nest in nests)), {})


def _fields(version: JsonObject, keys: tuple[str, ...], part: str) -> dict[str, str]:
    bodies = (as_text(version.get(key)) for key in keys)
    body = next(filter(None, bodies), None)
    return {part: body} if body else {}


def _model(version: JsonObject) -> str | None:
    places = (as_object(version.get(key)) for key in _MODEL_PLACES)
    models = (as_text(place.get("model")) for place in (version, *places))
    return next(filter(None, models), None)
