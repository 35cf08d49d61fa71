"""Changes that arrive: followed, merged, or kept beside what is here."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from promptvault.vault.sync.commit import Commit
from promptvault.vault.sync.conflict_copy import (
    Side,
    add_side,
    drop_side,
    drop_sides,
    lone_items,
    oldest_side,
    resolve_side,
    settle_again,
    take_side,
)
from promptvault.vault.sync.decode import Told, named_versions, read_change
from promptvault.vault.sync.import_duplicate import find_twin
from promptvault.vault.sync.item import (
    THIS_DEVICE,
    Hold,
    Item,
    Revision,
    State,
    add_item,
    add_revision,
    find_item,
    find_revision,
    forget_item,
    line,
    new_rev,
    note_writer,
    save_item,
)
from promptvault.vault.sync.link import Link
from promptvault.vault.sync.merge import Merger
from promptvault.vault.sync.part import is_long, parts
from promptvault.vault.sync.prompt_writer import Adoption, MissingVersionError
from promptvault.vault.sync.server_state import Bases
from promptvault.vault.sync.state import is_held_back, keep_private, stored, unsent
from promptvault.vault.sync.version import (
    NewVersion,
    early_ids,
    find_version,
    forget_places,
    has_moved,
    keep_early,
    set_place,
    take_early,
)
from promptvault.wire.sync import Change

_WAS_RESTORED = "SELECT 1 FROM sync_restored WHERE item = ?"


@dataclass(slots=True)
class Arrivals:
    """Takes in changes, within the transaction under way."""

    connection: sqlite3.Connection
    link: Link
    bases: Bases
    commit: Commit
    adoption: Adoption
    merger: Merger
    common: dict[str, str | None]
    """By prompt in conflict, the newest revision that both sides know."""
    pulled: int = 0
    merged: int = 0
    conflicts: int = 0
    revived: int = 0
    settled: int = 0
    deleted: int = 0
    restored: int = 0
    more: bool = False
    """Whether there is more to read: a settlement comes after what has settled it."""

    def forget_settled(self, changes: Sequence[Change]) -> None:
        """Forget what others have settled, before anything is decided by it.

        It comes after the text, or the removal, that has settled it.
        """
        for change in changes:
            if change.t == "resolved":
                self.settled += drop_side(self.connection, str(change.rev))

    def take(self, change: Change) -> None:
        """Take in one change; raises MissingVersionError.

        One that this program cannot read is passed over: it stops no other.
        """
        if self.link.resync and change.t != "versions":
            self._see(str(change.item if change.t == "item" else change.rev))
        told = read_change(self.connection, change)
        if not told.is_readable or self._is_lost(change, told):
            self._learn(str(change.item), told.versions)
            self._pass_over(change)
            return
        match change.t:
            case "item":
                self._head(change, told.state, told.versions)
                if (name := self._writer(change)) is not None:
                    note_writer(self.connection, str(change.item), name)
            case "side":
                self._side(change, told.state, told.versions)
            case _:
                self._learn(str(change.item), told.versions)

    def _see(self, id_: str) -> None:
        self.connection.execute("INSERT OR IGNORE INTO sync_seen VALUES (?)", (id_,))

    def _is_lost(self, change: Change, told: Told) -> bool:
        """Tell whether a state names a version that nobody here could ever read.

        While all is read anew, whatever can be read of a prompt comes along, or came.
        """
        if told.state is None or not self.link.is_catching_up:
            return False
        here = {new.id for new in told.versions}
        here |= early_ids(self.connection, str(change.item))
        return any(
            find_version(self.connection, id_) is None
            for id_ in named_versions(told.state) - here
        )

    def _pass_over(self, change: Change) -> None:
        """Note that there is something newer of a prompt, which waits to be read.

        What is here of it stays, and what becomes of it here is not sent.
        """
        id_, rev = str(change.item), str(change.rev)
        item = find_item(self.connection, id_)
        if change.t != "item":
            if item:
                item.hold = Hold.UNREADABLE
                save_item(self.connection, item)
            return
        item = item or add_item(self.connection, id_, rev, None)
        ours = find_revision(self.connection, item, item.local_rev)
        if ours is None or item.is_clean:
            state = ours.state if ours else None
            new = Revision(rev, item.base_rev, change.deleted, None, state)
            add_revision(self.connection, item, new)
            item.local_rev = rev
        self.bases.set(item, rev, live=not change.deleted)
        item.hold = Hold.UNREADABLE
        save_item(self.connection, item)

    def _side(
        self, change: Change, state: State | None, versions: list[NewVersion]
    ) -> None:
        assert state is not None
        self._learn(str(change.item), versions)
        writer, item = self._writer(change), str(change.item)
        mine = writer == THIS_DEVICE
        rev = str(change.rev)
        if settle_again(self.connection, rev, item):
            self.restored += 1
        if take_side(self.connection, rev, item, state, mine=mine, writer=writer):
            self.conflicts += 1

    def _writer(self, change: Change) -> str | None:
        """Return the name of the device that made a change, as far as it is told."""
        if change.by is None:
            return None
        is_mine = str(change.by.device) == self.link.device
        return THIS_DEVICE if is_mine else change.by.name

    def _learn(self, prompt_id: str, versions: list[NewVersion]) -> None:
        """Take in versions, which are kept for later where their prompt is not here."""
        if not versions:
            return
        pk = self.adoption.find(prompt_id)
        if pk is None:
            keep_early(self.connection, prompt_id, versions)
            return
        told = [(find_version(self.connection, new.id), new) for new in versions]
        if any(has_moved(self.connection, key, new.place) for key, new in told):
            # The server forgot the prompt, and has what somebody else knew of it.
            forget_places(self.connection, prompt_id)
        for key, new in told:
            if key is not None and new.place:
                set_place(self.connection, key, new.place)
        fresh = [new for key, new in told if key is None]
        self.adoption.add_versions(pk, fresh)
        self.commit.renumber(self.connection, pk)

    def _head(
        self, change: Change, state: State | None, versions: list[NewVersion]
    ) -> None:
        id_, rev = str(change.item), str(change.rev)
        past = [str(each) for each in change.line]
        theirs = Revision(rev, None, change.deleted, None, state, past)
        item = find_item(self.connection, id_)
        if item is None:
            self._arrive(id_, theirs, versions)
            return
        self._learn(id_, versions)
        if rev == item.local_rev or self._descends_from(item, rev):
            add_revision(self.connection, item, theirs)
            self.bases.set(item, rev, live=not change.deleted)
            if item.is_clean:
                self._send_rest(item, theirs)
        else:
            self._change(item, theirs)

    def _descends_from(self, item: Item, rev: str) -> bool:
        return not item.is_clean and any(
            rev in (each.rev, each.parent) for each in line(self.connection, item)
        )

    def _arrive(self, id_: str, theirs: Revision, versions: list[NewVersion]) -> None:
        """Take in a prompt that sync does not know yet."""
        if theirs.state is None:
            return
        item = add_item(self.connection, id_, theirs.rev, None)
        if self.adoption.find(id_) is None:
            self._create(id_, theirs, versions)
            self._stand_at(item, theirs)
        else:  # it lies in the trash here since before anybody was told of it
            self._learn(id_, versions)
            self._follow(item, theirs)

    def _create(
        self, id_: str, theirs: Revision, versions: Sequence[NewVersion] = ()
    ) -> None:
        assert theirs.state is not None
        # Several changes of a prompt may each bring the same versions, page by page.
        told = {v.id: v for v in (*take_early(self.connection, id_), *versions)}
        placed = sorted(told.values(), key=lambda each: each.place or ())
        if not theirs.deleted:
            self._drop_twin(theirs.state, placed)
        self.adoption.create(id_, theirs.state, placed, deleted=theirs.deleted)

    def _drop_twin(self, state: State, versions: Sequence[NewVersion]) -> None:
        twin = find_twin(self.connection, state, versions)
        pk = self.adoption.find(twin.id) if twin else None
        if twin and pk is not None:
            self.adoption.remove(pk)
            forget_item(self.connection, twin)

    def _follow(self, item: Item, theirs: Revision) -> None:
        """Make the prompt what it is on the server; what was written here stays known.

        No version may exist on one device only: if some were not sent, they go now.
        """
        left = oldest_side(self.connection, item.id) if theirs.state is None else None
        # What follows may settle it; if not, it is a lone side at the end.
        if left is None or self.more:
            self._overwrite(item, theirs)
            self._send_rest(item, theirs)
        else:
            add_revision(self.connection, item, theirs._replace(parent=item.base_rev))
            self.bases.set(item, theirs.rev, live=False)
            self._revive(item, theirs.rev, left)

    def revive_lone(self) -> None:
        """Make prompts of what lies beside those that are gone, once all was read.

        What cannot be read lies on at the server.
        """
        for id_ in lone_items(self.connection):
            left = oldest_side(self.connection, id_)
            assert left is not None
            if early_ids(self.connection, id_) >= named_versions(left.state):
                item = find_item(self.connection, id_)
                item = item or add_item(self.connection, id_, new_rev(), None)
                known = find_revision(self.connection, item, item.local_rev)
                self._revive(item, known and known.rev, left)
            else:
                drop_sides(self.connection, id_)

    def _revive(self, item: Item, parent: str | None, left: Side) -> None:
        """Let what lies beside a prompt outlive its removal: it is an edit, too.

        Who removed the prompt had not seen it.
        """
        pk = self.adoption.find(item.id)
        if pk is None:
            self._create(item.id, Revision("", None, False, None, left.state))
        else:
            self.adoption.update(pk, item.id, left.state, deleted=False)
        resolve_side(self.connection, left)
        self._rebase(item, parent, left.state)
        self.revived += 1

    def _send_rest(
        self, item: Item, theirs: Revision, *, with_side: bool = False
    ) -> None:
        """Send what was written here, and where it was found, though theirs stands.

        A short history goes with the side, where there is one.
        """
        if theirs.state is None:
            return
        here = stored(self.connection, [item.id])[item.id].state["origins"]
        told = {_place(each) for each in theirs.state.get("origins", [])}
        if any(_place(each) not in told for each in here):
            state = theirs.state | {"origins": here}
        elif self._has_unsent(item, only_long=with_side):
            state = theirs.state
        else:
            return
        self._rebase(item, item.local_rev, state, deleted=theirs.deleted)

    def _has_unsent(self, item: Item, *, only_long: bool) -> bool:
        """Tell whether something was not sent, or is too long to go along."""
        found = unsent(self.connection, [item.id]).get(item.id, [])
        return is_long(found) if only_long else bool(found)

    def _overwrite(self, item: Item, theirs: Revision) -> None:
        keep_private(self.connection, item.id)
        ours = find_revision(self.connection, item, item.local_rev)
        self.deleted += theirs.deleted and ours is not None and not ours.deleted
        pk = self.adoption.find(item.id)
        if pk is None and theirs.state is not None:  # removed for good, and here again
            self._create(item.id, theirs)
        elif pk is not None and theirs.state is not None:
            deleted = theirs.deleted
            self.adoption.update(pk, item.id, theirs.state, deleted=deleted)
        elif pk is not None:
            self.adoption.remove(pk)
        self._stand_at(item, theirs)

    def _stand_at(self, item: Item, theirs: Revision) -> None:
        """Note that the prompt is now what it is on the server."""
        self.pulled += 1
        add_revision(self.connection, item, theirs._replace(parent=item.base_rev))
        item.local_rev, item.hold = theirs.rev, None
        self.bases.set(item, theirs.rev, live=not theirs.deleted)

    def _rebase(
        self,
        item: Item,
        parent: str | None,
        state: State | None,
        *,
        deleted: bool = False,
    ) -> None:
        """Let ours come after *parent*, to be sent, in parts where it is long."""
        before = find_revision(self.connection, item, parent)
        known = before.state if before and not before.deleted else None
        rest = unsent(self.connection, [item.id]).get(item.id, [])
        for part in parts(state, known, rest) if state else ():
            ahead = Revision(new_rev(), parent, False, part.upto, part.state)
            add_revision(self.connection, item, ahead)
            parent = ahead.rev
        new = Revision(new_rev(), parent, deleted, None, state)
        add_revision(self.connection, item, new)
        held = is_held_back(self.connection, item.id)
        item.local_rev, item.hold = new.rev, Hold.SECRETS if held else None
        save_item(self.connection, item)

    def _change(self, item: Item, theirs: Revision) -> None:
        ours = find_revision(self.connection, item, item.local_rev)
        assert ours is not None
        if ours.state is None and theirs.state is not None:
            self._require_history(item)
        is_older = item.local_rev in theirs.line
        if item.is_clean or is_older or self._agree(ours, theirs):
            self._follow(item, theirs)
        elif self._must_ask(item):
            item.hold = None if item.hold == Hold.LIMIT else item.hold
            item.base_live = not theirs.deleted
            save_item(self.connection, item)
        elif theirs.deleted or ours.deleted:
            self._one_deleted(item, ours, theirs)
        else:
            self._both_changed(item, ours, theirs)

    def _require_history(self, item: Item) -> None:
        """Raise MissingVersionError where the versions of a prompt that was removed for
        good come again only when everything is read anew.

        They come with a change that the server found in conflict with the removal, and
        with one that has undone it.
        """
        if not (item.is_clean or item.id in self.common or self.link.is_catching_up):
            raise MissingVersionError

    def _must_ask(self, item: Item) -> bool:
        """Whether the server knows what both come from, which it says on a push."""
        return item.base_rev is None and item.id not in self.common

    def _agree(self, ours: Revision, theirs: Revision) -> bool:
        """Tell whether there is nothing of ours to keep."""
        if ours.deleted and theirs.deleted:
            return theirs.state is None or ours.state is not None
        if ours.deleted or theirs.deleted or not ours.state or not theirs.state:
            return False
        return self.merger.is_same(ours.state, theirs.state)

    def _one_deleted(self, item: Item, ours: Revision, theirs: Revision) -> None:
        """An edit wins over a deletion, whoever made it."""
        if (ours.deleted and not theirs.deleted) or self._is_copy(item, ours, theirs):
            self._follow(item, theirs)
            return
        add_revision(self.connection, item, theirs._replace(parent=item.base_rev))
        self.bases.set(item, theirs.rev, live=False)
        self._rebase(item, theirs.rev, ours.state, deleted=ours.deleted)

    def _is_copy(self, item: Item, ours: Revision, theirs: Revision) -> bool:
        """Tell whether ours is no edit, but a copy of what others deleted.

        A home that was copied with a new prompt in it sends that a second time. What
        was taken out of the trash here is no copy, although it may look the same.
        """
        if item.base_rev is not None or self.common.get(item.id) is not None:
            return False
        if ours.state is None or theirs.state is None:
            return False
        was_restored = self.connection.execute(_WAS_RESTORED, (item.id,)).fetchone()
        return not was_restored and self.merger.is_same(ours.state, theirs.state)

    def _both_changed(self, item: Item, ours: Revision, theirs: Revision) -> None:
        pk = self.adoption.find(item.id)
        assert pk is not None
        assert ours.state is not None
        assert theirs.state is not None
        keep_private(self.connection, item.id)
        base = self._base(item)
        merged = self.merger.merge(pk, base, ours.state, theirs.state)
        if merged is None:
            self.conflicts += 1
            add_side(self.connection, item, ours.state)
            self._overwrite(item, theirs)
            self._send_rest(item, theirs, with_side=True)
        elif self.merger.is_same(merged, theirs.state):
            self._follow(item, theirs)
        else:
            self.merged += 1
            add_revision(self.connection, item, theirs._replace(parent=item.base_rev))
            self.bases.set(item, theirs.rev, live=True)
            self.adoption.update(pk, item.id, merged, deleted=False)
            self._rebase(item, theirs.rev, merged)

    def _base(self, item: Item) -> State | None:
        """Return what both sides come from, None where nobody knows."""
        rev = self.common.get(item.id) or item.base_rev
        base = find_revision(self.connection, item, rev)
        return None if base is None or base.deleted else base.state


def _place(origin: dict[str, Any]) -> tuple[Any, ...]:
    """Return by what a place where a prompt was found is known again."""
    return tuple(map(origin.get, ("source", "conversation_id", "message_id")))
