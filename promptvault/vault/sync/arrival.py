"""Changes that arrive: followed, merged, or kept beside what is here."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from promptvault.vault.sync.adoption import Adoption, MissingVersionError
from promptvault.vault.sync.base import Bases
from promptvault.vault.sync.commit import Commit
from promptvault.vault.sync.item import (
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
    save_item,
)
from promptvault.vault.sync.link import Link
from promptvault.vault.sync.merging import Merger
from promptvault.vault.sync.side import add_side, drop_side, take_side
from promptvault.vault.sync.state import is_held_back, keep_private, unsent
from promptvault.vault.sync.twin import find_twin
from promptvault.vault.sync.version import (
    NewVersion,
    find_version,
    forget_places,
    has_moved,
    keep_early,
    received,
    set_place,
    take_early,
)
from promptvault.wire.prompt_state import check_state
from promptvault.wire.sync import Change, VersionRead


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

    def take(self, change: Change) -> None:
        """Take in one change; raises MissingVersionError, UnavailableError."""
        if self.link.resync:
            self._see(str(change.item if change.t == "item" else change.rev))
        match change.t:
            case "item":
                self._head(change)
            case "side":
                self._side(change)
            case _:
                self._learn(str(change.item), change.versions)
                drop_side(self.connection, str(change.rev))

    def _see(self, id_: str) -> None:
        self.connection.execute("INSERT OR IGNORE INTO sync_seen VALUES (?)", (id_,))

    def _side(self, change: Change) -> None:
        self._learn(str(change.item), change.versions)
        state = check_state(change.payload)
        mine = change.by is not None and str(change.by.device) == self.link.device
        item = str(change.item)
        if take_side(self.connection, str(change.rev), item, state, mine=mine):
            self.conflicts += 1

    def _learn(self, prompt_id: str, versions: list[VersionRead]) -> None:
        """Take in versions, which are kept for later where their prompt is not here."""
        if not versions:
            return
        pk = self.adoption.find(prompt_id)
        if pk is None:
            keep_early(self.connection, prompt_id, versions)
            return
        find = partial(find_version, self.connection)
        told = [(find(new.id), new) for new in map(received, versions)]
        if any(has_moved(self.connection, key, new.place) for key, new in told):
            # The server forgot the prompt, and has what somebody else knew of it.
            forget_places(self.connection, prompt_id)
        for key, new in told:
            if key is not None and new.place:
                set_place(self.connection, key, new.place)
        fresh = [new for key, new in told if key is None]
        self.adoption.add_versions(pk, fresh)
        self.commit.renumber(self.connection, pk)

    def _head(self, change: Change) -> None:
        id_, rev = str(change.item), str(change.rev)
        state = None if change.payload is None else check_state(change.payload)
        if state is None and not change.deleted:
            raise MissingVersionError
        theirs = Revision(rev, None, change.deleted, False, state)
        item = find_item(self.connection, id_)
        if item is None:
            self._arrive(id_, theirs, change.versions)
            return
        self._learn(id_, change.versions)
        if rev == item.local_rev or self._descends_from(item, rev):
            self.bases.set(item, rev, live=not change.deleted)
            if item.is_clean:
                self._send_rest(item, theirs)
        else:
            self._change(item, theirs)

    def _descends_from(self, item: Item, rev: str) -> bool:
        return not item.is_clean and any(
            rev in (each.rev, each.parent) for each in line(self.connection, item)
        )

    def _arrive(self, id_: str, theirs: Revision, versions: list[VersionRead]) -> None:
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
        self, id_: str, theirs: Revision, versions: Sequence[VersionRead] = ()
    ) -> None:
        assert theirs.state is not None
        # Several changes of a prompt may each bring the same versions, page by page.
        told = {v.id: v for v in (*take_early(self.connection, id_), *versions)}
        placed = sorted(map(received, told.values()), key=lambda each: each.place or ())
        if not theirs.deleted and self.link.is_catching_up:
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
        self._overwrite(item, theirs)
        self._send_rest(item, theirs)

    def _send_rest(self, item: Item, theirs: Revision) -> None:
        if theirs.state is not None and unsent(self.connection, [item.id]):
            deleted = theirs.deleted
            self._rebase(item, item.local_rev, theirs.state, deleted=deleted)

    def _overwrite(self, item: Item, theirs: Revision) -> None:
        keep_private(self.connection, item.id)
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
        self, item: Item, parent: str, state: State | None, *, deleted: bool = False
    ) -> None:
        """Let ours come after *parent*, to be sent."""
        new = Revision(new_rev(), parent, deleted, False, state)
        add_revision(self.connection, item, new)
        held = is_held_back(self.connection, item.id)
        item.local_rev, item.hold = new.rev, Hold.SECRETS if held else None
        save_item(self.connection, item)

    def _change(self, item: Item, theirs: Revision) -> None:
        ours = find_revision(self.connection, item, item.local_rev)
        assert ours is not None
        if ours.state is None and theirs.state is not None and not item.is_clean:
            self._require_history()
        if item.is_clean or self._agree(ours, theirs):
            self._follow(item, theirs)
        elif self._must_ask(item):
            item.hold = None if item.hold == Hold.LIMIT else item.hold
            item.base_live = not theirs.deleted
            save_item(self.connection, item)
        elif theirs.deleted or ours.deleted:
            self._one_deleted(item, ours, theirs)
        else:
            self._both_changed(item, ours, theirs)

    def _require_history(self) -> None:
        """Raise MissingVersionError: the versions of a prompt that was removed for good
        come again only when everything is read anew."""
        if not self.link.is_catching_up:
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
        if ours.deleted and not theirs.deleted:
            self._follow(item, theirs)
            return
        add_revision(self.connection, item, theirs._replace(parent=item.base_rev))
        self.bases.set(item, theirs.rev, live=False)
        self._rebase(item, theirs.rev, ours.state, deleted=ours.deleted)

    def _both_changed(self, item: Item, ours: Revision, theirs: Revision) -> None:
        pk = self.adoption.find(item.id)
        assert pk is not None
        assert ours.state is not None
        assert theirs.state is not None
        base = self._base(item)
        merged = self.merger.merge(pk, base, ours.state, theirs.state)
        if merged is None:
            self.conflicts += 1
            add_side(self.connection, item, ours.state)
            self._overwrite(item, theirs)
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
