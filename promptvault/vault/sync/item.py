"""Prompts as revisions: what the server has, what stands here, and how it came so."""

import json
import sqlite3
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

State = dict[str, Any]
"""A prompt as it goes over the wire; see `wire.prompt_state.PromptState`."""

_KEPT = 128
"""Revisions of a prompt that are remembered: those of which the server is told, and as
many of which it has told us."""

_COLUMNS = "pk, item, local_rev, base_rev, base_live, hold"


class Hold(StrEnum):
    """Why a change is not sent."""

    LIMIT = "limit"
    """The account has as many prompts as its tier allows."""
    STORAGE = "storage"
    """The account stores as many bytes as its tier allows."""
    SECRETS = "secrets"
    TOO_LARGE = "too_large"
    HISTORY = "history"
    """The server keeps no more versions of one prompt."""
    FORBIDDEN = "forbidden"
    """The account may read only."""
    REFUSED = "refused"
    """The server finds something wrong with it."""
    UNREADABLE = "unreadable"
    """What another device made of it is nothing that this program can read."""


PLAN_HOLDS = frozenset({Hold.LIMIT, Hold.STORAGE})
"""What another plan would let through."""


@dataclass(slots=True)
class Item:
    """A prompt that is synced."""

    pk: int
    id: str
    local_rev: str
    base_rev: str | None
    base_live: bool
    """Whether it lives on the server, perhaps at a revision that ours may or may not
    come from: then `base_rev` is None until the server says so."""
    hold: str | None

    @property
    def is_clean(self) -> bool:
        """Whether the server has it as it is here."""
        return self.local_rev == self.base_rev


class Revision(NamedTuple):
    """What a prompt was."""

    rev: str
    parent: str | None
    deleted: bool
    upto: str | None
    """The last version that goes along; None for all, '' for none."""
    state: State | None
    """None where nothing is left of the prompt."""
    line: Sequence[str] = ()
    """Revisions between it and its parent, newest first; only their ids are known."""


def find_item(connection: sqlite3.Connection, prompt_id: str) -> Item | None:
    """Return the prompt with this id, None where sync knows none."""
    sql = f"SELECT {_COLUMNS} FROM sync_items WHERE item = ?"
    row = connection.execute(sql, (prompt_id,)).fetchone()
    return Item(*row) if row else None


def find_items(
    connection: sqlite3.Connection, prompt_ids: Iterable[str]
) -> dict[str, Item]:
    """Return those of the prompts that sync knows, by id."""
    sql = f"""SELECT {_COLUMNS} FROM sync_items
        WHERE item IN (SELECT value FROM json_each(?))"""
    rows = connection.execute(sql, (json.dumps(list(prompt_ids)),))
    return {row[1]: Item(*row) for row in rows}


def add_item(
    connection: sqlite3.Connection, prompt_id: str, rev: str, base: str | None
) -> Item:
    """Begin to sync a prompt that stands at *rev*."""
    cursor = connection.execute(
        "INSERT INTO sync_items (item, local_rev, base_rev) VALUES (?, ?, ?)",
        (prompt_id, rev, base),
    )
    return Item(cursor.lastrowid or 0, prompt_id, rev, base, False, None)


def save_item(connection: sqlite3.Connection, item: Item) -> None:
    """Write *item* down as it is."""
    connection.execute(
        """UPDATE sync_items SET local_rev = ?, base_rev = ?, base_live = ?, hold = ?
        WHERE pk = ?""",
        (item.local_rev, item.base_rev, item.base_live, item.hold, item.pk),
    )


def forget_item(connection: sqlite3.Connection, item: Item) -> None:
    """Drop *item*: nothing is left of the prompt, or the server knows nothing of it."""
    connection.execute("DELETE FROM sync_revs WHERE item_pk = ?", (item.pk,))
    connection.execute("DELETE FROM sync_items WHERE pk = ?", (item.pk,))


THIS_DEVICE = ""
"""Instead of a device's name: it is this one."""


def note_writer(connection: sqlite3.Connection, prompt_id: str, name: str) -> None:
    """Note the name of the device that wrote what the server has of a prompt."""
    connection.execute(
        "UPDATE sync_items SET writer = ?1 WHERE item = ?2 AND writer IS NOT ?1",
        (name, prompt_id),
    )


def note_own(connection: sqlite3.Connection, item: Item) -> None:
    """Note that this device wrote it, where another one had written before."""
    sql = "UPDATE sync_items SET writer = ? WHERE pk = ? AND writer IS NOT NULL"
    connection.execute(sql, (THIS_DEVICE, item.pk))


def find_writer(connection: sqlite3.Connection, item: Item) -> str | None:
    """Return the name of the device that wrote *item*, None where that is not known."""
    if not item.is_clean:
        return THIS_DEVICE
    sql = "SELECT writer FROM sync_items WHERE pk = ?"
    row = connection.execute(sql, (item.pk,)).fetchone()
    return row[0] if row else None


def add_revision(connection: sqlite3.Connection, item: Item, new: Revision) -> None:
    """Remember a revision of *item*, and forget the oldest where there are many."""
    if new.line:
        _add_line(connection, item, new)
    parent = new.line[0] if new.line else new.parent
    state = None if new.state is None else json.dumps(new.state, ensure_ascii=False)
    row = (item.pk, new.rev, item.pk, parent, new.deleted, new.upto, state)
    connection.execute(
        """INSERT INTO sync_revs
            (item_pk, rev, number, parent, deleted, upto, state)
        VALUES (?, ?, 1 + coalesce((SELECT max(number) FROM sync_revs
            WHERE item_pk = ?), 0), ?, ?, ?, ?)
        ON CONFLICT DO UPDATE SET known = 1, deleted = excluded.deleted,
            state = excluded.state WHERE NOT known""",
        row,
    )
    connection.execute(
        """DELETE FROM sync_revs WHERE item_pk = ?1 AND number <=
            (SELECT max(number) FROM sync_revs WHERE item_pk = ?1) - ?2
            AND rev IS NOT ?3""",
        (item.pk, _KEPT, item.base_rev),
    )


def _add_line(connection: sqlite3.Connection, item: Item, new: Revision) -> None:
    """Remember the ids between *new* and its parent: if the server offers one of them
    one day, it is known to be older."""
    parent = new.parent
    for rev in reversed(new.line):
        if rev != parent:
            connection.execute(
                """INSERT OR IGNORE INTO sync_revs
                    (item_pk, rev, number, parent, deleted, known)
                VALUES (?1, ?2, 1 + coalesce((SELECT max(number) FROM sync_revs
                    WHERE item_pk = ?1), 0), ?3, 0, 0)""",
                (item.pk, rev, parent),
            )
        parent = rev


def find_revision(
    connection: sqlite3.Connection, item: Item, rev: str | None
) -> Revision | None:
    """Return what *item* was at *rev*, None where that is not known."""
    row = connection.execute(
        """SELECT rev, parent, deleted, upto, state FROM sync_revs
        WHERE item_pk = ? AND rev = ? AND known""",
        (item.pk, rev),
    ).fetchone()
    return _revision(*row) if row else None


def lines(
    connection: sqlite3.Connection, items: Iterable[Item]
) -> dict[int, list[Revision]]:
    """Return, for each item's key, what it is and what that came from, newest first."""
    wanted = {item.pk: item.local_rev for item in items}
    found: dict[int, dict[str, Revision]] = {pk: {} for pk in wanted}
    rows = connection.execute(
        """SELECT item_pk, rev, parent, deleted, upto, state FROM sync_revs
        WHERE item_pk IN (SELECT value FROM json_each(?))""",
        (json.dumps(list(wanted)),),
    )
    for pk, *row in rows:
        found[pk][row[0]] = _revision(*row)
    return {pk: _line(found[pk], rev) for pk, rev in wanted.items()}


def line(connection: sqlite3.Connection, item: Item) -> list[Revision]:
    """Return what *item* is, and what that came from, newest first."""
    return lines(connection, [item])[item.pk]


def _line(revisions: dict[str, Revision], rev: str | None) -> list[Revision]:
    found = []
    while rev is not None and rev in revisions:
        found.append(revisions.pop(rev))
        rev = found[-1].parent
    return found


def _revision(
    rev: str, parent: str | None, deleted: int, upto: str | None, state: str | None
) -> Revision:
    content = None if state is None else json.loads(state)
    return Revision(rev, parent, bool(deleted), upto, content)


def release(connection: sqlite3.Connection, hold: Hold, number: int = -1) -> None:
    """Let changes go that were held back, *number* of them or all."""
    connection.execute(
        """UPDATE sync_items SET hold = NULL WHERE pk IN
            (SELECT pk FROM sync_items WHERE hold = ? ORDER BY pk LIMIT ?)""",
        (hold, number),
    )


def forget_unreadable(connection: sqlite3.Connection) -> bool:
    """Let what could not be read be told again; returns whether there was any."""
    sql = f"SELECT {_COLUMNS} FROM sync_items WHERE hold = ?"
    items = [Item(*row) for row in connection.execute(sql, (Hold.UNREADABLE,))]
    for item in items:
        ours = find_revision(connection, item, item.local_rev)
        if ours is None or ours.state is None:
            forget_item(connection, item)
            continue
        item.local_rev, item.base_rev = new_rev(), None
        item.base_live, item.hold = False, None
        new = Revision(item.local_rev, None, *ours[2:])
        add_revision(connection, item, new)
        save_item(connection, item)
    return bool(items)


def new_rev() -> str:
    """Return the id of a new revision: random, so that no two devices make the same."""
    return str(uuid.uuid4())
