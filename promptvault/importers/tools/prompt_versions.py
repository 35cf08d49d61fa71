"""Prompts that a service stores by name and version, as texts or as messages."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import NamedTuple

from promptvault.domain.revision import validate_label
from promptvault.errors import InvalidInputError
from promptvault.importers.input.candidate import Candidate, CandidateKind, Draft
from promptvault.importers.input.field import as_list, as_object, as_text
from promptvault.importers.input.json_stream import JsonValue
from promptvault.importers.tools.template import mustache_pieces, translate

_SYSTEM_ROLES = ("system", "developer")
SYSTEM = "system"
"""The part of a version that is instructions; all others are prompts."""


class StoredVersion(NamedTuple):
    """One version of a prompt, in parts."""

    number: int
    parts: Mapping[str, str]
    """Texts by part: SYSTEM, "" for the first prompt, "2" for the second."""
    labels: tuple[str, ...] = ()
    model: str | None = None
    created_at: datetime | None = None
    is_numbered: bool = True
    """False if the number is only a position in a file, so not part of an id."""


class StoredPrompt(NamedTuple):
    """All that is stored under one name."""

    key: str
    """The service's id of the prompt, or its name."""
    name: str
    versions: tuple[StoredVersion, ...]
    description: str = ""
    tags: tuple[str, ...] = ()


def message_parts(messages: Iterable[JsonValue]) -> dict[str, str]:
    """Return the parts in chat *messages*.

    All system messages are one part, each message of a person is a part, and those of
    an assistant are dropped.
    """
    system = []
    parts: dict[str, str] = {}
    for message in map(as_object, messages):
        body = content_text(message.get("content"))
        if not body:
            continue
        if message.get("role") in _SYSTEM_ROLES:
            system.append(body)
        elif message.get("role") == "user":
            parts[str(len(parts) + 1) if parts else ""] = body
    return {SYSTEM: "\n\n".join(system), **parts} if system else parts


def content_text(content: JsonValue) -> str | None:
    """Return the text of a message's content, a string or a list of parts."""
    if isinstance(content, str):
        return as_text(content)
    said = (as_text(as_object(part).get("text")) for part in as_list(content))
    return "\n\n".join(filter(None, said)) or None


def candidates(prompt: StoredPrompt) -> Iterator[Candidate]:
    """Yield a candidate for each part of *prompt*, with versions oldest first.

    Variables are ``{{name}}`` in its texts.
    """
    versions = sorted(prompt.versions, key=lambda version: version.number)
    parts = dict.fromkeys(part for version in versions for part in version.parts)
    for part in parts:
        having = [version for version in versions if part in version.parts]
        numbers = {version.number: at for at, version in enumerate(having, 1)}
        yield Candidate(
            tuple(_draft(prompt, version, part) for version in having),
            CandidateKind.INSTRUCTIONS if part == SYSTEM else CandidateKind.PROMPT,
            title=prompt.name,
            name=_name(prompt.name, part, alone=len(parts) == 1),
            description=prompt.description,
            tags=prompt.tags,
            labels=dict(_labels(having, numbers.__getitem__)),
        )


def _name(name: str, part: str, alone: bool) -> str:
    return name if alone or not part else f"{name}-{part}"


def _draft(prompt: StoredPrompt, version: StoredVersion, part: str) -> Draft:
    wording = translate(mustache_pieces(version.parts[part]))
    key = f"{prompt.key}@{version.number}" if version.is_numbered else prompt.key
    return wording.draft(
        version.created_at, f"{key} {part}" if part else key, version.model
    )


def _labels(
    versions: Iterable[StoredVersion], place: Callable[[int], int]
) -> Iterator[tuple[str, int]]:
    for version in versions:
        for label in version.labels:
            try:
                yield validate_label(label.lower()), place(version.number)
            except InvalidInputError:
                continue
