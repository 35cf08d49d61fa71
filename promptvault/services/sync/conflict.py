"""What sync could not merge: found, and both sides of it compared."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import takewhile
from typing import Any, NamedTuple

from promptvault.domain.name import own_name
from promptvault.domain.prompt import Details, Prompt, Version
from promptvault.errors import InvalidInputError, NotFoundError
from promptvault.history.text_merge import has_conflict_markers, merge_text
from promptvault.services.prompts.prompt_document import editable_text
from promptvault.vault.reader import Reader
from promptvault.vault.sync.conflict_copy import Side, sides
from promptvault.vault.sync.item import (
    THIS_DEVICE,
    find_item,
    find_revision,
    find_writer,
)


class Wording(NamedTuple):
    """A prompt as one side has it: its text, and all else a person can change."""

    version: Version
    name: str
    details: Details
    labels: Mapping[str, int]
    """Label to version number."""


class Device(NamedTuple):
    """Which device wrote a side, in words for people."""

    name: str | None
    """What its user calls it, None for this device and for one of an unknown name."""
    is_this: bool

    def __str__(self) -> str:
        return "this device" if self.is_this else self.name or "another device"


class Conflict(NamedTuple):
    """A prompt, and what could not be merged with it."""

    prompt: Prompt
    side: Side
    """What lies beside the prompt."""
    present: Wording
    """What `get` prints until this is settled."""
    beside: Wording
    base: Wording | None
    """What both come from, where that is known."""
    waiting: int
    """How many more lie beside the same prompt."""
    present_by: Device
    beside_by: Device

    @property
    def ours(self) -> Wording:
        """What was made on this device."""
        return self.beside if self.side.mine else self.present

    @property
    def theirs(self) -> Wording:
        """What another device made."""
        return self.present if self.side.mine else self.beside

    @property
    def ours_by(self) -> Device:
        """Which device wrote `ours`: where no side is of this one, another."""
        return self.beside_by if self.side.mine else self.present_by

    @property
    def theirs_by(self) -> Device:
        """Which device wrote `theirs`."""
        return self.present_by if self.side.mine else self.beside_by

    @property
    def is_trashed(self) -> bool:
        """Whether the prompt is in the trash, where nothing can be settled."""
        return self.prompt.deleted_at is not None

    @property
    def differences(self) -> list[str]:
        """In what both sides differ: 'text', 'title', 'tags' and the like."""
        ours, theirs = parts_of(self.ours), parts_of(self.theirs)
        return [name for name in ours if ours[name] != theirs[name]]


def parts_of(wording: Wording) -> dict[str, Any]:
    """Return what a person can compare of a wording, by the names they know."""
    content, details = wording.version.content, wording.details
    return {
        "text": content.body,
        "template": content.template,
        "variables": content.variables,
        "name": wording.name,
        "title": details.title,
        "description": details.description,
        "tags": details.tags,
        "favourite": details.favourite,
        "secrets": "allowed" if details.secrets_allowed else "held back",
        "labels": dict(wording.labels),
    }


def find_all(reader: Reader) -> Iterator[Conflict]:
    """Yield every conflict, by name, the oldest of a prompt first."""
    found: dict[str, list[Side]] = {}
    for side in sides(reader.connection):
        found.setdefault(side.item, []).append(side)
    prompts = [_prompt(reader, prompt_id) for prompt_id in found]
    for prompt in sorted(filter(None, prompts), key=lambda each: each.name):
        yield from _conflicts(reader, prompt, found[prompt.id])


def find(reader: Reader, name: str) -> Conflict:
    """Return the oldest conflict of the prompt called *name*; raises NotFoundError."""
    try:
        prompt = reader.get(name)
    except NotFoundError:
        prompt = _trashed(reader, name)
    found = _conflicts(reader, prompt, list(sides(reader.connection, prompt.id)))
    first = next(found, None)
    if first is None:
        raise NotFoundError(f"{prompt.name} is not in conflict.")
    return first


def _trashed(reader: Reader, name: str) -> Prompt:
    """Return a prompt in the trash that is in conflict."""
    for conflict in find_all(reader):
        if conflict.is_trashed and name in (conflict.prompt.name, conflict.prompt.id):
            return conflict.prompt
    return reader.get(name)  # which says what names there are


def _prompt(reader: Reader, prompt_id: str) -> Prompt | None:
    try:
        return reader.by_id(prompt_id)
    except NotFoundError:  # it has yet to arrive
        return None


def _conflicts(reader: Reader, prompt: Prompt, found: list[Side]) -> Iterator[Conflict]:
    found.sort(key=lambda side: (side.state["updated_at"], side.rev))
    versions = {version.id: version for version in reader.versions(prompt)}
    present = _present(prompt, versions)
    for index, side in enumerate(found):
        beside = _wording(side.state, versions)
        if beside is not None:
            base = _base(reader, side, versions)
            left = len(found) - index - 1
            devices = _present_by(reader, side), _device(side.writer, side.mine)
            yield Conflict(prompt, side, present, beside, base, left, *devices)


def _present_by(reader: Reader, side: Side) -> Device:
    item = find_item(reader.connection, side.item)
    writer = find_writer(reader.connection, item) if item else None
    return _device(writer, writer is None and not side.mine)


def _device(writer: str | None, is_mine: bool) -> Device:
    is_this = is_mine or writer == THIS_DEVICE
    return Device(None if is_this else writer, is_this)


def _present(prompt: Prompt, versions: Mapping[str, Version]) -> Wording:
    name = own_name(prompt.name, prompt.id)
    version = versions[prompt.version_id]
    return Wording(version, name, prompt.details, prompt.labels)


def _wording(
    state: Mapping[str, Any], versions: Mapping[str, Version]
) -> Wording | None:
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
    return Wording(version, state["name"], details, labels)


def _base(
    reader: Reader, side: Side, versions: Mapping[str, Version]
) -> Wording | None:
    item = find_item(reader.connection, side.item)
    found = item and find_revision(reader.connection, item, side.base)
    return _wording(found.state, versions) if found and found.state else None


class Manuscript(NamedTuple):
    """Both sides of a conflict as one text, for an editor."""

    text: str
    sources: tuple[str, str, str]
    """What it was made of: the base, ours, theirs."""

    def require_settled(self, text: str) -> None:
        """Raise InvalidInputError where *text* still has marks of a conflict."""
        if has_conflict_markers(text, *self.sources):
            raise InvalidInputError(
                "There are conflict markers (<<<<<<<, =======, >>>>>>>) left;"
                " nothing was saved."
            )


def manuscript(conflict: Conflict) -> Manuscript:
    """Return both sides merged, with markers where they do not fit together."""
    ours, theirs = (
        editable_text(wording.version.content)
        for wording in (conflict.ours, conflict.theirs)
    )
    base = conflict.base
    before = editable_text(base.version.content) if base else _ends(ours, theirs)
    labels = (
        f"ours (version {conflict.ours.version.number}, {conflict.ours_by})",
        "what both come from",
        f"theirs (version {conflict.theirs.version.number}, {conflict.theirs_by})",
    )
    merged = merge_text(before, ours, theirs, labels)
    return Manuscript(merged.text, (before, ours, theirs))


def _ends(ours: str, theirs: str) -> str:
    """Return the lines that two texts begin and end with, for want of a base.

    All between them is shown as it is on both sides: nothing is merged by a guess.
    """
    mine, other = ours.splitlines(keepends=True), theirs.splitlines(keepends=True)
    start = _start(mine, other)
    end = _start(mine[len(start) :][::-1], other[len(start) :][::-1])[::-1]
    return "".join((*start, *end))


def _start(one: Sequence[str], other: Sequence[str]) -> list[str]:
    pairs = zip(one, other, strict=False)
    return [line for line, _ in takewhile(lambda pair: pair[0] == pair[1], pairs)]
