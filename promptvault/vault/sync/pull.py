"""Applying an answer of the server: its results, then its changes, then its cursor.

All of it is one transaction, so that a killed sync leaves the vault as it was.
"""

import sqlite3
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from promptvault.domain.merge import IsTemplate, MergeText
from promptvault.domain.prompt import Author
from promptvault.domain.timestamp import to_text
from promptvault.errors import PermissionDeniedError, UnavailableError
from promptvault.vault.imports.index import DeferredIndex
from promptvault.vault.sync import name_collision, resync
from promptvault.vault.sync.apply_change import ChangeApplier
from promptvault.vault.sync.commit import Commit
from promptvault.vault.sync.conflict_copy import (
    orphaned_items,
    release_conflict_copies,
    set_status,
)
from promptvault.vault.sync.counts import SyncCounts
from promptvault.vault.sync.item import (
    Hold,
    Item,
    find_item,
    release_held,
    reset_unreadable,
    save_item,
)
from promptvault.vault.sync.link import get_link, save_link
from promptvault.vault.sync.merge import Merger
from promptvault.vault.sync.prompt_writer import PromptWriter
from promptvault.vault.sync.push import PushBatch
from promptvault.vault.sync.push_result import PushResults
from promptvault.vault.sync.reconcile import Reconciler
from promptvault.vault.sync.revisions import create_revisions, delete_pending
from promptvault.vault.sync.server_state import ServerState
from promptvault.wire.sync import Quota, Storage, VaultAnswer

_MANY = 100
"""Changes; up to this many are added to the search index one by one."""
_MESSAGE = "Sync with other devices"


@dataclass(frozen=True, slots=True)
class SyncContext:
    """The author and time of what sync changes, and the functions that merge texts."""

    author: Author
    now: datetime
    merge_text: MergeText
    is_template: IsTemplate
    locked_labels: Collection[str] = ()
    """Labels that the user may not move; see `team`."""


def prepare_push(connection: sqlite3.Connection, context: SyncContext) -> None:
    """Create revisions for all changes, within the current transaction."""
    commit = Commit()
    create_revisions(connection, commit)
    commit.write(connection, context.author, _MESSAGE, context.now)


def apply_answers(
    connection: sqlite3.Connection,
    batch: PushBatch,
    answers: Sequence[VaultAnswer],
    context: SyncContext,
) -> SyncCounts:
    """Apply the answer to *batch*, and the pages after it, in the current transaction.

    Raise PermissionDeniedError if the vault is not the user's, UnavailableError if an
    answer is invalid, MissingVersionError if the whole vault must be read again.
    """
    return _AnswerApplier(connection, context).apply(batch, answers)


def hold_too_large(connection: sqlite3.Connection, batch: PushBatch) -> None:
    """Hold back changes that the server finds too large for a request."""
    for rev, sent in batch.changes.items():
        item = find_item(connection, sent.item)
        if sent.kind == "side":
            set_status(connection, rev, Hold.TOO_LARGE)
        elif item:
            item.hold = Hold.TOO_LARGE
            save_item(connection, item)


def retry_unreadable(connection: sqlite3.Connection) -> None:
    """Read the whole vault again if there are changes that could not be read."""
    if reset_unreadable(connection):
        resync.restart_pull(connection)


class _AnswerApplier:
    """Applies the answers to one request."""

    def __init__(self, connection: sqlite3.Connection, context: SyncContext) -> None:
        self._connection, self._context = connection, context
        self._link = get_link(connection)
        self._server_state = ServerState(connection, int.from_bytes(self._link.digest))
        self._commit = Commit()
        # For prompts that have changed during the request.
        create_revisions(connection, self._commit)
        self._counts = SyncCounts()

    def apply(self, batch: PushBatch, answers: Sequence[VaultAnswer]) -> SyncCounts:
        """Apply *answers*; only the first one has results of *batch*."""
        size = sum(len(answer.feed) for answer in answers)
        index = DeferredIndex(self._connection) if size > _MANY else None
        self._prompt_writer = PromptWriter(self._connection, self._commit, index)
        for answer in answers:
            self._apply_answer(batch, answer)
            batch = PushBatch()
        if index:
            index.finish()
        names = self._prompt_writer.names | name_collision.names_of(
            self._connection, self._server_state.changed_live
        )
        name_collision.resolve_collisions(self._connection, names, self._commit)
        context = self._context
        self._commit.write(self._connection, context.author, _MESSAGE, context.now)
        link = self._link._replace(digest=self._server_state.digest_bytes)
        save_link(self._connection, link)
        # The prompts that the triggers have marked by now were changed here alone.
        delete_pending(self._connection)
        return self._counts

    def _apply_answer(self, batch: PushBatch, answer: VaultAnswer) -> None:
        if answer.status == "gone":
            raise PermissionDeniedError(
                "The vault that this one is synced with belongs to another user: sign"
                " in as that user, or start again with 'promptvault sync --relink'."
            )
        if answer.cursor is None or answer.cursor.epoch is None:
            raise UnavailableError("The server's answer is not valid: try again.")
        if answer.status == "resync":
            self._begin_resync(answer)
            return
        was_catching_up = self._link.is_catching_up
        reconciler = self._apply_page(batch, answer)
        self._link = self._link.with_cursor(answer.cursor, answer.mark)
        if answer.quota:
            self._set_quota(answer.quota)
        if answer.storage:
            self._set_storage(answer.storage)
        if self._link.resync and not answer.more:
            self._finish_resync()
        if not answer.more and not self._link.is_catching_up:
            if was_catching_up:
                reconciler.restore_orphans()
            differs = bool(orphaned_items(self._connection)) or self._differs(answer)
            self._counts.reread = self._counts.reread or differs

    def _begin_resync(self, answer: VaultAnswer) -> None:
        assert answer.cursor is not None
        epoch = str(answer.cursor.epoch)
        reason = answer.reason or resync.EPOCH
        self._link = resync.begin(
            self._connection, self._link, self._server_state, reason, epoch
        )

    def _finish_resync(self) -> None:
        now = to_text(self._context.now)
        self._counts.deleted += resync.finish(
            self._connection, self._link, self._server_state, self._prompt_writer, now
        )
        self._link = self._link._replace(resync=None)

    def _apply_page(self, batch: PushBatch, answer: VaultAnswer) -> Reconciler:
        results = PushResults(
            self._connection, self._server_state, self._commit, self._counts
        )
        results.apply(batch, answer.results)
        for item in results.gone:
            self._trash_purged(item)
        reconciler = Reconciler(
            self._connection,
            self._server_state,
            self._prompt_writer,
            self._merger(),
            self._counts,
            more=answer.more,
        )
        for item, label in results.label_refused:
            locked = {label, *self._context.locked_labels}
            self._counts.reread |= not reconciler.give_labels_back(item, locked)
        applier = ChangeApplier(
            self._connection, self._link, self._commit, reconciler, results.common
        )
        applier.apply_resolutions(answer.feed)
        for change in answer.feed:
            applier.apply(change)
        return reconciler

    def _trash_purged(self, item: Item) -> None:
        now = to_text(self._context.now)
        resync.trash_purged(
            self._connection, self._server_state, self._prompt_writer, item, now
        )
        self._counts.deleted += 1

    def _merger(self) -> Merger:
        context = self._context
        return Merger(
            self._connection,
            context.merge_text,
            context.is_template,
            context.author,
            context.now,
            context.locked_labels,
        )

    def _set_quota(self, quota: Quota) -> None:
        """Store the quota, and release as many held prompts as now fit."""
        limit, used = quota.limit, quota.used
        room = -1 if limit is None else max(0, limit - used)
        if room:
            release_held(self._connection, Hold.LIMIT, room)
        self._link = self._link._replace(prompt_limit=limit, prompt_count=used)

    def _set_storage(self, storage: Storage) -> None:
        """Store the storage used, and release held prompts if there is more left.

        Their size on the server is not known here, so they are sent to find out.
        """
        before = self._link.storage_left
        self._link = self._link._replace(
            storage_limit=storage.limit, storage_used=storage.used
        )
        left = self._link.storage_left
        if left is None or (before is not None and left > before):
            release_held(self._connection, Hold.STORAGE)
            release_conflict_copies(self._connection, Hold.STORAGE)

    def _differs(self, answer: VaultAnswer) -> bool:
        """Return True if the server's digest is not the one computed here."""
        if answer.digest is None or not self._server_state.is_complete():
            return False
        return self._server_state.digest_bytes.hex() != answer.digest
