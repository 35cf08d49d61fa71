"""What has changed in the vault, given revisions that can be sent."""

import json
import sqlite3
from collections.abc import Sequence
from typing import NamedTuple

from promptvault.vault.sync import name_collision
from promptvault.vault.sync.commit import Commit
from promptvault.vault.sync.item import (
    Hold,
    Item,
    Revision,
    State,
    add_item,
    add_revision,
    find_items,
    find_revision,
    new_rev,
    save_item,
)
from promptvault.vault.sync.part import Part, parts
from promptvault.vault.sync.state import Stored, UnsentVersion, stored, unsent

_BATCH = 500


def mint(connection: sqlite3.Connection, commit: Commit) -> None:
    """Give every prompt that has changed a revision of its own.

    That is so before anything is sent, and before anything that arrives is compared
    with it; a revision is never sent with another content.
    """
    while ids := _changed(connection):
        _mint(connection, ids, commit)
        forget_changes(connection, ids)


def _changed(connection: sqlite3.Connection) -> list[str]:
    sql = "SELECT item FROM sync_changes ORDER BY pk LIMIT ?"
    return [row[0] for row in connection.execute(sql, (_BATCH,))]


def forget_changes(
    connection: sqlite3.Connection, ids: Sequence[str] | None = None
) -> None:
    """Take changes for settled, all of them or those of the prompts *ids*."""
    if ids is None:
        connection.execute("DELETE FROM sync_changes")
        return
    connection.execute(
        "DELETE FROM sync_changes WHERE item IN (SELECT value FROM json_each(?))",
        (json.dumps(ids),),
    )


def _mint(connection: sqlite3.Connection, ids: Sequence[str], commit: Commit) -> None:
    found, items = stored(connection, ids), find_items(connection, ids)
    waiting = unsent(connection, ids)
    names = set()
    for id_ in ids:
        prompt, item = found.get(id_), items.get(id_)
        if prompt is None:
            names |= _mint_removal(connection, item)
        else:
            versions = waiting.get(id_, [])
            names |= _Mint(connection, id_, item, prompt, versions).run()
    name_collision.settle(connection, names, commit)


def _mint_removal(connection: sqlite3.Connection, item: Item | None) -> set[str]:
    """Note that nothing is left of a prompt, and give up what lay beside it."""
    if item is None:
        return set()
    before = find_revision(connection, item, item.local_rev)
    if before is not None and before.state is None:
        return set()
    connection.execute(
        """INSERT OR IGNORE INTO sync_resolves (item, side)
        SELECT item, rev FROM sync_sides WHERE item = ?""",
        (item.id,),
    )
    connection.execute("DELETE FROM sync_sides WHERE item = ?", (item.id,))
    connection.execute("DELETE FROM sync_early WHERE item = ?", (item.id,))
    connection.execute(  # what was read of its versions is not here any more
        "UPDATE sync_link SET part = NULL WHERE part ->> '$.item' = ?", (item.id,)
    )
    _advance(connection, item, None, deleted=True)
    return {before.state["name"]} if before and before.state else set()


def _advance(
    connection: sqlite3.Connection,
    item: Item,
    state: State | None,
    *,
    deleted: bool,
    upto: str | None = None,
    hold: str | None = None,
) -> None:
    rev = new_rev()
    new = Revision(rev, item.local_rev, deleted, upto, state)
    add_revision(connection, item, new)
    item.local_rev, item.hold = rev, hold
    save_item(connection, item)


class _Mint(NamedTuple):
    """One prompt that may have changed."""

    connection: sqlite3.Connection
    id: str
    item: Item | None
    prompt: Stored
    unsent: list[UnsentVersion]

    def run(self) -> set[str]:
        """Give it a revision where it has changed; return names taken or left."""
        if self.item is None:
            # What went into the trash before anybody heard of it stays there.
            return set() if self.prompt.deleted else self._add()
        before = find_revision(self.connection, self.item, self.item.local_rev)
        old = before.state if before else None
        state = {**(old or {}), **self.prompt.state}
        if not self.prompt.deleted:
            state.pop("deleted_at", None)
        if before and state == old and before.deleted == self.prompt.deleted:
            self._set_hold(self.item)
        else:
            self._change(self.item, state)
        return {state["name"], (old or state)["name"]}

    @property
    def _hold(self) -> str | None:
        if self.item and self.item.hold == Hold.UNREADABLE:
            return Hold.UNREADABLE
        return Hold.SECRETS if self.prompt.is_held_back else None

    def _add(self) -> set[str]:
        """Begin to sync it."""
        state = self.prompt.state
        *ahead, last = [*parts(state, None, self.unsent), Part(state, None)]
        first = ahead[0] if ahead else last
        rev = new_rev()
        item = add_item(self.connection, self.id, rev, None)
        new = Revision(rev, None, False, first.upto, first.state)
        add_revision(self.connection, item, new)
        for each in [*ahead[1:], last] if ahead else []:
            _advance(self.connection, item, each.state, deleted=False, upto=each.upto)
        self._set_hold(item)
        return {state["name"]}

    def _change(self, item: Item, state: State) -> None:
        base = find_revision(self.connection, item, item.base_rev)
        before = base.state if base and not base.deleted else None
        if self.prompt.deleted and before and (self._hold or item.hold):
            # What must stay here does, but that it was deleted is no secret.
            kept = {"deleted_at": state["deleted_at"]}
            _advance(self.connection, item, before | kept, deleted=True, upto="")
            return
        for part in parts(state, before, self.unsent):
            _advance(self.connection, item, part.state, deleted=False, upto=part.upto)
        deleted = self.prompt.deleted
        _advance(self.connection, item, state, deleted=deleted, hold=self._hold)

    def _set_hold(self, item: Item) -> None:
        """Hold the prompt back for its secrets, or for them no longer."""
        if self._hold != item.hold and Hold.SECRETS in {self._hold, item.hold}:
            item.hold = self._hold
            save_item(self.connection, item)
