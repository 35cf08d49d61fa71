"""What a change says, as far as this program can read it."""

import sqlite3
from typing import NamedTuple

from promptvault.errors import UnavailableError
from promptvault.vault.sync.item import State
from promptvault.vault.sync.version import NewVersion, is_foreign, received
from promptvault.wire.prompt_state import check_state
from promptvault.wire.sync import Change


class Told(NamedTuple):
    """A change that was read."""

    state: State | None
    """None where there is none, or nobody here can read it."""
    versions: list[NewVersion]
    """Those that can be read."""
    is_readable: bool
    """Whether its state, and every version which that names, can be read."""


def read_change(connection: sqlite3.Connection, change: Change) -> Told:
    """Read a change; one odd version in it hides no other."""
    versions, lost = _read_versions(connection, change)
    try:
        state = None if change.payload is None else check_state(change.payload)
    except UnavailableError:
        return Told(None, versions, is_readable=False)
    if state is None:
        is_readable = change.deleted or change.t in {"resolved", "versions"}
    else:
        is_readable = lost.isdisjoint(named_versions(state))
    return Told(state, versions, is_readable)


def named_versions(state: State) -> set[str]:
    """Return the ids of the versions that a state cannot do without."""
    return {state["version"], *state["labels"].values()}


def _read_versions(
    connection: sqlite3.Connection, change: Change
) -> tuple[list[NewVersion], set[str]]:
    """Return the versions that can be read, and the ids of the others."""
    versions, lost = [], set[str]()
    for each in change.versions:
        id_ = str(each.id)
        if is_foreign(connection, id_, str(change.item)):
            lost.add(id_)
            continue
        try:
            versions.append(received(each))
        except UnavailableError:
            lost.add(id_)
    return versions, lost
