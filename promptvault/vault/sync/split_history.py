"""Histories that are too long for one request, split into parts."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from promptvault.vault.sync.item import State
from promptvault.vault.sync.state import UnsentVersion

PART_BYTES = 1024 * 1024
PART_VERSIONS = 1000


class HistoryPart(NamedTuple):
    """The state that is sent with a part of a prompt's versions."""

    state: State
    upto: str | None
    """Id of the last version that is sent with it; None sends all that are left."""


def needs_split(unsent: Sequence[UnsentVersion]) -> bool:
    """Return True if so many versions do not fit into one request."""
    return len(unsent) > PART_VERSIONS or sum(each.size for each in unsent) > PART_BYTES


def history_parts(
    state: State, before: State | None, unsent: Sequence[UnsentVersion]
) -> Iterator[HistoryPart]:
    """Yield the parts to send before *state*, which carries the last versions itself.

    *unsent* holds the versions that the server lacks, oldest first. *before* is the
    state on the server: a part leaves it unchanged. If it is None, a part shows the
    prompt as it was when the part's last version was created.
    """
    size, sent = 0, set[str]()
    known = {each.id for each in unsent}
    for number, version in enumerate(unsent[:-1], 1):
        size += version.size
        sent.add(version.id)
        if size >= PART_BYTES or number % PART_VERSIONS == 0:
            size = 0
            then = before or _as_of(state, version, known - sent)
            yield HistoryPart(then, version.id)


def _as_of(state: State, version: UnsentVersion, missing: set[str]) -> State:
    labels = {k: v for k, v in state["labels"].items() if v not in missing}
    origins = [each for each in state["origins"] if each.get("version") not in missing]
    return {
        **state,
        "version": version.id,
        "labels": labels,
        "origins": origins,
        "updated_at": version.created_at,
    }
