"""Synced prompts and their revisions: the local one, the server's, their ancestors."""

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
"""Revisions that are kept of each prompt: `wire.sync.MAX_CHAIN` ancestors that this
device sends, and as many that it receives."""

_COLUMNS = "pk, item, local_rev, base_rev, base_live, hold"


class Hold(StrEnum):
    """Why a change is not sent."""

    LIMIT = "limit"
    """The account has as many prompts as its plan allows."""
    STORAGE = "storage"
    """The account stores as many bytes as its plan allows."""
    SECRETS = "secrets"
    """It contains a likely secret that was not allowed to leave the vault."""
    TOO_LARGE = "too_large"
    """It is larger than the server accepts."""
    HISTORY = "history"
    """The prompt has as many versions as the server keeps of one prompt."""
    FORBIDDEN = "forbidden"
    """The user may only read the vault."""
    PLAN = "plan"
    """The plan of the team's owner has too few members; editors may not write."""
    LEFT = "left"
    """It was saved from the vault of a team that the user has left."""
    REFUSED = "refused"
    """The server refused it for another reason."""
    UNREADABLE = "unreadable"
    """A newer program wrote it, and this one cannot read it."""


PLAN_HOLDS = frozenset({Hold.LIMIT, Hold.STORAGE, Hold.PLAN})
"""Reasons that do not apply under a larger plan."""


@dataclass(slots=True)
class Item:
    """A synced prompt: one row of `sync_items`."""

    pk: int
    id: str
    local_rev: str
    """The current revision on this device."""
    base_rev: str | None
    """The last known revision on the server, None if the prompt is not there or it is
    not known whether the local revision descends from the server's."""
    base_live: bool
    """Whether the prompt exists on the server and is not deleted."""
    hold: str | None
    """Why the local revision is not sent (a `Hold`), None if it may be sent."""

    @property
    def is_clean(self) -> bool:
        """Whether the server has the local revision."""
        return self.local_rev == self.base_rev


class Revision(NamedTuple):
    """A prompt at one point in time."""

    rev: str
    parent: str | None
    deleted: bool
    upto: str | None
    """Id of the last version that is sent with it; None sends all, '' none."""
    state: State | None
    """None if the prompt is deleted permanently."""
    between: Sequence[str] = ()
    """Ids of the revisions between it and its parent, newest first."""


def find_item(connection: sqlite3.Connection, prompt_id: str) -> Item | None:
    """Return the synced prompt with this id, None if there is none."""
    sql = f"SELECT {_COLUMNS} FROM sync_items WHERE item = ?"
    row = connection.execute(sql, (prompt_id,)).fetchone()
    return Item(*row) if row else None


def find_items(
    connection: sqlite3.Connection, prompt_ids: Iterable[str]
) -> dict[str, Item]:
    """Return the synced prompts among *prompt_ids*, by id."""
    sql = f"""SELECT {_COLUMNS} FROM sync_items
        WHERE item IN (SELECT value FROM json_each(?))"""
    rows = connection.execute(sql, (json.dumps(list(prompt_ids)),))
    return {row[1]: Item(*row) for row in rows}


def add_item(
    connection: sqlite3.Connection, prompt_id: str, rev: str, base: str | None
) -> Item:
    """Start syncing a prompt whose local revision is *rev*."""
    cursor = connection.execute(
        "INSERT INTO sync_items (item, local_rev, base_rev) VALUES (?, ?, ?)",
        (prompt_id, rev, base),
    )
    return Item(cursor.lastrowid or 0, prompt_id, rev, base, False, None)


def save_item(connection: sqlite3.Connection, item: Item) -> None:
    """Store the fields of *item*."""
    connection.execute(
        """UPDATE sync_items SET local_rev = ?, base_rev = ?, base_live = ?, hold = ?
        WHERE pk = ?""",
        (item.local_rev, item.base_rev, item.base_live, item.hold, item.pk),
    )


def delete_item(connection: sqlite3.Connection, item: Item) -> None:
    """Delete *item* and its revisions; the prompt itself stays as it is."""
    connection.execute("DELETE FROM sync_revs WHERE item_pk = ?", (item.pk,))
    connection.execute("DELETE FROM sync_items WHERE pk = ?", (item.pk,))


THIS_DEVICE = ""
"""Stored in place of a device's name for this device."""


def set_writer(connection: sqlite3.Connection, prompt_id: str, name: str) -> None:
    """Store the name of the device that wrote the server's revision of a prompt."""
    connection.execute(
        "UPDATE sync_items SET writer = ?1 WHERE item = ?2 AND writer IS NOT ?1",
        (name, prompt_id),
    )


def set_own_writer(connection: sqlite3.Connection, item: Item) -> None:
    """Store this device as the writer if another one was stored."""
    sql = "UPDATE sync_items SET writer = ? WHERE pk = ? AND writer IS NOT NULL"
    connection.execute(sql, (THIS_DEVICE, item.pk))


def find_writer(connection: sqlite3.Connection, item: Item) -> str | None:
    """Return the name of the device that wrote *item*, None if it is not known.

    `THIS_DEVICE` means this device.
    """
    if not item.is_clean:
        return THIS_DEVICE
    sql = "SELECT writer FROM sync_items WHERE pk = ?"
    row = connection.execute(sql, (item.pk,)).fetchone()
    return row[0] if row else None


def add_revision(connection: sqlite3.Connection, item: Item, new: Revision) -> None:
    """Store a revision of *item* and delete the oldest beyond the number kept."""
    if new.between:
        _add_between(connection, item, new)
    parent = new.between[0] if new.between else new.parent
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


def _add_between(connection: sqlite3.Connection, item: Item, new: Revision) -> None:
    """Store the ids between *new* and its parent.

    If a restored server offers one of them later, it is known to be older.
    """
    parent = new.parent
    for rev in reversed(new.between):
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
    """Return the revision *rev* of *item*, None if its content is not known."""
    row = connection.execute(
        """SELECT rev, parent, deleted, upto, state FROM sync_revs
        WHERE item_pk = ? AND rev = ? AND known""",
        (item.pk, rev),
    ).fetchone()
    return _revision(*row) if row else None


def ancestries(
    connection: sqlite3.Connection, items: Iterable[Item]
) -> dict[int, list[Revision]]:
    """Return each item's local revision and its ancestors, newest first, by `pk`."""
    wanted = {item.pk: item.local_rev for item in items}
    found: dict[int, dict[str, Revision]] = {pk: {} for pk in wanted}
    rows = connection.execute(
        """SELECT item_pk, rev, parent, deleted, upto, state FROM sync_revs
        WHERE item_pk IN (SELECT value FROM json_each(?))""",
        (json.dumps(list(wanted)),),
    )
    for pk, *row in rows:
        found[pk][row[0]] = _revision(*row)
    return {pk: _follow_parents(found[pk], rev) for pk, rev in wanted.items()}


def ancestry(connection: sqlite3.Connection, item: Item) -> list[Revision]:
    """Return the local revision of *item* and its ancestors, newest first."""
    return ancestries(connection, [item])[item.pk]


def _follow_parents(revisions: dict[str, Revision], rev: str | None) -> list[Revision]:
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


def release_held(connection: sqlite3.Connection, hold: Hold, number: int = -1) -> None:
    """Clear a hold on *number* prompts, the oldest first, or on all if negative."""
    connection.execute(
        """UPDATE sync_items SET hold = NULL WHERE pk IN
            (SELECT pk FROM sync_items WHERE hold = ? ORDER BY pk LIMIT ?)""",
        (hold, number),
    )


def reset_unreadable(connection: sqlite3.Connection) -> bool:
    """Forget the server's revision of unreadable prompts, so that they are read again.

    Return True if there were any.
    """
    sql = f"SELECT {_COLUMNS} FROM sync_items WHERE hold = ?"
    items = [Item(*row) for row in connection.execute(sql, (Hold.UNREADABLE,))]
    for item in items:
        ours = find_revision(connection, item, item.local_rev)
        if ours is None or ours.state is None:
            delete_item(connection, item)
            continue
        item.local_rev, item.base_rev = new_rev(), None
        item.base_live, item.hold = False, None
        new = Revision(item.local_rev, None, *ours[2:])
        add_revision(connection, item, new)
        save_item(connection, item)
    return bool(items)


def new_rev() -> str:
    """Return a random id for a revision; no two devices create the same."""
    return str(uuid.uuid4())
