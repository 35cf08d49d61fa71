"""The sync status of a vault: changes to send, changes held back, and conflicts."""

import json
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass, field

from promptvault.domain.prompt import Details
from promptvault.secret_scan import secrets_of_details
from promptvault.vault.sync.conflict_copy import IS_HELD
from promptvault.vault.sync.item import Hold
from promptvault.vault.sync.link import Link, find_link

_TO_SEND = """SELECT count(*) FROM (SELECT item FROM sync_changes
    UNION SELECT item FROM sync_items WHERE local_rev IS NOT base_rev AND hold IS NULL
    UNION SELECT item FROM sync_sides WHERE status = 'waiting'
    UNION SELECT item FROM sync_resolves)"""
# Older programs did not store why a conflict copy is held back.
_HELD = f"""SELECT hold, count(*) FROM (
    SELECT item, hold FROM sync_items WHERE hold IS NOT NULL
    UNION SELECT item, iif(status = 'held', 'refused', status) FROM sync_sides
        WHERE {IS_HELD})
    GROUP BY hold"""
_WITH_SECRETS = """SELECT p.name, p.title, p.description, p.tags, v.secrets != '[]'
    FROM sync_items i JOIN prompts p ON p.id = i.item
    JOIN versions v ON v.pk = p.version_pk WHERE i.hold = ?"""
_SECRET_FIELDS = ("name", "title", "description", "tags", "text")
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
    """Prompts held back, by reason; also for a conflict copy."""
    secret_fields: tuple[str, ...] = ()
    """The fields in which the prompts held back for secrets have them."""

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
        found = {*total.secret_fields, *each.secret_fields}
        total.secret_fields = tuple(filter(found.__contains__, _SECRET_FIELDS))
    return total


def sync_status(connection: sqlite3.Connection) -> SyncStatus:
    """Return the sync status of the vault."""
    held = {Hold(hold): number for hold, number in connection.execute(_HELD)}
    return SyncStatus(
        find_link(connection),
        _count(connection, _TO_SEND),
        _count(connection, _IN_CONFLICT),
        held,
        _secret_fields(connection) if Hold.SECRETS in held else (),
    )


def _secret_fields(connection: sqlite3.Connection) -> tuple[str, ...]:
    found = set()
    rows = connection.execute(_WITH_SECRETS, (Hold.SECRETS,))
    for name, title, description, tags, is_in_text in rows:
        details = Details(title, description, tuple(json.loads(tags)))
        found |= {field for field, _ in secrets_of_details(name, details)}
        found |= {"text"} if is_in_text else set()
    return tuple(field for field in _SECRET_FIELDS if field in found)


def _count(connection: sqlite3.Connection, query: str) -> int:
    return int(connection.execute(query).fetchone()[0])
