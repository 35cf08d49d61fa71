"""A history too long for one request, cut into parts."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from promptvault.vault.sync.item import State
from promptvault.vault.sync.state import UnsentVersion

MOST_BYTES = 1024 * 1024
MOST_VERSIONS = 1000


class Part(NamedTuple):
    """What a prompt is while a part of its versions goes ahead."""

    state: State
    upto: str | None
    """The last version that goes along; None for all that are left."""


def is_long(unsent: Sequence[UnsentVersion]) -> bool:
    """Tell whether so many versions go in parts rather than along with something."""
    return len(unsent) > MOST_VERSIONS or sum(each.size for each in unsent) > MOST_BYTES


def parts(
    state: State, before: State | None, unsent: Sequence[UnsentVersion]
) -> Iterator[Part]:
    """Yield what goes before *state*; the last versions go with that itself.

    *before* is what the server has, which a part leaves as it is. Without it, a part
    shows the prompt as it was when its last version was made.
    """
    size, sent = 0, set[str]()
    known = {each.id for each in unsent}
    for number, version in enumerate(unsent[:-1], 1):
        size += version.size
        sent.add(version.id)
        if size >= MOST_BYTES or number % MOST_VERSIONS == 0:
            size = 0
            then = before or _as_of(state, version, known - sent)
            yield Part(then, version.id)


def _as_of(state: State, version: UnsentVersion, missing: set[str]) -> State:
    labels = {k: v for k, v in state["labels"].items() if v not in missing}
    origins = [each for each in state["origins"] if each.get("version") not in missing]
    told = {"version": version.id, "labels": labels, "origins": origins}
    return {**state, **told, "updated_at": version.created_at}
