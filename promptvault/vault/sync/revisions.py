"""New revisions for prompts that have changed in the vault."""

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
from promptvault.vault.sync.split_history import HistoryPart, history_parts
from promptvault.vault.sync.state import (
    StoredPrompt,
    UnsentVersion,
    stored_prompts,
    unsent_versions,
)

_BATCH = 500


def create_revisions(connection: sqlite3.Connection, commit: Commit) -> None:
    """Create a revision for every prompt that has changed.

    This must run before anything is sent, and before arriving changes are compared with
    the local revisions. The content of a revision never changes.
    """
    while ids := _changed(connection):
        _create_revisions(connection, ids, commit)
        delete_pending(connection, ids)


def _changed(connection: sqlite3.Connection) -> list[str]:
    sql = "SELECT item FROM sync_changes ORDER BY pk LIMIT ?"
    return [row[0] for row in connection.execute(sql, (_BATCH,))]


def delete_pending(
    connection: sqlite3.Connection, ids: Sequence[str] | None = None
) -> None:
    """Unmark changed prompts: those with *ids*, or all if None."""
    if ids is None:
        connection.execute("DELETE FROM sync_changes")
        return
    connection.execute(
        "DELETE FROM sync_changes WHERE item IN (SELECT value FROM json_each(?))",
        (json.dumps(ids),),
    )


def _create_revisions(
    connection: sqlite3.Connection, ids: Sequence[str], commit: Commit
) -> None:
    found, items = stored_prompts(connection, ids), find_items(connection, ids)
    waiting = unsent_versions(connection, ids)
    names = set()
    for id_ in ids:
        prompt, item = found.get(id_), items.get(id_)
        if prompt is None:
            names |= _create_removal_revision(connection, item)
        else:
            versions = waiting.get(id_, [])
            names |= _PromptRevision(connection, id_, item, prompt, versions).run()
    name_collision.resolve_collisions(connection, names, commit)


def _create_removal_revision(
    connection: sqlite3.Connection, item: Item | None
) -> set[str]:
    """Create the revision of a removed prompt, and resolve its conflict copies.

    Return the name that became free.
    """
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
    connection.execute(  # the versions that were read so far are gone
        "UPDATE sync_link SET part = NULL WHERE part ->> '$.item' = ?", (item.id,)
    )
    _advance(connection, item, None, deleted=True)
    return {before.state["name"]} if before and before.state else set()


def create_bare_deletion(
    connection: sqlite3.Connection,
    item: Item,
    parent: str | None,
    deleted_at: str | None,
) -> None:
    """Create a deletion without content, for a prompt whose content cannot be sent.

    It carries the state that the server has, with *deleted_at* if given, and no new
    version. So a prompt that is held back can still be deleted everywhere.
    """
    base = find_revision(connection, item, item.base_rev)
    state = base.state if base else None
    if state is not None and deleted_at is not None:
        state |= {"deleted_at": deleted_at}
    rev = new_rev()
    add_revision(connection, item, Revision(rev, parent, True, "", state))
    item.local_rev, item.hold = rev, None
    save_item(connection, item)


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


class _PromptRevision(NamedTuple):
    """Creates the next revision of one prompt."""

    connection: sqlite3.Connection
    id: str
    item: Item | None
    prompt: StoredPrompt
    unsent: list[UnsentVersion]

    def run(self) -> set[str]:
        """Create a revision if the prompt has changed; return names taken or freed."""
        if self.item is None:
            # A prompt that was trashed before it was ever sent is not sent.
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
        if self.prompt.is_held_back:
            return Hold.SECRETS
        return Hold.LEFT if self.item and self.item.hold == Hold.LEFT else None

    def _add(self) -> set[str]:
        """Start syncing the prompt."""
        state = self.prompt.state
        *ahead, last = [
            *history_parts(state, None, self.unsent),
            HistoryPart(state, None),
        ]
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
            deleted_at = state["deleted_at"]
            create_bare_deletion(self.connection, item, item.local_rev, deleted_at)
            return
        for part in history_parts(state, before, self.unsent):
            _advance(self.connection, item, part.state, deleted=False, upto=part.upto)
        deleted = self.prompt.deleted
        _advance(self.connection, item, state, deleted=deleted, hold=self._hold)

    def _set_hold(self, item: Item) -> None:
        """Set or clear the hold for secrets."""
        if self._hold != item.hold and Hold.SECRETS in {self._hold, item.hold}:
            item.hold = self._hold
            save_item(self.connection, item)
