"""Prompts of Langfuse: responses of its API, its bulk export, and lists of versions."""

from collections.abc import Iterator

from promptvault.importers.input.candidate import NO_TEXT, Failure, Item, Items, Skipped
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
from promptvault.importers.tools.prompt_versions import StoredPrompt, StoredVersion

SOURCE = "langfuse"

_WRAPPERS = (*WRAPPERS, "prompts")
_TYPES = ("text", "chat")
_TELLING = ("labels", "config", "commitMessage", "commit_message", "resolutionGraph")
_NEWEST = "latest"
"""The label that Langfuse keeps on the last version."""


def probe(document: Document) -> bool:
    """Return True for prompts of Langfuse, or a list of them."""
    return any(map(_is_ours, document.sample))


def read(document: Document) -> Items:
    """Yield every prompt in *document* with all its versions.

    Raises ImportSourceError if the file cannot be read further.
    """
    prompts: dict[str, list[JsonObject]] = {}
    listed = 0
    failures: list[Item] = []
    with document.open() as stream:
        for index, value in enumerate(json_values(stream, _WRAPPERS)):
            where = f"{document.name}, prompt {index + 1}"
            if isinstance(value, Damaged):
                failures.append(Failure(where, value.reason))
            elif _is_listing(value):
                listed += len(as_list(as_object(value)["versions"]))
            elif name := as_text(as_object(value).get("name")):
                prompts.setdefault(name, []).append(as_object(value))
            else:
                failures.append(Failure(where, "it is not a prompt"))
    for name, rows in prompts.items():
        yield from _items(name, rows)
    if listed:
        yield Skipped("listed without its text", listed)
    yield from failures


def _is_ours(value: JsonObject) -> bool:
    within = as_list(value.get("prompts"))
    rows = map(as_object, within[:1]) if within else [value]
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
    row = as_object(value)
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
    tags = (as_text(tag) for row in rows for tag in as_list(row.get("tags")))
    prompt = StoredPrompt(
        name, name, wordy, tags=tuple(dict.fromkeys(filter(None, tags)))
    )
    yield from prompt_versions.candidates(prompt)
    if textless := len(versions) - len(wordy):
        yield Skipped(NO_TEXT, textless)


def _version(row: JsonObject, fallback: int) -> StoredVersion:
    """Return one version; one without a number is numbered by its place in the file."""
    number = row.get("version")
    content = row.get("prompt")
    labels = filter(None, map(as_text, as_list(row.get("labels"))))
    return StoredVersion(
        number if isinstance(number, int) else fallback,
        prompt_versions.message_parts(as_list(content)) or _text(content),
        tuple(label for label in labels if label != _NEWEST),
        as_text(as_object(row.get("config")).get("model")),
        as_time(row.get("createdAt") or row.get("created_at")),
        is_numbered=isinstance(number, int),
    )


def _text(content: JsonValue) -> dict[str, str]:
    body = as_text(content)
    return {"": body} if body else {}
