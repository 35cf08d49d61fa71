"""What is counted of a vault's rows against what its account may store.

The count is the account's `stored_bytes`: what is added, replaced and purged changes it
in the same transaction, and step 0007 of the migrations counted what was there before.
"""

ROW_BYTES = 200
"""What a row takes without its payload: ids, numbers, and its places in indexes."""

REVISION_BYTES = ROW_BYTES
"""A revision has no payload. It is kept for good, and so is what it costs."""


def row_cost(payload: bytes | None) -> int:
    """Return what a head, a side or a version costs that has this payload."""
    return ROW_BYTES + len(payload or b"")
