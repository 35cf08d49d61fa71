"""The ids in the pushes of a request, so that one query can look up all of them."""

import contextlib
from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from promptvault.server.sync.payload import UnusableError, named_versions
from promptvault.wire.sync import HeadPush, Push, ResolvePush, SidePush


class PushedIds(NamedTuple):
    """Ids by what they identify."""

    items: set[UUID]
    revisions: set[UUID]
    sides: set[UUID]
    versions: set[UUID]


def find_pushed_ids(pushes: Sequence[Push]) -> PushedIds:
    """Return all ids in *pushes*."""
    ids = PushedIds(set(), set(), set(), set())
    for push in pushes:
        ids.items.add(push.item)
        ids.revisions.add(push.rev)
        ids.sides.update(push.resolves)
        if isinstance(push, HeadPush):
            ids.revisions.update(each for each in (*push.chain, push.base) if each)
        if not isinstance(push, ResolvePush):
            ids.sides.add(push.rev)
            ids.versions.update(_versions(push))
    return ids


def _versions(push: HeadPush | SidePush) -> set[UUID]:
    ids = {version.id for version in push.versions}
    with contextlib.suppress(UnusableError):  # such a push is refused later
        ids |= named_versions(push.payload or {})
    return ids
