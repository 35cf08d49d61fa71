"""Conflict copies: states that could not be merged, kept next to their prompt.

Every device of the vault holds them until one of them resolves the conflict. The
protocol and the tables call a conflict copy a side.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from promptvault.vault.sync.item import Hold, Item, State, new_rev

_ADD = """INSERT OR IGNORE INTO sync_sides (rev, item, base, status, mine, state)
    VALUES (?, ?, ?, ?, ?, ?)"""
IS_HELD = "status NOT IN ('waiting', 'open')"
"""A condition for the rows of conflict copies that are held back."""
_ADD_RESOLVE = "INSERT OR IGNORE INTO sync_resolves (item, side) VALUES (?, ?)"


class ConflictCopy(NamedTuple):
    """A conflict copy as it is stored."""

    rev: str
    item: str
    """Id of the prompt."""
    base: str | None
    """The revision that it was derived from, None if that is not known."""
    status: str
    """'waiting' to be sent, 'open' on the server, or the `Hold` that keeps it here."""
    mine: bool
    """Whether it was created on this device."""
    state: State
    writer: str | None = None
    """Name of the device that created it, None if that is not known."""


def add_conflict_copy(connection: sqlite3.Connection, item: Item, state: State) -> None:
    """Store the local state of a prompt as a conflict copy to be sent."""
    text = json.dumps(state, ensure_ascii=False)
    row = (new_rev(), item.id, item.base_rev, "waiting", True, text)
    connection.execute(_ADD, row)


def resolve_again(connection: sqlite3.Connection, rev: str, item: str) -> bool:
    """Send the resolution of a conflict copy again if there was one.

    The server has lost it. Return True if it was not yet queued.
    """
    sql = "SELECT 1 FROM sync_settled WHERE side = ?"
    if connection.execute(sql, (rev,)).fetchone() is None:
        return False
    return connection.execute(_ADD_RESOLVE, (item, rev)).rowcount == 1


def receive_conflict_copy(
    connection: sqlite3.Connection,
    rev: str,
    item: str,
    state: State,
    *,
    mine: bool,
    writer: str | None,
) -> bool:
    """Store a conflict copy that the server has; return True if it is new.

    One that is resolved here stays resolved, even if the server does not know yet.
    """
    sql = "SELECT 1 FROM sync_resolves WHERE side = ?"
    if connection.execute(sql, (rev,)).fetchone():
        return False
    set_status(connection, rev, "open")
    text = json.dumps(state, ensure_ascii=False)
    row = (rev, item, None, "open", mine, text)
    is_new = connection.execute(_ADD, row).rowcount == 1
    sql = "UPDATE sync_sides SET writer = ? WHERE rev = ?"
    connection.execute(sql, (writer, rev))
    return is_new


def set_status(connection: sqlite3.Connection, rev: str, status: str) -> None:
    """Set the status of a conflict copy; see `ConflictCopy.status`."""
    connection.execute("UPDATE sync_sides SET status = ? WHERE rev = ?", (status, rev))


def release_conflict_copies(
    connection: sqlite3.Connection, hold: Hold | None = None
) -> None:
    """Release conflict copies that are held back: for *hold*, or all if None."""
    connection.execute(
        f"""UPDATE sync_sides SET status = 'waiting'
        WHERE {IS_HELD} AND (?1 IS NULL OR status = ?1)""",
        (hold,),
    )


def delete_conflict_copy(connection: sqlite3.Connection, rev: str) -> bool:
    """Delete a resolved conflict copy and keep its id; return True if it existed."""
    record_resolved(connection, [rev])
    sql = "DELETE FROM sync_sides WHERE rev = ?"
    return connection.execute(sql, (rev,)).rowcount > 0


def record_resolved(connection: sqlite3.Connection, revs: Iterable[str]) -> None:
    """Record conflict copies as resolved, so that they are never opened again."""
    connection.executemany(
        "INSERT OR IGNORE INTO sync_settled (side) VALUES (?)",
        [(rev,) for rev in revs],
    )


def delete_conflict_copies(connection: sqlite3.Connection, prompt_id: str) -> None:
    """Delete all conflict copies of a prompt without resolving them."""
    connection.execute("DELETE FROM sync_sides WHERE item = ?", (prompt_id,))


def resolve_conflict_copy(connection: sqlite3.Connection, copy: ConflictCopy) -> None:
    """Delete a conflict copy and queue its resolution for the server.

    It is queued even if the copy was never acknowledged: the answer may be lost.
    """
    delete_conflict_copy(connection, copy.rev)
    connection.execute(_ADD_RESOLVE, (copy.item, copy.rev))


def delete_resolves(
    connection: sqlite3.Connection, item: str, revs: Iterable[str]
) -> None:
    """Remove resolutions from the queue: the server knows them."""
    connection.executemany(
        "DELETE FROM sync_resolves WHERE item = ? AND side = ?",
        [(item, rev) for rev in revs],
    )


def oldest_conflict_copy(
    connection: sqlite3.Connection, prompt_id: str
) -> ConflictCopy | None:
    """Return the oldest conflict copy of a prompt, the same one on every device."""
    found = conflict_copies(connection, prompt_id)
    return min(found, key=lambda s: (s.state["updated_at"], s.rev), default=None)


def orphaned_items(connection: sqlite3.Connection) -> list[str]:
    """Return the ids of prompts that are removed but still have a conflict copy.

    A prompt that only a newer program can read does not count as removed.
    """
    rows = connection.execute(
        """SELECT DISTINCT s.item FROM sync_sides s
        LEFT JOIN prompts p ON p.id = s.item LEFT JOIN sync_items i ON i.item = s.item
        WHERE p.id IS NULL AND i.hold IS NOT ? ORDER BY s.item""",
        (Hold.UNREADABLE,),
    )
    return [item for (item,) in rows]


def conflict_copies(
    connection: sqlite3.Connection, prompt_id: str | None = None
) -> Iterator[ConflictCopy]:
    """Yield the conflict copies of a prompt, or all if None, in a stable order."""
    rows = connection.execute(
        """SELECT rev, item, base, status, mine, state, writer FROM sync_sides
        WHERE ?1 IS NULL OR item = ?1 ORDER BY item, rev""",
        (prompt_id,),
    )
    for rev, item, base, status, mine, state, writer in rows:
        content = json.loads(state)
        yield ConflictCopy(rev, item, base, status, bool(mine), content, writer)
