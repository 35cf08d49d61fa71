"""Conflicts: prompts with a conflict copy, and the differences of both sides."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import takewhile
from typing import Any, NamedTuple

from promptvault.domain.name import own_name
from promptvault.domain.prompt import Details, Prompt, Version
from promptvault.errors import InvalidInputError, NotFoundError
from promptvault.history.text_merge import has_conflict_markers, merge_text
from promptvault.services.prompts.prompt_document import editable_text
from promptvault.vault.reader import Reader
from promptvault.vault.sync.conflict_copy import ConflictCopy, conflict_copies
from promptvault.vault.sync.item import (
    THIS_DEVICE,
    find_item,
    find_revision,
    find_writer,
)


class ConflictSide(NamedTuple):
    """A prompt as one side has it: all that a person can change."""

    version: Version
    name: str
    details: Details
    labels: Mapping[str, int]
    """Label to version number."""


class Device(NamedTuple):
    """The device that wrote one side of a conflict."""

    name: str | None
    """The name its user gave it; None for this device or if it is not known."""
    is_this: bool

    def __str__(self) -> str:
        return "this device" if self.is_this else self.name or "another device"


class Conflict(NamedTuple):
    """A prompt and one conflict copy of it."""

    prompt: Prompt
    copy: ConflictCopy
    current: ConflictSide
    """The prompt, as `get` prints it until the conflict is resolved."""
    other: ConflictSide
    """The conflict copy."""
    base: ConflictSide | None
    """The common ancestor, None if it is not known."""
    more: int
    """The number of further conflict copies of the prompt."""
    current_by: Device
    other_by: Device

    @property
    def ours(self) -> ConflictSide:
        """The side of this device."""
        return self.other if self.copy.mine else self.current

    @property
    def theirs(self) -> ConflictSide:
        """The side of another device."""
        return self.current if self.copy.mine else self.other

    @property
    def ours_by(self) -> Device:
        """The device that wrote `ours`: not this one if both sides are of others."""
        return self.other_by if self.copy.mine else self.current_by

    @property
    def theirs_by(self) -> Device:
        """The device that wrote `theirs`."""
        return self.current_by if self.copy.mine else self.other_by

    @property
    def is_trashed(self) -> bool:
        """Whether the prompt is in the trash; it must be restored to be resolved."""
        return self.prompt.deleted_at is not None

    @property
    def differences(self) -> list[str]:
        """The fields in which both sides differ; see `comparable_fields`."""
        ours, theirs = comparable_fields(self.ours), comparable_fields(self.theirs)
        return [name for name in ours if ours[name] != theirs[name]]


def comparable_fields(side: ConflictSide) -> dict[str, Any]:
    """Return the fields of one side that a person can compare, by name."""
    content, details = side.version.content, side.details
    return {
        "text": content.body,
        "template": content.template,
        "variables": content.variables,
        "name": side.name,
        "title": details.title,
        "description": details.description,
        "tags": details.tags,
        "favourite": details.favourite,
        "secrets": "allowed" if details.secrets_allowed else "held back",
        "labels": dict(side.labels),
    }


def find_conflicts(reader: Reader) -> Iterator[Conflict]:
    """Yield all conflicts, sorted by name, the oldest of a prompt first."""
    found: dict[str, list[ConflictCopy]] = {}
    for copy in conflict_copies(reader.connection):
        found.setdefault(copy.item, []).append(copy)
    prompts = [_prompt(reader, prompt_id) for prompt_id in found]
    for prompt in sorted(filter(None, prompts), key=lambda each: each.name):
        yield from _conflicts(reader, prompt, found[prompt.id])


def find_conflict(reader: Reader, name: str) -> Conflict:
    """Return the oldest conflict of the prompt called *name*; raise NotFoundError."""
    try:
        prompt = reader.get(name)
    except NotFoundError:
        prompt = _trashed(reader, name)
    found = _conflicts(
        reader, prompt, list(conflict_copies(reader.connection, prompt.id))
    )
    first = next(found, None)
    if first is None:
        raise NotFoundError(f"{prompt.name} is not in conflict.")
    return first


def _trashed(reader: Reader, name: str) -> Prompt:
    """Return a prompt in the trash that is in conflict; *name* may be its id."""
    for conflict in find_conflicts(reader):
        if conflict.is_trashed and name in (conflict.prompt.name, conflict.prompt.id):
            return conflict.prompt
    return reader.get(name)  # raises NotFoundError with similar names


def _prompt(reader: Reader, prompt_id: str) -> Prompt | None:
    try:
        return reader.by_id(prompt_id)
    except NotFoundError:  # it has not arrived yet
        return None


def _conflicts(
    reader: Reader, prompt: Prompt, found: list[ConflictCopy]
) -> Iterator[Conflict]:
    found.sort(key=lambda copy: (copy.state["updated_at"], copy.rev))
    versions = {version.id: version for version in reader.versions(prompt)}
    current = _current_side(prompt, versions)
    for index, copy in enumerate(found):
        other = _side_of(copy.state, versions)
        if other is not None:
            base = _base(reader, copy, versions)
            more = len(found) - index - 1
            devices = _current_by(reader, copy), _device(copy.writer, copy.mine)
            yield Conflict(prompt, copy, current, other, base, more, *devices)


def _current_by(reader: Reader, copy: ConflictCopy) -> Device:
    item = find_item(reader.connection, copy.item)
    writer = find_writer(reader.connection, item) if item else None
    return _device(writer, writer is None and not copy.mine)


def _device(writer: str | None, is_mine: bool) -> Device:
    is_this = is_mine or writer == THIS_DEVICE
    return Device(None if is_this else writer, is_this)


def _current_side(prompt: Prompt, versions: Mapping[str, Version]) -> ConflictSide:
    name = own_name(prompt.name, prompt.id)
    version = versions[prompt.version_id]
    return ConflictSide(version, name, prompt.details, prompt.labels)


def _side_of(
    state: Mapping[str, Any], versions: Mapping[str, Version]
) -> ConflictSide | None:
    version = versions.get(state["version"])
    if version is None:
        return None
    details = Details(
        state["title"],
        state["description"],
        tuple(state["tags"]),
        state["favourite"],
        bool(state.get("sensitive_allowed", False)),
    )
    labels = {
        label: versions[id_].number
        for label, id_ in state["labels"].items()
        if id_ in versions
    }
    return ConflictSide(version, state["name"], details, labels)


def _base(
    reader: Reader, copy: ConflictCopy, versions: Mapping[str, Version]
) -> ConflictSide | None:
    item = find_item(reader.connection, copy.item)
    found = item and find_revision(reader.connection, item, copy.base)
    return _side_of(found.state, versions) if found and found.state else None


class MergeDocument(NamedTuple):
    """Both sides of a conflict merged into one text, to be edited."""

    text: str
    sources: tuple[str, str, str]
    """The texts that were merged: base, ours, theirs."""

    def require_no_markers(self, text: str) -> None:
        """Raise InvalidInputError if *text* contains conflict markers of this merge."""
        if has_conflict_markers(text, *self.sources):
            raise InvalidInputError(
                "There are conflict markers (<<<<<<<, =======, >>>>>>>) left;"
                " nothing was saved."
            )


def merge_document(conflict: Conflict) -> MergeDocument:
    """Return both sides merged, with conflict markers around what differs."""
    ours, theirs = (
        editable_text(side.version.content) for side in (conflict.ours, conflict.theirs)
    )
    base = conflict.base
    before = editable_text(base.version.content) if base else _common_ends(ours, theirs)
    labels = (
        f"ours (version {conflict.ours.version.number}, {conflict.ours_by})",
        "common ancestor",
        f"theirs (version {conflict.theirs.version.number}, {conflict.theirs_by})",
    )
    merged = merge_text(before, ours, theirs, labels)
    return MergeDocument(merged.text, (before, ours, theirs))


def _common_ends(ours: str, theirs: str) -> str:
    """Return the first and last lines that two texts have in common.

    They serve as the base if none is known, so that all lines between them conflict.
    """
    mine, other = ours.splitlines(keepends=True), theirs.splitlines(keepends=True)
    start = _common_start(mine, other)
    end = _common_start(mine[len(start) :][::-1], other[len(start) :][::-1])[::-1]
    return "".join((*start, *end))


def _common_start(one: Sequence[str], other: Sequence[str]) -> list[str]:
    pairs = zip(one, other, strict=False)
    return [line for line, _ in takewhile(lambda pair: pair[0] == pair[1], pairs)]
