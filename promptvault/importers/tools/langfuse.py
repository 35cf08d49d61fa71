"""Prompts of Langfuse: what its API answers, its bulk export, and lists of versions."""

from collections.abc import Iterator

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
from promptvault.importers.tools.prompt_versions import Prompt, Version

SOURCE = "langfuse"

_WRAPPERS = (*WRAPPERS, "prompts")
_TYPES = ("text", "chat")
_TELLING = ("labels", "config", "commitMessage", "commit_message", "resolutionGraph")
_NEWEST = "latest"
"""The label that Langfuse itself keeps on the last version."""


def probe(document: Document) -> bool:
    """Whether *document* holds prompts of Langfuse, or a list of them."""
    return any(map(_is_ours, document.sample))


def read(document: Document) -> Items:
    """Yield every prompt with all its versions in *document*."""
    prompts: dict[str, list[JsonObject]] = {}
    listed = 0
    troubles: list[Item] = []
    with document.open() as stream:
        for index, value in enumerate(values(stream, _WRAPPERS)):
            where = f"{document.name}, prompt {index + 1}"
            if isinstance(value, Damaged):
                troubles.append(Failure(where, value.reason))
            elif _is_listing(value):
                listed += len(items(members(value)["versions"]))
            elif name := text(members(value).get("name")):
                prompts.setdefault(name, []).append(members(value))
            else:
                troubles.append(Failure(where, "it is no prompt"))
    for name, rows in prompts.items():
        yield from _items(name, rows)
    if listed:
        yield Skipped("listed without its text", listed)
    yield from troubles


def _is_ours(value: JsonObject) -> bool:
    within = items(value.get("prompts"))
    rows = map(members, within[:1]) if within else [value]
    return any(_is_version(row) or _is_listing(row) for row in rows)


def _is_version(row: JsonObject) -> bool:
    key = row.get("id")
    return (
        isinstance(row.get("name"), str)
        and isinstance(row.get("prompt"), str | list)
        and not (isinstance(key, str) and key.startswith("pmpt_"))
        and (row.get("type") in _TYPES or isinstance(row.get("version"), int))
        and any(key in row for key in _TELLING)
    )


def _is_listing(value: JsonValue) -> bool:
    row = members(value)
    versions = row.get("versions")
    return (
        isinstance(row.get("name"), str)
        and isinstance(row.get("labels"), list)
        and "prompt" not in row
        and isinstance(versions, list)
        and all(isinstance(version, int) for version in versions)
    )


def _items(name: str, rows: list[JsonObject]) -> Iterator[Item]:
    versions = [_version(row, number) for number, row in enumerate(rows, 1)]
    wordy = tuple(version for version in versions if version.parts)
    tags = (text(tag) for row in rows for tag in items(row.get("tags")))
    prompt = Prompt(name, name, wordy, tags=tuple(dict.fromkeys(filter(None, tags))))
    yield from prompt_versions.candidates(prompt)
    if textless := len(versions) - len(wordy):
        yield Skipped("no text", textless)


def _version(row: JsonObject, fallback: int) -> Version:
    """Return one version; what names no number counts in the order of the file."""
    number = row.get("version")
    content = row.get("prompt")
    labels = filter(None, map(text, items(row.get("labels"))))
    return Version(
        number if isinstance(number, int) else fallback,
        prompt_versions.parts_of_messages(items(content)) or _text(content),
        tuple(label for label in labels if label != _NEWEST),
        text(members(row.get("config")).get("model")),
        moment(row.get("createdAt") or row.get("created_at")),
        is_numbered=isinstance(number, int),
    )


def _text(content: JsonValue) -> dict[str, str]:
    body = text(content)
    return {"": body} if body else {}
