"""Where a device stands in a vault, and whether it must begin anew."""

from collections.abc import Set
from typing import Literal, Protocol
from uuid import UUID

from promptvault.server.sync.feed import Page
from promptvault.wire.sync import Cursor, Part

Reason = Literal["epoch", "horizon"]


class Vault(Protocol):
    """What of a vault decides it."""

    @property
    def epoch(self) -> UUID:
        """Another one when the data went back in time."""

    @property
    def head_seq(self) -> int:
        """The newest sequence number."""

    @property
    def gc_horizon(self) -> int:
        """Up to where deletions are forgotten."""

    @property
    def is_mark_known(self) -> bool:
        """Whether the vault has the mark that came with the cursor."""


def reason_to_resync(cursor: Cursor, mark: UUID | None, vault: Vault) -> Reason | None:
    """Return why *cursor* is void; None where it is good.

    *mark* is the one that came with the cursor; an older device has none.
    """
    if cursor.epoch != vault.epoch and (cursor.epoch is not None or cursor.seq):
        return "epoch"
    if cursor.seq > vault.head_seq:
        return "epoch"
    if cursor.seq == 0:
        return None
    if mark is not None and not vault.is_mark_known:
        return "epoch"
    # A device that reads from the beginning passes the horizon on its way: for it
    # counts only whether the horizon moved since it began.
    safe = cursor.seq if cursor.boot is None else cursor.boot
    return "horizon" if safe < vault.gc_horizon else None


def cursor_after(cursor: Cursor, page: Page, told: Set[UUID]) -> Cursor:
    """Return where a device stands that has read *page*, and the heads of *told*."""
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
    # Left out otherwise, as an older program would not understand it.
    if part := page.part or _still(cursor.part, told):
        after.part = part
    return after


def _still(part: Part | None, told: Set[UUID]) -> Part | None:
    return None if part is None or part.item in told else part
