"""Sides: what could not be merged with a prompt, kept beside it on every device."""

import json
import sqlite3
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from promptvault.vault.sync.item import Hold, Item, State, new_rev

_ADD = """INSERT OR IGNORE INTO sync_sides (rev, item, base, status, mine, state)
    VALUES (?, ?, ?, ?, ?, ?)"""


class Side(NamedTuple):
    """A side as it is stored."""

    rev: str
    item: str
    base: str | None
    status: str
    mine: bool
    """Whether it was made on this device."""
    state: State
    writer: str | None = None
    """Name of the device that it was made on, None where that is not known."""


def add_side(connection: sqlite3.Connection, item: Item, state: State) -> None:
    """Keep what is here of a prompt beside what comes from the server."""
    text = json.dumps(state, ensure_ascii=False)
    row = (new_rev(), item.id, item.base_rev, "waiting", True, text)
    connection.execute(_ADD, row)


def settle_again(connection: sqlite3.Connection, rev: str, item: str) -> bool:
    """Settle a side again if the server has lost the settlement; returns whether."""
    sql = "SELECT 1 FROM sync_settled WHERE side = ?"
    if connection.execute(sql, (rev,)).fetchone() is None:
        return False
    sql = "INSERT OR IGNORE INTO sync_resolves (item, side) VALUES (?, ?)"
    return connection.execute(sql, (item, rev)).rowcount == 1


def take_side(
    connection: sqlite3.Connection,
    rev: str,
    item: str,
    state: State,
    *,
    mine: bool,
    writer: str | None,
) -> bool:
    """Take in a side that the server has; returns whether it is news.

    One that is settled here, which the server has yet to hear, stays so.
    """
    sql = "SELECT 1 FROM sync_resolves WHERE side = ?"
    if connection.execute(sql, (rev,)).fetchone():
        return False
    set_status(connection, rev, "open")
    text = json.dumps(state, ensure_ascii=False)
    row = (rev, item, None, "open", mine, text)
    is_news = connection.execute(_ADD, row).rowcount == 1
    sql = "UPDATE sync_sides SET writer = ? WHERE rev = ?"
    connection.execute(sql, (writer, rev))
    return is_news


def set_status(connection: sqlite3.Connection, rev: str, status: str) -> None:
    """Note how far a side has come."""
    connection.execute("UPDATE sync_sides SET status = ? WHERE rev = ?", (status, rev))


def drop_side(connection: sqlite3.Connection, rev: str) -> bool:
    """Forget a side that is settled, but for its id; returns whether it was there."""
    remember_settled(connection, [rev])
    sql = "DELETE FROM sync_sides WHERE rev = ?"
    return connection.execute(sql, (rev,)).rowcount > 0


def remember_settled(connection: sqlite3.Connection, sides: Iterable[str]) -> None:
    """Note that sides are settled: they never lie beside a prompt again."""
    connection.executemany(
        "INSERT OR IGNORE INTO sync_settled (side) VALUES (?)",
        [(side,) for side in sides],
    )


def drop_sides(connection: sqlite3.Connection, prompt_id: str) -> None:
    """Forget all that lies beside a prompt."""
    connection.execute("DELETE FROM sync_sides WHERE item = ?", (prompt_id,))


def resolve_side(connection: sqlite3.Connection, side: Side) -> None:
    """Settle a side: its text is in the prompt now, or nobody wants it.

    The server may have it even where it has not said so: the answer may be lost.
    """
    drop_side(connection, side.rev)
    sql = "INSERT OR IGNORE INTO sync_resolves (item, side) VALUES (?, ?)"
    connection.execute(sql, (side.item, side.rev))


def forget_resolves(
    connection: sqlite3.Connection, item: str, sides: list[str]
) -> None:
    """Note that the server knows which sides are settled."""
    connection.executemany(
        "DELETE FROM sync_resolves WHERE item = ? AND side = ?",
        [(item, side) for side in sides],
    )


def oldest_side(connection: sqlite3.Connection, prompt_id: str) -> Side | None:
    """Return what lay beside a prompt first, the same on every device."""
    found = sides(connection, prompt_id)
    return min(found, key=lambda s: (s.state["updated_at"], s.rev), default=None)


def lone_items(connection: sqlite3.Connection) -> list[str]:
    """Return the ids of prompts that are gone, but for what lies beside them.

    One that only a newer program can read is not gone.
    """
    rows = connection.execute(
        """SELECT DISTINCT s.item FROM sync_sides s
        LEFT JOIN prompts p ON p.id = s.item LEFT JOIN sync_items i ON i.item = s.item
        WHERE p.id IS NULL AND i.hold IS NOT ? ORDER BY s.item""",
        (Hold.UNREADABLE,),
    )
    return [item for (item,) in rows]


def sides(
    connection: sqlite3.Connection, prompt_id: str | None = None
) -> Iterator[Side]:
    """Yield the sides of a prompt, or of all, in a lasting order."""
    rows = connection.execute(
        """SELECT rev, item, base, status, mine, state, writer FROM sync_sides
        WHERE ?1 IS NULL OR item = ?1 ORDER BY item, rev""",
        (prompt_id,),
    )
    for rev, item, base, status, mine, state, writer in rows:
        yield Side(rev, item, base, status, bool(mine), json.loads(state), writer)
