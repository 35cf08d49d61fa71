"""The sync status of a vault: changes to send, changes held back, and conflicts."""

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass, field

from promptvault.vault.sync.item import Hold
from promptvault.vault.sync.link import Link, find_link

_TO_SEND = """SELECT count(*) FROM (SELECT item FROM sync_changes
    UNION SELECT item FROM sync_items WHERE local_rev IS NOT base_rev AND hold IS NULL
    UNION SELECT item FROM sync_sides WHERE status = 'waiting'
    UNION SELECT item FROM sync_resolves)"""
_HELD = "SELECT hold, count(*) FROM sync_items WHERE hold IS NOT NULL GROUP BY hold"
_IN_CONFLICT = """SELECT count(DISTINCT p.id) FROM sync_sides s
    CROSS JOIN prompts p ON p.id = s.item"""


@dataclass(slots=True)
class SyncStatus:
    """The status, without asking the server."""

    link: Link | None = None
    to_send: int = 0
    """Prompts with a change or a resolution to send."""
    conflicts: int = 0
    """Prompts with at least one conflict copy."""
    held: dict[Hold, int] = field(default_factory=dict)
    """Prompts held back, by reason."""

    @property
    def held_back(self) -> int:
        """Prompts held back, for any reason."""
        return sum(self.held.values())


def total_status(statuses: Iterable[SyncStatus]) -> SyncStatus:
    """Return the sums of several vaults, with the link of the first that has one."""
    total = SyncStatus()
    for each in statuses:
        total.link = total.link or each.link
        total.to_send += each.to_send
        total.conflicts += each.conflicts
        for hold, number in each.held.items():
            total.held[hold] = total.held.get(hold, 0) + number
    return total


def sync_status(connection: sqlite3.Connection) -> SyncStatus:
    """Return the sync status of the vault."""
    held = {Hold(hold): number for hold, number in connection.execute(_HELD)}
    return SyncStatus(
        find_link(connection),
        _count(connection, _TO_SEND),
        _count(connection, _IN_CONFLICT),
        held,
    )


def _count(connection: sqlite3.Connection, query: str) -> int:
    return int(connection.execute(query).fetchone()[0])
