"""The storage that a vault's rows are counted with, against the account's limit.

The sum is the account's `stored_bytes`. Each write and each purge changes it in the
same transaction. Migration 0007 has set it for the rows that were stored before.
"""

ROW_BYTES = 200
"""Of a row without its payload: ids, numbers, and index entries."""

REVISION_BYTES = ROW_BYTES
"""Of a revision, which has no payload. Revisions are never deleted."""


def row_cost(payload: bytes | None) -> int:
    """Return the bytes that a head, a side or a version with *payload* costs."""
    return ROW_BYTES + len(payload or b"")
