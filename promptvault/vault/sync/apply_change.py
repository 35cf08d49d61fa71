"""Changes from the server, applied to the vault.

`decide` says what becomes of a prompt; `reconcile.Reconciler` does it.
"""

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from promptvault.vault.sync.commit import Commit
from promptvault.vault.sync.conflict_copy import (
    delete_conflict_copy,
    receive_conflict_copy,
    resolve_again,
)
from promptvault.vault.sync.decode import DecodedChange, decode_change, named_versions
from promptvault.vault.sync.item import (
    THIS_DEVICE,
    Hold,
    Item,
    Revision,
    State,
    add_item,
    add_revision,
    ancestry,
    find_item,
    find_revision,
    save_item,
    set_writer,
)
from promptvault.vault.sync.link import Link
from promptvault.vault.sync.prompt_writer import MissingVersionError
from promptvault.vault.sync.reconcile import Reconciler
from promptvault.vault.sync.version import (
    NewVersion,
    add_early_versions,
    delete_places,
    early_version_ids,
    find_version,
    has_moved,
    set_place,
)
from promptvault.wire.sync import Change

_WAS_RESTORED = "SELECT 1 FROM sync_restored WHERE item = ?"


class Action(Enum):
    """What to do with a prompt that has another revision on the server."""

    IGNORE = "ignore"
    """Nothing: the prompt is deleted permanently, and was never on this device."""
    ADD = "add"
    """Start syncing a prompt that sync does not know here."""
    ACKNOWLEDGE = "acknowledge"
    """Store that the server has the local revision, or an ancestor of it."""
    REREAD = "reread"
    """Read the whole vault again: only then the prompt's versions come."""
    FOLLOW = "follow"
    """Set the prompt to the server's state: there is no local change to keep."""
    ASK = "ask"
    """Push the local revision: the server's answer names the common ancestor."""
    KEEP = "keep"
    """Keep the local state, and send it on top of the server's."""
    MERGE = "merge"
    """Merge the local state and the server's."""


class Local(NamedTuple):
    """A prompt on this device."""

    rev: str
    state: State | None
    """None if the prompt is deleted permanently."""
    deleted: bool = False
    is_clean: bool = False
    """Whether the server has acknowledged *rev*."""
    ancestors: Iterable[str] = ()
    """Revisions that *rev* descends from; not needed if it is clean."""
    was_restored: bool = False
    """Whether it was taken out of the trash on this device."""
    can_get_versions: bool = True
    """Whether its versions are here, or will come with the server's revision."""


class Base(NamedTuple):
    """The newest revision that the local one and the server's both descend from."""

    rev: str | None
    """None if there is none: both devices created the prompt."""
    is_known: bool = True
    """False if only the server can find it."""


IsSame = Callable[[State, State], bool]
"""Returns True if two states have the same content."""


def decide(ours: Local | None, theirs: Revision, base: Base, is_same: IsSame) -> Action:
    """Return what to do with a prompt; *ours* is None if sync does not know it.

    An edit wins over a deletion, on whichever device each was made. Two edits are
    merged.
    """
    if ours is None:
        return Action.IGNORE if theirs.state is None else Action.ADD
    if theirs.rev == ours.rev or theirs.rev in ours.ancestors:
        return Action.ACKNOWLEDGE
    if theirs.state is not None and not ours.can_get_versions:
        return Action.REREAD
    is_older = ours.rev in theirs.between
    if ours.is_clean or is_older or _agree(ours, theirs, is_same):
        return Action.FOLLOW
    if not base.is_known:
        return Action.ASK
    if theirs.deleted:
        is_copy = _is_copy(ours, theirs, base, is_same)
        return Action.FOLLOW if is_copy else Action.KEEP
    return Action.FOLLOW if ours.deleted else Action.MERGE


def _agree(ours: Local, theirs: Revision, is_same: IsSame) -> bool:
    """Return True if both sides made the same change."""
    if ours.deleted and theirs.deleted:
        return theirs.state is None or ours.state is not None
    if ours.deleted or theirs.deleted or not ours.state or not theirs.state:
        return False
    return is_same(ours.state, theirs.state)


def _is_copy(ours: Local, theirs: Revision, base: Base, is_same: IsSame) -> bool:
    """Return True if ours is a copy of what was deleted, not an edit of it.

    A device that is a copy of another one's home sends the unsent prompts of that home
    a second time. A prompt that was taken out of the trash is no copy, even if it has
    the same content.
    """
    if base.rev is not None or ours.was_restored:
        return False
    if ours.state is None or theirs.state is None:
        return False
    return is_same(ours.state, theirs.state)


@dataclass(slots=True)
class ChangeApplier:
    """Applies the changes of one answer, within the current transaction."""

    connection: sqlite3.Connection
    link: Link
    commit: Commit
    reconciler: Reconciler
    common: dict[str, str | None]
    """By id of each prompt in conflict, the newest revision that both sides know."""

    def apply_resolutions(self, changes: Sequence[Change]) -> None:
        """Delete the conflict copies that other devices have resolved.

        Call this before `apply`, so that no decision depends on them. The change that
        resolved a copy always comes before its resolution.
        """
        for change in changes:
            if change.t == "resolved":
                is_news = delete_conflict_copy(self.connection, str(change.rev))
                self.reconciler.counts.resolved += is_news

    def apply(self, change: Change) -> None:
        """Apply one change; raise MissingVersionError.

        A change that this program cannot read is recorded as such and holds its prompt
        back; the others are applied.
        """
        if self.link.resync and change.t != "versions":
            self._mark_seen(str(change.item if change.t == "item" else change.rev))
        decoded = decode_change(self.connection, change)
        if not decoded.is_readable or self._lacks_version(change, decoded):
            self._store_versions(str(change.item), decoded.versions)
            self._hold_unreadable(change)
            return
        match change.t:
            case "item":
                self._apply_head(change, decoded)
                if (name := self._writer(change)) is not None:
                    set_writer(self.connection, str(change.item), name)
            case "side":
                self._apply_conflict_copy(change, decoded)
            case _:
                self._store_versions(str(change.item), decoded.versions)

    def _mark_seen(self, id_: str) -> None:
        self.connection.execute("INSERT OR IGNORE INTO sync_seen VALUES (?)", (id_,))

    def _lacks_version(self, change: Change, decoded: DecodedChange) -> bool:
        """Return True if the state names a version that the server does not have.

        That is certain only while the whole vault is read: all versions of a prompt
        come before the prompt then.
        """
        if decoded.state is None or not self.link.is_catching_up:
            return False
        here = {new.id for new in decoded.versions}
        here |= early_version_ids(self.connection, str(change.item))
        return any(
            find_version(self.connection, id_) is None
            for id_ in named_versions(decoded.state) - here
        )

    def _hold_unreadable(self, change: Change) -> None:
        """Record that the server has a newer revision, which cannot be read.

        The prompt stays as it is on this device, and its changes are not sent.
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
        self.reconciler.server_state.set(item, rev, live=not change.deleted)
        item.hold = Hold.UNREADABLE
        save_item(self.connection, item)

    def _apply_conflict_copy(self, change: Change, decoded: DecodedChange) -> None:
        assert decoded.state is not None
        rev, id_, writer = str(change.rev), str(change.item), self._writer(change)
        counts = self.reconciler.counts
        self._store_versions(id_, decoded.versions)
        if resolve_again(self.connection, rev, id_):
            counts.restored += 1
        mine = writer == THIS_DEVICE
        counts.conflicts += receive_conflict_copy(
            self.connection, rev, id_, decoded.state, mine=mine, writer=writer
        )

    def _writer(self, change: Change) -> str | None:
        """Return the name of the device that made a change, None if not known."""
        if change.by is None:
            return None
        is_mine = str(change.by.device) == self.link.device
        return THIS_DEVICE if is_mine else change.by.name

    def _store_versions(self, prompt_id: str, versions: list[NewVersion]) -> None:
        """Store versions; those of a prompt that is not here are kept for it."""
        if not versions:
            return
        pk = self.reconciler.prompt_writer.find_pk(prompt_id)
        if pk is None:
            add_early_versions(self.connection, prompt_id, versions)
            return
        known = [(find_version(self.connection, new.id), new) for new in versions]
        if any(has_moved(self.connection, key, new.place) for key, new in known):
            # The server purged the prompt, and another device sent it again.
            delete_places(self.connection, prompt_id)
        for key, new in known:
            if key is not None and new.place:
                set_place(self.connection, key, new.place)
        fresh = [new for key, new in known if key is None]
        self.reconciler.prompt_writer.add_versions(pk, fresh)
        self.commit.renumber(self.connection, pk)

    def _apply_head(self, change: Change, decoded: DecodedChange) -> None:
        id_, versions = str(change.item), decoded.versions
        theirs = Revision(
            str(change.rev),
            None,
            change.deleted,
            None,
            decoded.state,
            [str(each) for each in change.line],
        )
        item = find_item(self.connection, id_)
        if item is None:
            if decide(None, theirs, Base(None), self._is_same) == Action.ADD:
                self._add(id_, theirs, versions)
            return
        self._store_versions(id_, versions)
        ours = find_revision(self.connection, item, item.local_rev)
        assert ours is not None
        base = self._base(item)
        local = self._local(item, ours)
        reconciler = self.reconciler
        match decide(local, theirs, base, self._is_same):
            case Action.ACKNOWLEDGE:
                reconciler.acknowledge(item, theirs)
            case Action.FOLLOW:
                reconciler.follow(item, theirs)
            case Action.ASK:
                reconciler.ask(item, theirs)
            case Action.KEEP:
                reconciler.keep(item, ours, theirs)
            case Action.MERGE:
                reconciler.merge(item, self._base_state(item, base), ours, theirs)
            case Action.REREAD:
                raise MissingVersionError

    def _add(self, id_: str, theirs: Revision, versions: list[NewVersion]) -> None:
        item = add_item(self.connection, id_, theirs.rev, None)
        if self.reconciler.prompt_writer.find_pk(id_) is None:
            self.reconciler.create(item, theirs, versions)
        else:  # it was trashed here before it was ever sent
            self._store_versions(id_, versions)
            self.reconciler.follow(item, theirs)

    def _local(self, item: Item, ours: Revision) -> Local:
        if item.is_clean:
            return Local(ours.rev, ours.state, ours.deleted, is_clean=True)
        line = ancestry(self.connection, item)
        found = self.connection.execute(_WAS_RESTORED, (item.id,)).fetchone()
        # The versions of a prompt that was removed for good come with a conflict, and
        # while the whole vault is read.
        comes_whole = item.id in self.common or self.link.is_catching_up
        return Local(
            ours.rev,
            ours.state,
            ours.deleted,
            ancestors={rev for each in line for rev in (each.rev, each.parent) if rev},
            was_restored=found is not None,
            can_get_versions=ours.state is not None or comes_whole,
        )

    def _base(self, item: Item) -> Base:
        rev = self.common.get(item.id) or item.base_rev
        return Base(rev, is_known=rev is not None or item.id in self.common)

    def _base_state(self, item: Item, base: Base) -> State | None:
        found = find_revision(self.connection, item, base.rev)
        return None if found is None or found.deleted else found.state

    def _is_same(self, ours: State, theirs: State) -> bool:
        return self.reconciler.merger.is_same(ours, theirs)
