"""Where a synced vault stands: what waits, what is held back, what is in conflict."""

import sqlite3
from dataclasses import dataclass, field

from promptvault.vault.sync.item import Hold
from promptvault.vault.sync.link import Link, find_link
from promptvault.vault.sync.outgoing import count_outgoing

_HELD = "SELECT hold, count(*) FROM sync_items WHERE hold IS NOT NULL GROUP BY hold"
_IN_CONFLICT = """SELECT count(DISTINCT p.id) FROM sync_sides s
    JOIN prompts p ON p.id = s.item"""
_MARKS = """SELECT item, hold FROM sync_items WHERE hold IS NOT NULL"""
_CONFLICTS = "SELECT DISTINCT item FROM sync_sides"


@dataclass(slots=True)
class Standing:
    """The vault and its server, as far as is known here."""

    link: Link | None = None
    to_push: int = 0
    """Prompts with changes to send; those changed since the last sync come on top."""
    changed: int = 0
    """Prompts that have changed since the last sync."""
    conflicts: int = 0
    """Prompts with something beside them that could not be merged."""
    held: dict[Hold, int] = field(default_factory=dict)
    """How many prompts are held back, by why."""

    @property
    def held_back(self) -> int:
        """How many prompts are held back."""
        return sum(self.held.values())


@dataclass(frozen=True, slots=True)
class Marks:
    """What a list says of its prompts, by their ids."""

    conflicts: frozenset[str]
    holds: dict[str, Hold]


def standing(connection: sqlite3.Connection) -> Standing:
    """Return where the vault stands."""
    held = {Hold(hold): number for hold, number in connection.execute(_HELD)}
    return Standing(
        find_link(connection),
        count_outgoing(connection),
        _count(connection, "SELECT count(*) FROM sync_changes"),
        _count(connection, _IN_CONFLICT),
        held,
    )


def marks(connection: sqlite3.Connection) -> Marks:
    """Return which prompts are in conflict or held back."""
    conflicts = frozenset(row[0] for row in connection.execute(_CONFLICTS))
    holds = {item: Hold(hold) for item, hold in connection.execute(_MARKS)}
    return Marks(conflicts, holds)


def _count(connection: sqlite3.Connection, query: str) -> int:
    return int(connection.execute(query).fetchone()[0])
