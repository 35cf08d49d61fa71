"""Prompt objects of the OpenAI platform, saved as JSON before they end in 2026."""

import re
from collections.abc import Iterator
from itertools import chain

from promptvault.importers.input.candidate import Failure, Item, Items, Skipped
from promptvault.importers.input.document import Document
from promptvault.importers.input.field import items, members, moment, text
from promptvault.importers.input.json_stream import (
    WRAPPERS,
    Damaged,
    JsonObject,
    JsonValue,
    values,
)
from promptvault.importers.tools import prompt_versions
from promptvault.importers.tools.prompt_versions import SYSTEM, Prompt, Version

SOURCE = "openai"

_WRAPPERS = (*WRAPPERS, "prompts")
_IDS = ("id", "prompt_id", "openai_prompt_id")
_MESSAGES = ("messages", "input", "prompt", "instructions", "content")
_STANDING = ("instructions", "developer_message", "system", "developer")
_TYPED = ("prompt", "template", "content", "text")
_NESTS = ("prompt", "config", "definition", "version", "latest_version", "data")
_NESTING_LIMIT = 3
_MODEL_PLACES = ("config", "model_config", "settings")
_LABELS = {"production_version": "production", "default_version": "default"}
_DIGITS = re.compile(r"\d{1,9}")


def probe(document: Document) -> bool:
    """Whether *document* names a prompt object, by its id."""
    return any(
        _prompt(row)
        for value in document.sample
        for row in [value, *map(members, items(value.get("prompts"))[:1])]
    )


def read(document: Document) -> Items:
    """Yield every prompt object in *document*, with all the versions it has there."""
    prompts: dict[str, list[JsonObject]] = {}
    troubles: list[Item] = []
    with document.open() as stream:
        for index, value in enumerate(values(stream, _WRAPPERS)):
            where = f"{document.name}, prompt {index + 1}"
            if isinstance(value, Damaged):
                troubles.append(Failure(where, value.reason))
            elif row := _prompt(members(value)):
                prompts.setdefault(_id(row) or "", []).append(row)
            else:
                troubles.append(Failure(where, "it is no prompt object"))
    for key, rows in prompts.items():
        yield from _items(key, rows)
    yield from troubles


def _prompt(row: JsonObject) -> JsonObject | None:
    """Return the prompt object that *row* is, or that it was answered with.

    An answer of the API repeats the messages of its prompt as its instructions.
    """
    if _id(row):
        return row
    named = members(row.get("prompt"))
    if not _id(named):
        return None
    repeated = row.get("instructions")
    return {**named, "messages": repeated} if isinstance(repeated, list) else named


def _id(row: JsonObject) -> str | None:
    ids = (text(row.get(key)) for key in _IDS)
    return next((found for found in ids if found and found.startswith("pmpt_")), None)


def _items(key: str, rows: list[JsonObject]) -> Iterator[Item]:
    versions = tuple(chain.from_iterable(map(_versions, rows)))
    if not versions:
        yield Skipped("only a reference to a prompt, without its text")
        return

    def first(name: str) -> str | None:
        return next(filter(None, (text(row.get(name)) for row in rows)), None)

    name = first("name") or first("title") or key
    prompt = Prompt(key, name, versions, first("description") or "")
    yield from prompt_versions.candidates(prompt)


def _versions(row: JsonObject) -> Iterator[Version]:
    labels = {_number(row.get(key)): label for key, label in _LABELS.items()}
    held = row.get("versions")
    kept = list(held.values()) if isinstance(held, dict) else items(held)
    for place, version in enumerate(map(members, kept or [row]), 1):
        if parts := _parts(version):
            number = _number(version.get("version"))
            standing = (
                labels.get(number) if number is not None else None,
                "default" if version.get("is_default") is True else None,
            )
            yield Version(
                place if number is None else number,
                parts,
                tuple(filter(None, standing)),
                _model(version) or _model(row),
                moment(version.get("created_at") or version.get("created")),
                is_numbered=number is not None,
            )


def _number(value: JsonValue) -> int | None:
    """Return the number of a version, which comes as a number or as text."""
    found = _DIGITS.fullmatch(str(value)) if isinstance(value, str | int) else None
    return int(found[0]) if found else None


def _parts(version: JsonObject, depth: int = 0) -> dict[str, str]:
    """Return the texts in *version*: messages, or fields by themselves, or those of
    the object that it wraps."""
    for key in _MESSAGES:
        if parts := prompt_versions.parts_of_messages(items(version.get(key))):
            return {**_fields(version, _STANDING[:1], SYSTEM), **parts}
    parts = {**_fields(version, _STANDING, SYSTEM), **_fields(version, _TYPED, "")}
    if parts or depth == _NESTING_LIMIT:
        return parts
    nests = (members(version.get(key)) for key in _NESTS)
    return next(filter(None, (_parts(nest, depth + 1) for nest in nests)), {})


def _fields(version: JsonObject, keys: tuple[str, ...], part: str) -> dict[str, str]:
    bodies = (text(version.get(key)) for key in keys)
    body = next(filter(None, bodies), None)
    return {part: body} if body else {}


def _model(version: JsonObject) -> str | None:
    places = (members(version.get(key)) for key in _MODEL_PLACES)
    models = (text(place.get("model")) for place in (version, *places))
    return next(filter(None, models), None)
