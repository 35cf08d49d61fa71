"""Prompts that a service keeps by name and version, as texts or as messages."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import NamedTuple

from promptvault.domain.revision import validate_label
from promptvault.errors import InvalidInputError
from promptvault.importers.input.candidate import Candidate, Draft, Kind
from promptvault.importers.input.field import items, members, text
from promptvault.importers.input.json_stream import JsonValue
from promptvault.importers.tools.template import mustache, translated

_STANDING = ("system", "developer")
SYSTEM = "system"
"""The part of a version that is standing instructions; all others are prompts."""


class Version(NamedTuple):
    """One version of a prompt, in its parts."""

    number: int
    parts: Mapping[str, str]
    """SYSTEM, "" for the (first) prompt, "2" for the second one, to their texts."""
    labels: tuple[str, ...] = ()
    model: str | None = None
    created_at: datetime | None = None
    is_numbered: bool = True
    """False where the number is only a place in a file, so no part of an id."""


class Prompt(NamedTuple):
    """What is kept under one name."""

    key: str
    """What the service knows it by: its id or its name."""
    name: str
    versions: tuple[Version, ...]
    description: str = ""
    tags: tuple[str, ...] = ()


def parts_of_messages(messages: Iterable[JsonValue]) -> dict[str, str]:
    """Return the parts that chat *messages* hold: all system messages as one, and
    each message of a person by itself. What an assistant says is none of them."""
    standing = []
    parts: dict[str, str] = {}
    for message in map(members, messages):
        body = content_text(message.get("content"))
        if not body:
            continue
        if message.get("role") in _STANDING:
            standing.append(body)
        elif message.get("role") == "user":
            parts[str(len(parts) + 1) if parts else ""] = body
    return {SYSTEM: "\n\n".join(standing), **parts} if standing else parts


def content_text(content: JsonValue) -> str | None:
    """Return what a message says in text, be it a string or a list of parts."""
    if isinstance(content, str):
        return text(content)
    said = (text(members(part).get("text")) for part in items(content))
    return "\n\n".join(filter(None, said)) or None


def candidates(prompt: Prompt) -> Iterator[Candidate]:
    """Yield a candidate for each part of *prompt*, its versions oldest first.

    Variables stand as ``{{name}}`` in its texts.
    """
    versions = sorted(prompt.versions, key=lambda version: version.number)
    parts = dict.fromkeys(part for version in versions for part in version.parts)
    for part in parts:
        having = [version for version in versions if part in version.parts]
        numbers = {version.number: at for at, version in enumerate(having, 1)}
        yield Candidate(
            tuple(_draft(prompt, version, part) for version in having),
            Kind.INSTRUCTIONS if part == SYSTEM else Kind.PROMPT,
            title=prompt.name,
            name=_name(prompt.name, part, alone=len(parts) == 1),
            description=prompt.description,
            tags=prompt.tags,
            labels=dict(_labels(having, numbers.__getitem__)),
        )


def _name(name: str, part: str, alone: bool) -> str:
    return name if alone or not part else f"{name}-{part}"


def _draft(prompt: Prompt, version: Version, part: str) -> Draft:
    wording = translated(mustache(version.parts[part]))
    key = f"{prompt.key}@{version.number}" if version.is_numbered else prompt.key
    return wording.draft(
        version.created_at, f"{key} {part}" if part else key, version.model
    )


def _labels(
    versions: Iterable[Version], place: Callable[[int], int]
) -> Iterator[tuple[str, int]]:
    for version in versions:
        for label in version.labels:
            try:
                yield validate_label(label.lower()), place(version.number)
            except InvalidInputError:
                continue
