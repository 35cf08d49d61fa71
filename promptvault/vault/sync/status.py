"""Where a synced vault stands: what waits, what is held back, what is in conflict."""

import sqlite3
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
class Standing:
    """The vault and its server, as far as is known here."""

    link: Link | None = None
    to_send: int = 0
    """Prompts about which the server is to hear something."""
    conflicts: int = 0
    """Prompts with something beside them that could not be merged."""
    held: dict[Hold, int] = field(default_factory=dict)
    """How many prompts are held back, by why."""

    @property
    def held_back(self) -> int:
        """How many prompts are held back."""
        return sum(self.held.values())


def standing(connection: sqlite3.Connection) -> Standing:
    """Return where the vault stands."""
    held = {Hold(hold): number for hold, number in connection.execute(_HELD)}
    return Standing(
        find_link(connection),
        _count(connection, _TO_SEND),
        _count(connection, _IN_CONFLICT),
        held,
    )


def _count(connection: sqlite3.Connection, query: str) -> int:
    return int(connection.execute(query).fetchone()[0])
