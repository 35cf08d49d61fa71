"""What can become of a prompt that has changed on the server.

The change is taken over, merged, or overruled by the local one. No text is lost: what
cannot be merged becomes a conflict copy, and every version is sent in the end.
"""

import json
import sqlite3
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any

from promptvault.domain.protected_label import with_labels_of
from promptvault.domain.variable import variables_to_mapping
from promptvault.vault.sync.conflict_copy import (
    ConflictCopy,
    add_conflict_copy,
    delete_conflict_copies,
    oldest_conflict_copy,
    orphaned_items,
    resolve_conflict_copy,
)
from promptvault.vault.sync.counts import SyncCounts
from promptvault.vault.sync.decode import named_versions
from promptvault.vault.sync.item import (
    Hold,
    Item,
    Revision,
    State,
    add_item,
    add_revision,
    delete_item,
    find_item,
    find_revision,
    new_rev,
    save_item,
)
from promptvault.vault.sync.merge import Merger
from promptvault.vault.sync.prompt_writer import PromptWriter
from promptvault.vault.sync.server_state import ServerState
from promptvault.vault.sync.split_history import history_parts, needs_split
from promptvault.vault.sync.state import (
    is_held_back,
    mark_private,
    stored_prompts,
    unsent_versions,
)
from promptvault.vault.sync.version import (
    NewVersion,
    early_version_ids,
    pop_early_versions,
)

_SAME_NAME = "SELECT id, pk FROM prompts WHERE name = ? AND deleted_at IS NULL"
_TEXTS = "SELECT body, template, variables FROM versions WHERE prompt_pk = ?"
_SAME = ("title", "description", "tags", "favourite", "sensitive_allowed")


@dataclass(slots=True)
class Reconciler:
    """Changes prompts and their revisions, within the current transaction.

    *theirs* is the revision on the server. Methods raise MissingVersionError if a state
    names a version that is not in the vault.
    """

    connection: sqlite3.Connection
    server_state: ServerState
    prompt_writer: PromptWriter
    merger: Merger
    counts: SyncCounts
    more: bool
    """Whether more pages follow: a resolution comes after the change that made it."""

    def create(
        self, item: Item, theirs: Revision, versions: Sequence[NewVersion]
    ) -> None:
        """Create the prompt, which is not in the vault."""
        self._create(item.id, theirs, versions)
        self._set_base(item, theirs)

    def acknowledge(self, item: Item, theirs: Revision) -> None:
        """Store that the server has the local revision, or an ancestor of it."""
        add_revision(self.connection, item, theirs)
        self.server_state.set(item, theirs.rev, live=not theirs.deleted)
        if item.is_clean:
            self._send_rest(item, theirs)

    def ask(self, item: Item, theirs: Revision) -> None:
        """Have the local revision pushed, so that the server names the ancestor."""
        item.hold = None if item.hold == Hold.LIMIT else item.hold
        item.base_live = not theirs.deleted
        save_item(self.connection, item)

    def follow(self, item: Item, theirs: Revision) -> None:
        """Set the prompt to the server's state.

        Local versions and origins that the server lacks are kept, and sent with a new
        revision. A removed prompt is created again from its oldest conflict copy.
        """
        is_removed = theirs.state is None
        left = oldest_conflict_copy(self.connection, item.id) if is_removed else None
        # If more pages follow, they may resolve it. `restore_orphans` handles the rest.
        if left is None or self.more:
            self._overwrite(item, theirs)
            self._send_rest(item, theirs)
        else:
            add_revision(self.connection, item, theirs._replace(parent=item.base_rev))
            self.server_state.set(item, theirs.rev, live=False)
            self._revive(item, theirs.rev, left)

    def keep(self, item: Item, ours: Revision, theirs: Revision) -> None:
        """Keep the local state, and send it on top of a deletion."""
        add_revision(self.connection, item, theirs._replace(parent=item.base_rev))
        self.server_state.set(item, theirs.rev, live=False)
        self._rebase(item, theirs.rev, ours.state, deleted=ours.deleted)

    def merge(
        self, item: Item, base: State | None, ours: Revision, theirs: Revision
    ) -> None:
        """Merge both states; on a conflict ours becomes a conflict copy."""
        pk = self.prompt_writer.find_pk(item.id)
        assert pk is not None
        assert ours.state is not None
        assert theirs.state is not None
        mark_private(self.connection, item.id)
        merged = self.merger.merge(pk, base, ours.state, theirs.state)
        if merged is None:
            self.counts.conflicts += 1
            add_conflict_copy(self.connection, item, ours.state)
            self._overwrite(item, theirs)
            self._send_rest(item, theirs, with_copy=True)
        elif self.merger.is_same(merged, theirs.state):
            self.follow(item, theirs)
        else:
            self.counts.merged += 1
            add_revision(self.connection, item, theirs._replace(parent=item.base_rev))
            self.server_state.set(item, theirs.rev, live=True)
            self.prompt_writer.update(pk, item.id, merged, deleted=False)
            self._rebase(item, theirs.rev, merged)

    def restore_orphans(self) -> None:
        """Create removed prompts again from their conflict copies, after all was read.

        A copy whose versions cannot be read is deleted here; the server keeps it.
        """
        for id_ in orphaned_items(self.connection):
            left = oldest_conflict_copy(self.connection, id_)
            assert left is not None
            if early_version_ids(self.connection, id_) >= named_versions(left.state):
                item = find_item(self.connection, id_)
                item = item or add_item(self.connection, id_, new_rev(), None)
                known = find_revision(self.connection, item, item.local_rev)
                self._revive(item, known and known.rev, left)
            else:
                delete_conflict_copies(self.connection, id_)

    def _create(
        self, id_: str, theirs: Revision, versions: Sequence[NewVersion] = ()
    ) -> None:
        assert theirs.state is not None
        # Several changes of a prompt may bring the same versions, page by page.
        early = pop_early_versions(self.connection, id_)
        unique = {version.id: version for version in (*early, *versions)}
        placed = sorted(unique.values(), key=lambda each: each.place or ())
        if not theirs.deleted:
            self._drop_import_duplicate(theirs.state, placed)
        self.prompt_writer.create(id_, theirs.state, placed, deleted=theirs.deleted)

    def _drop_import_duplicate(
        self, state: State, versions: Sequence[NewVersion]
    ) -> None:
        duplicate = _find_import_duplicate(self.connection, state, versions)
        pk = self.prompt_writer.find_pk(duplicate.id) if duplicate else None
        if duplicate and pk is not None:
            self.prompt_writer.remove(pk)
            delete_item(self.connection, duplicate)

    def _overwrite(self, item: Item, theirs: Revision) -> None:
        mark_private(self.connection, item.id)
        ours = find_revision(self.connection, item, item.local_rev)
        was_live = ours is not None and not ours.deleted
        self.counts.deleted += theirs.deleted and was_live
        pk = self.prompt_writer.find_pk(item.id)
        if pk is None and theirs.state is not None:  # deleted permanently here
            self._create(item.id, theirs)
        elif pk is not None and theirs.state is not None:
            deleted = theirs.deleted
            self.prompt_writer.update(pk, item.id, theirs.state, deleted=deleted)
        elif pk is not None:
            self.prompt_writer.remove(pk)
        self._set_base(item, theirs)

    def _set_base(self, item: Item, theirs: Revision) -> None:
        """Store that the prompt is now as it is on the server."""
        self.counts.pulled += 1
        add_revision(self.connection, item, theirs._replace(parent=item.base_rev))
        item.local_rev, item.hold = theirs.rev, None
        self.server_state.set(item, theirs.rev, live=not theirs.deleted)

    def _revive(self, item: Item, parent: str | None, left: ConflictCopy) -> None:
        """Create a removed prompt again from a conflict copy, and resolve that.

        The device that removed the prompt had not seen the copy, and an edit wins over
        a deletion.
        """
        pk = self.prompt_writer.find_pk(item.id)
        if pk is None:
            self._create(item.id, Revision("", None, False, None, left.state))
        else:
            self.prompt_writer.update(pk, item.id, left.state, deleted=False)
        resolve_conflict_copy(self.connection, left)
        self._rebase(item, parent, left.state)
        self.counts.revived += 1

    def give_labels_back(self, item: Item, locked: AbstractSet[str]) -> bool:
        """Give a prompt the protected labels that it has on the server, and send it.

        The server refused a change that would move one. So no edit has to wait for a
        label. Return False if the prompt was removed here for good: it must be read
        again.
        """
        ours = find_revision(self.connection, item, item.local_rev)
        base = find_revision(self.connection, item, item.base_rev)
        before = base.state if base and not base.deleted else None
        pk = self.prompt_writer.find_pk(item.id)
        if ours is None or ours.state is None or pk is None:
            self.server_state.set(item, None, live=False)
            delete_item(self.connection, item)
            return False
        state = with_labels_of(before, ours.state, locked)
        bears_label = before is not None and not locked.isdisjoint(before["labels"])
        deleted = ours.deleted and not bears_label
        self.prompt_writer.update(pk, item.id, state, deleted=deleted)
        self._rebase(item, item.base_rev, state, deleted=deleted)
        return True

    def _send_rest(
        self, item: Item, theirs: Revision, *, with_copy: bool = False
    ) -> None:
        """Create a revision for the versions and origins that the server lacks.

        With a new conflict copy, a short history is sent together with that instead.
        """
        if theirs.state is None:
            return
        here = stored_prompts(self.connection, [item.id])[item.id].state["origins"]
        known = {_origin_key(each) for each in theirs.state.get("origins", [])}
        if any(_origin_key(each) not in known for each in here):
            state = theirs.state | {"origins": here}
        elif self._has_unsent(item, only_long=with_copy):
            state = theirs.state
        else:
            return
        self._rebase(item, item.local_rev, state, deleted=theirs.deleted)

    def _has_unsent(self, item: Item, *, only_long: bool) -> bool:
        """Return True if there are unsent versions; *only_long*: if they need parts."""
        found = unsent_versions(self.connection, [item.id]).get(item.id, [])
        return needs_split(found) if only_long else bool(found)

    def _rebase(
        self,
        item: Item,
        parent: str | None,
        state: State | None,
        *,
        deleted: bool = False,
    ) -> None:
        """Make *state* the local revision, after *parent*; a long one gets parts."""
        before = find_revision(self.connection, item, parent)
        known = before.state if before and not before.deleted else None
        rest = unsent_versions(self.connection, [item.id]).get(item.id, [])
        for part in history_parts(state, known, rest) if state else ():
            ahead = Revision(new_rev(), parent, False, part.upto, part.state)
            add_revision(self.connection, item, ahead)
            parent = ahead.rev
        new = Revision(new_rev(), parent, deleted, None, state)
        add_revision(self.connection, item, new)
        held = is_held_back(self.connection, item.id)
        item.local_rev, item.hold = new.rev, Hold.SECRETS if held else None
        save_item(self.connection, item)


def _origin_key(origin: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(map(origin.get, ("source", "conversation_id", "message_id")))


def _find_import_duplicate(
    connection: sqlite3.Connection, state: State, versions: Sequence[NewVersion]
) -> Item | None:
    """Return the local prompt that the arriving one makes redundant, None if none does.

    It was imported here and on another device from the same file, under different ids.
    It has the same name and details, no labels and no text outside of *versions*, and
    it was never sent.
    """
    row = connection.execute(_SAME_NAME, (state["name"],)).fetchone()
    if row is None:
        return None
    item = find_item(connection, row[0])
    if item is None or item.base_rev is not None:
        return None
    ours = stored_prompts(connection, [item.id])[item.id].state
    if ours["labels"] or any(ours[key] != state.get(key, False) for key in _SAME):
        return None
    arriving = {
        (new.content.body, new.content.template, _variables(new)) for new in versions
    }
    return item if arriving.issuperset(connection.execute(_TEXTS, (row[1],))) else None


def _variables(version: NewVersion) -> str:
    return json.dumps(variables_to_mapping(version.content.variables))
