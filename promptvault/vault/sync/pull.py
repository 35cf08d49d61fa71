"""An answer of the server, taken in: results first, then changes, then the cursor.

All of it happens in one transaction, so a killed sync has happened or has not. What
must never happen is that a text is lost.
"""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from promptvault.domain.merge import IsTemplate, MergeText
from promptvault.domain.prompt import Author
from promptvault.domain.timestamp import to_text
from promptvault.errors import PermissionDeniedError, UnavailableError
from promptvault.vault.imports.index import DeferredIndex
from promptvault.vault.sync import name_collision, resync
from promptvault.vault.sync.apply_change import Arrivals
from promptvault.vault.sync.commit import Commit
from promptvault.vault.sync.conflict_copy import lone_items, set_status
from promptvault.vault.sync.item import (
    Hold,
    Item,
    find_item,
    forget_unreadable,
    release,
    save_item,
)
from promptvault.vault.sync.link import get_link, save_link
from promptvault.vault.sync.merge import Merger
from promptvault.vault.sync.prompt_writer import Adoption
from promptvault.vault.sync.push import Outgoing
from promptvault.vault.sync.push_result import Results
from promptvault.vault.sync.revisions import forget_changes, mint
from promptvault.vault.sync.server_state import Bases
from promptvault.wire.sync import Quota, Storage, VaultAnswer

_MANY = 100
"""Changes; fewer go into the search index one by one."""


@dataclass(frozen=True, slots=True)
class Scribe:
    """Who writes what sync changes, when, and what merges and reads texts."""

    author: Author
    now: datetime
    merge_text: MergeText
    is_template: IsTemplate


@dataclass(slots=True)
class Taken:
    """What has come of one answer, or of several in a row."""

    sent: set[str] = field(default_factory=set)
    """Prompts that the server took, by id: one with a long history goes in pieces."""
    pulled: int = 0
    """Prompts that others had changed."""
    merged: int = 0
    """Those that both sides had changed, and whose changes fit together."""
    conflicts: int = 0
    """Those whose changes did not: one of them lies beside the prompt now."""
    settled: int = 0
    """Conflicts that were settled, here or elsewhere."""
    revived: int = 0
    """Those that others removed, but for an edit that lay beside them."""
    deleted: int = 0
    """Prompts that went to the trash, or are gone for good: others had deleted them."""
    restored: int = 0
    """Changes that the server had lost, and has again."""
    reread: bool = False
    """Whether everything has to be read anew."""

    @property
    def pushed(self) -> int:
        """How many prompts the server took."""
        return len(self.sent)

    def add(self, other: "Taken") -> None:
        """Count what *other* counts, too."""
        self.sent |= other.sent
        self.pulled += other.pulled
        self.merged += other.merged
        self.conflicts += other.conflicts
        self.settled += other.settled
        self.revived += other.revived
        self.deleted += other.deleted
        self.restored += other.restored
        self.reread = self.reread or other.reread


def prepare(connection: sqlite3.Connection, scribe: Scribe) -> None:
    """Make every change ready to be sent, within the transaction under way."""
    commit = Commit()
    mint(connection, commit)
    commit.write(connection, scribe.author, _MESSAGE, scribe.now)


_MESSAGE = "Sync with other devices"


def take_in(
    connection: sqlite3.Connection,
    outgoing: Outgoing,
    answers: Sequence[VaultAnswer],
    scribe: Scribe,
) -> Taken:
    """Take in what the server answered to *outgoing*, within the transaction under way.

    Several answers are pages that follow each other. Raises PermissionDeniedError where
    the vault is not the user's, UnavailableError for what makes no sense.
    """
    return _Reception(connection, scribe).take(outgoing, answers)


def hold_back(connection: sqlite3.Connection, outgoing: Outgoing) -> None:
    """Note that changes are too large for any request."""
    for rev, sent in outgoing.changes.items():
        item = find_item(connection, sent.item)
        if sent.kind == "side":
            set_status(connection, rev, "held")
        elif item:
            item.hold = Hold.TOO_LARGE
            save_item(connection, item)


def read_unreadable_again(connection: sqlite3.Connection) -> None:
    """Read everything anew where something was passed over."""
    if forget_unreadable(connection):
        read_anew(connection)


def read_anew(connection: sqlite3.Connection) -> None:
    """Let everything be read from the beginning, within the transaction under way."""
    link = get_link(connection)
    bases = Bases(connection, int.from_bytes(link.digest))
    begun = resync.begin(connection, link, bases, resync.REREAD, link.epoch)
    save_link(connection, begun._replace(digest=bases.digest_bytes))


class _Reception:
    """Answers while they are taken in."""

    def __init__(self, connection: sqlite3.Connection, scribe: Scribe) -> None:
        self._connection, self._scribe = connection, scribe
        self._link = get_link(connection)
        self._bases = Bases(connection, int.from_bytes(self._link.digest))
        self._commit = Commit()
        mint(connection, self._commit)  # what was changed while the request was out
        self._taken = Taken()

    def take(self, outgoing: Outgoing, answers: Sequence[VaultAnswer]) -> Taken:
        """Take in *answers*, the first of which is the one to *outgoing*."""
        size = sum(len(answer.feed) for answer in answers)
        index = DeferredIndex(self._connection) if size > _MANY else None
        self._adoption = Adoption(self._connection, self._commit, index)
        for answer in answers:
            self._answer(outgoing, answer)
            outgoing = Outgoing()
        if index:
            index.finish()
        names = self._adoption.names | name_collision.names_of(
            self._connection, self._bases.turned
        )
        name_collision.settle(self._connection, names, self._commit)
        scribe = self._scribe
        self._commit.write(self._connection, scribe.author, _MESSAGE, scribe.now)
        link = self._link._replace(digest=self._bases.digest_bytes)
        save_link(self._connection, link)
        # What is marked as changed now was changed by this alone.
        forget_changes(self._connection)
        return self._taken

    def _answer(self, outgoing: Outgoing, answer: VaultAnswer) -> None:
        if answer.status == "gone":
            raise PermissionDeniedError(
                "The vault that this one is synced with is not yours: sign in as who"
                " you were, or begin anew with 'promptvault sync --relink'."
            )
        if answer.cursor is None or answer.cursor.epoch is None:
            raise UnavailableError("The server's answer makes no sense: try again.")
        if answer.status == "resync":
            self._begin_anew(answer)
            return
        was_catching_up = self._link.is_catching_up
        arrivals = self._take(outgoing, answer)
        self._link = self._link.at(answer.cursor, answer.mark)
        if answer.quota:
            self._set_quota(answer.quota)
        if answer.storage:
            self._set_storage(answer.storage)
        if self._link.resync and not answer.more:
            now = to_text(self._scribe.now)
            self._taken.deleted += resync.finish(
                self._connection, self._link, self._bases, self._adoption, now
            )
            self._link = self._link._replace(resync=None)
        if not answer.more and not self._link.is_catching_up:
            self._end(answer, arrivals, has_all=was_catching_up)
        self._count(arrivals)

    def _end(self, answer: VaultAnswer, arrivals: Arrivals, *, has_all: bool) -> None:
        """See to what was left over, when there is no more to read."""
        if has_all:
            arrivals.revive_lone()
        differs = bool(lone_items(self._connection)) or self._differs(answer)
        self._taken.reread = self._taken.reread or differs

    def _begin_anew(self, answer: VaultAnswer) -> None:
        assert answer.cursor is not None
        epoch = str(answer.cursor.epoch)
        reason = answer.reason or resync.EPOCH
        self._link = resync.begin(
            self._connection, self._link, self._bases, reason, epoch
        )

    def _take(self, outgoing: Outgoing, answer: VaultAnswer) -> Arrivals:
        results = Results(self._connection, self._bases, self._commit)
        results.take(outgoing, answer.results)
        arrivals = Arrivals(
            self._connection,
            self._link,
            self._bases,
            self._commit,
            self._adoption,
            self._merger(),
            results.common,
            more=answer.more,
        )
        self._taken.sent |= results.accepted
        self._taken.settled += results.settled
        self._taken.restored += results.restored
        for item in results.gone:
            self._forget(item)
        arrivals.forget_settled(answer.feed)
        for change in answer.feed:
            arrivals.take(change)
        return arrivals

    def _forget(self, item: Item) -> None:
        """Put a prompt into the trash that was deleted long ago elsewhere."""
        now = to_text(self._scribe.now)
        resync.forget(self._connection, self._bases, self._adoption, item, now)
        self._taken.deleted += 1

    def _count(self, arrivals: Arrivals) -> None:
        taken = self._taken
        taken.pulled += arrivals.pulled
        taken.merged += arrivals.merged
        taken.conflicts += arrivals.conflicts
        taken.settled += arrivals.settled
        taken.revived += arrivals.revived
        taken.deleted += arrivals.deleted
        taken.restored += arrivals.restored

    def _merger(self) -> Merger:
        scribe = self._scribe
        author, now = scribe.author, scribe.now
        read = scribe.merge_text, scribe.is_template
        return Merger(self._connection, *read, author, now)

    def _set_quota(self, quota: Quota) -> None:
        """Let as many prompts go that were held back as there is room for now."""
        limit, used = quota.limit, quota.used
        room = -1 if limit is None else max(0, limit - used)
        if room:
            release(self._connection, Hold.LIMIT, room)
        self._link = self._link._replace(prompt_limit=limit, prompt_count=used)

    def _set_storage(self, storage: Storage) -> None:
        """Let what was held back for want of storage go once there is more of it.

        Nobody knows before whether it is enough; while nothing was freed, it is not.
        """
        before = self._link.storage_left
        self._link = self._link._replace(
            storage_limit=storage.limit, storage_used=storage.used
        )
        left = self._link.storage_left
        if left is None or (before is not None and left > before):
            release(self._connection, Hold.STORAGE)

    def _differs(self, answer: VaultAnswer) -> bool:
        """Tell whether the server has something else than is known of it."""
        if answer.digest is None or not self._bases.are_known():
            return False
        return self._bases.digest_bytes.hex() != answer.digest
