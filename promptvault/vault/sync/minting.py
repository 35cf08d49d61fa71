"""What has changed in the vault, given revisions that can be sent."""

import json
import sqlite3
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from promptvault.vault.sync import naming
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
from promptvault.vault.sync.state import Standing, UnsentVersion, standing, unsent

_BATCH = 500
MOST_BYTES = 1024 * 1024
_MOST_VERSIONS = 1000


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
    found, items = standing(connection, ids), find_items(connection, ids)
    waiting = unsent(connection, ids)
    names = set()
    for id_ in ids:
        prompt, item = found.get(id_), items.get(id_)
        if prompt is None:
            names |= _mint_removal(connection, item)
        else:
            versions = waiting.get(id_, [])
            names |= _Mint(connection, id_, item, prompt, versions).run()
    naming.settle(connection, names, commit)


def _mint_removal(connection: sqlite3.Connection, item: Item | None) -> set[str]:
    """Note that nothing is left of a prompt, and give up what lay beside it."""
    if item is None:
        return set()
    before = find_revision(connection, item, item.local_rev)
    if before is not None and before.state is None:
        return set()
    connection.execute(
        """INSERT OR IGNORE INTO sync_resolves (item, side)
        SELECT item, rev FROM sync_sides WHERE item = ? AND status = 'open'""",
        (item.id,),
    )
    connection.execute("DELETE FROM sync_sides WHERE item = ?", (item.id,))
    connection.execute("DELETE FROM sync_early WHERE item = ?", (item.id,))
    _advance(connection, item, None, deleted=True)
    return {before.state["name"]} if before and before.state else set()


def _advance(
    connection: sqlite3.Connection,
    item: Item,
    state: State | None,
    *,
    deleted: bool,
    partial: bool = False,
    hold: str | None = None,
) -> None:
    rev = new_rev()
    new = Revision(rev, item.local_rev, deleted, partial, state)
    add_revision(connection, item, new)
    item.local_rev, item.hold = rev, hold
    save_item(connection, item)


class _Mint(NamedTuple):
    """One prompt that may have changed."""

    connection: sqlite3.Connection
    id: str
    item: Item | None
    prompt: Standing
    unsent: list[UnsentVersion]

    def run(self) -> set[str]:
        """Give it a revision where it has changed; return names taken or left."""
        hold = Hold.SECRETS if self.prompt.is_held_back else None
        if self.item is None:
            # What went into the trash before anybody heard of it stays there.
            return set() if self.prompt.deleted else self._add(hold)
        before = find_revision(self.connection, self.item, self.item.local_rev)
        old = before.state if before else None
        state = {**(old or {}), **self.prompt.state}
        if not self.prompt.deleted:
            state.pop("deleted_at", None)
        if before and state == old and before.deleted == self.prompt.deleted:
            self._set_hold(self.item, hold)
            return set()
        for partial in self._parts(state):
            _advance(self.connection, self.item, partial, deleted=False, partial=True)
        deleted = self.prompt.deleted
        _advance(self.connection, self.item, state, deleted=deleted, hold=hold)
        return {state["name"], (old or state)["name"]}

    def _add(self, hold: Hold | None) -> set[str]:
        *parts, last = [*self._parts(self.prompt.state), self.prompt.state]
        rev = new_rev()
        item = add_item(self.connection, self.id, rev, None)
        first = parts[0] if parts else last
        new = Revision(rev, None, False, bool(parts), first)
        add_revision(self.connection, item, new)
        for state in [*parts[1:], last] if parts else []:
            partial = state is not last
            _advance(self.connection, item, state, deleted=False, partial=partial)
        self._set_hold(item, hold)
        return {last["name"]}

    def _set_hold(self, item: Item, hold: Hold | None) -> None:
        """Hold the prompt back for its secrets, or for them no longer."""
        if hold != item.hold and Hold.SECRETS in {hold, item.hold}:
            item.hold = hold
            save_item(self.connection, item)

    def _parts(self, state: State) -> Iterator[State]:
        """Yield what brings the older versions, of a history too long for one request.

        The last part of it goes with the prompt itself.
        """
        size, sent = 0, set[str]()
        labels = state["labels"]
        known = {each.id for each in self.unsent}
        for number, version in enumerate(self.unsent[:-1], 1):
            size += version.size
            sent.add(version.id)
            if size < MOST_BYTES and number % _MOST_VERSIONS:
                continue
            size = 0
            kept = {k: v for k, v in labels.items() if v in sent or v not in known}
            time = version.created_at
            origins = [
                each
                for each in state["origins"]
                if each.get("version") not in known - sent
            ]
            part = {**state, "version": version.id, "labels": kept}
            yield {**part, "updated_at": time, "origins": origins}
