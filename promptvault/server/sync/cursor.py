"""A device's cursor in a vault: whether it is still valid, and where it moves."""

from collections.abc import Set
from typing import Literal, Protocol
from uuid import UUID

from promptvault.server.sync.feed import Page
from promptvault.wire.sync import Cursor, Part

Reason = Literal["epoch", "horizon"]


class Vault(Protocol):
    """The state of a vault that a cursor is compared with."""

    @property
    def epoch(self) -> UUID:
        """An id that changes when the data went back in time."""

    @property
    def head_seq(self) -> int:
        """The newest sequence number."""

    @property
    def gc_horizon(self) -> int:
        """The sequence number up to which deletions are purged."""

    @property
    def is_mark_known(self) -> bool:
        """Whether the vault has the mark that came with the cursor."""


def reason_to_resync(cursor: Cursor, mark: UUID | None, vault: Vault) -> Reason | None:
    """Return why the device must read the vault again; None if *cursor* is valid.

    *mark* is the one that came with the cursor; older devices send none.
    """
    if cursor.epoch != vault.epoch and (cursor.epoch is not None or cursor.seq):
        return "epoch"
    if cursor.seq > vault.head_seq:
        return "epoch"
    if cursor.seq == 0:
        return None
    if mark is not None and not vault.is_mark_known:
        return "epoch"
    # A device that reads from the beginning passes the horizon. Its cursor is invalid
    # only if the horizon has moved since it began.
    safe = cursor.seq if cursor.boot is None else cursor.boot
    return "horizon" if safe < vault.gc_horizon else None


def cursor_after(cursor: Cursor, page: Page, answered: Set[UUID]) -> Cursor:
    """Return the cursor after a device reads *page* and the heads of *answered*."""
    if not page.more:
        return Cursor(
            epoch=page.epoch, seq=max(page.head_seq, cursor.seq), boot=None, since=None
        )
    after = Cursor(
        epoch=page.epoch,
        seq=max((e.seq for e in page.changes if e.t != "versions"), default=cursor.seq),
        boot=page.gc_horizon if cursor.seq == 0 else cursor.boot,
        since=cursor.seq if cursor.since is None else cursor.since,
    )
    # Not set otherwise, because older devices do not know this field.
    if part := page.part or _unfinished(cursor.part, answered):
        after.part = part
    return after


def _unfinished(part: Part | None, answered: Set[UUID]) -> Part | None:
    return None if part is None or part.item in answered else part
