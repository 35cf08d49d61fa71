"""Decoding of a change from the server, as far as this program can read it."""

import sqlite3
from typing import NamedTuple

from promptvault.errors import UnavailableError
from promptvault.vault.sync.item import State
from promptvault.vault.sync.version import (
    NewVersion,
    decode_version,
    is_of_other_prompt,
)
from promptvault.wire.prompt_state import check_state
from promptvault.wire.sync import Change


class DecodedChange(NamedTuple):
    """A change after decoding."""

    state: State | None
    """None if the change has none, or it cannot be read."""
    versions: list[NewVersion]
    """The versions that can be read."""
    is_readable: bool
    """Whether the state and every version that it names can be read."""


def decode_change(connection: sqlite3.Connection, change: Change) -> DecodedChange:
    """Decode a change; a version that cannot be read does not hide the others."""
    versions, unreadable = _decode_versions(connection, change)
    try:
        state = None if change.payload is None else check_state(change.payload)
    except UnavailableError:
        return DecodedChange(None, versions, is_readable=False)
    if state is None:
        is_readable = change.deleted or change.t in {"resolved", "versions"}
    else:
        is_readable = unreadable.isdisjoint(named_versions(state))
    return DecodedChange(state, versions, is_readable)


def named_versions(state: State) -> set[str]:
    """Return the ids of the versions that a state refers to."""
    return {state["version"], *state["labels"].values()}


def _decode_versions(
    connection: sqlite3.Connection, change: Change
) -> tuple[list[NewVersion], set[str]]:
    """Return the versions that can be read, and the ids of the others."""
    versions, unreadable = [], set[str]()
    for each in change.versions:
        id_ = str(each.id)
        if is_of_other_prompt(connection, id_, str(change.item)):
            unreadable.add(id_)
            continue
        try:
            versions.append(decode_version(each))
        except UnavailableError:
            unreadable.add(id_)
    return versions, unreadable
