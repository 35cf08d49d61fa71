"""The digest by which a device and the server see that they hold the same prompts."""

import hashlib
from collections.abc import Iterable
from uuid import UUID

SIZE = 32
"""Bytes."""


def entry(item: UUID, rev: UUID) -> int:
    """Return what a live prompt at a revision adds to the digest, or takes from it."""
    return int.from_bytes(hashlib.sha256(item.bytes + rev.bytes).digest())


def vault_digest(heads: Iterable[tuple[UUID, UUID]]) -> bytes:
    """Return the digest of a vault from each live prompt's id and revision."""
    total = 0
    for item, rev in heads:
        total ^= entry(item, rev)
    return total.to_bytes(SIZE)
