"""The digest by which a device and the server check that they hold the same prompts.

It is the XOR of one SHA-256 for each live prompt, so that it can be updated prompt by
prompt.
"""

import hashlib
from collections.abc import Iterable
from uuid import UUID

SIZE = 32
"""Bytes."""


def head_digest(item: UUID, rev: UUID) -> int:
    """Return the value of a live prompt; XOR adds it to the digest, or removes it."""
    return int.from_bytes(hashlib.sha256(item.bytes + rev.bytes).digest())


def vault_digest(heads: Iterable[tuple[UUID, UUID]]) -> bytes:
    """Return the digest of a vault from the id and revision of each live prompt."""
    total = 0
    for item, rev in heads:
        total ^= head_digest(item, rev)
    return total.to_bytes(SIZE)
