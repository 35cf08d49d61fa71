"""What a batch of pushes names, so that it can be looked up at once."""

import contextlib
from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from promptvault.server.sync.payload import UnusableError, named_versions
from promptvault.wire.sync import HeadPush, Push, ResolvePush, SidePush


class Named(NamedTuple):
    """Ids, by what they are ids of."""

    items: set[UUID]
    revisions: set[UUID]
    sides: set[UUID]
    versions: set[UUID]


def named_by(pushes: Sequence[Push]) -> Named:
    """Return every id that *pushes* name."""
    named = Named(set(), set(), set(), set())
    for push in pushes:
        named.items.add(push.item)
        named.revisions.add(push.rev)
        named.sides.update(push.resolves)
        if isinstance(push, HeadPush):
            named.revisions.update(each for each in (*push.chain, push.base) if each)
        if not isinstance(push, ResolvePush):
            named.sides.add(push.rev)
            named.versions.update(_versions(push))
    return named


def _versions(push: HeadPush | SidePush) -> set[UUID]:
    named = {version.id for version in push.versions}
    with contextlib.suppress(UnusableError):  # which the ledger will refuse
        named |= named_versions(push.payload or {})
    return named
