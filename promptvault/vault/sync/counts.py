"""Counts of what a sync did."""

from dataclasses import dataclass, field


@dataclass(slots=True)
class SyncCounts:
    """What one answer of the server, or several in a row, led to."""

    sent: set[str] = field(default_factory=set)
    """Ids of the prompts that the server accepted: a long history takes several
    requests, but counts once."""
    sent_again: set[str] = field(default_factory=set)
    """Those of them whose revision the server had acknowledged before."""
    pulled: int = 0
    """Prompts set to the state of another device."""
    merged: int = 0
    """Prompts changed on both sides and merged."""
    conflicts: int = 0
    """New conflict copies: changes on both sides that could not be merged."""
    resolved: int = 0
    """Conflict copies resolved, here or on another device."""
    revived: int = 0
    """Prompts removed elsewhere that were kept for a conflict copy."""
    deleted: int = 0
    """Prompts trashed or deleted permanently because another device deleted them."""
    restored: int = 0
    """Changes that the server had lost and has accepted again."""
    reread: bool = False
    """Whether the whole vault must be read again."""

    @property
    def pushed(self) -> int:
        """The number of prompts whose changes the server accepted as new."""
        return len(self.sent - self.sent_again)

    def add(self, other: "SyncCounts") -> None:
        """Add the counts of *other*."""
        self.sent |= other.sent
        self.sent_again |= other.sent_again
        self.pulled += other.pulled
        self.merged += other.merged
        self.conflicts += other.conflicts
        self.resolved += other.resolved
        self.revived += other.revived
        self.deleted += other.deleted
        self.restored += other.restored
        self.reread = self.reread or other.reread
