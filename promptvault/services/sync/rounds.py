"""The sync of one vault: what it asks, and what an answer does to it.

`conductor` sends the requests of all vaults of a device.
"""

import contextlib
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from promptvault.errors import PromptVaultError, UnavailableError
from promptvault.history.text_merge import merge_text
from promptvault.home import PERSONAL
from promptvault.services.locking import locked
from promptvault.services.prompts.template_syntax import is_valid_template
from promptvault.services.workspace import Workspace
from promptvault.vault import outbox
from promptvault.vault.database import bulk_transaction, open_read_only
from promptvault.vault.sync.counts import SyncCounts
from promptvault.vault.sync.link import Link, get_link
from promptvault.vault.sync.pending import has_changes
from promptvault.vault.sync.prompt_writer import MissingVersionError
from promptvault.vault.sync.pull import (
    SyncContext,
    apply_answers,
    hold_too_large,
    prepare_push,
)
from promptvault.vault.sync.push import (
    BatchLimits,
    PushBatch,
    count_unsent_changes,
    has_new_imports,
    has_unsent_changes,
    next_batch,
)
from promptvault.vault.sync.resync import restart_pull
from promptvault.vault.sync.status import SyncStatus, sync_status
from promptvault.vault.sync.team import Team, find_team, locked_labels
from promptvault.wire.sync import VaultAnswer

KEEP, WIPE = "keep", "wipe"
"""What to do with the copy of a vault that is no longer the user's."""

_MOST_IDLE_ROUNDS = 5
"""In a row, without any progress on either side."""


class Direction(NamedTuple):
    """Whether a sync sends changes, receives them, or both."""

    push: bool = True
    pull: bool = True


@dataclass(slots=True)
class Progress:
    """The progress of a sync."""

    pushed: int = 0
    """Prompts that the server has accepted."""
    to_push: int = 0
    """Prompts to send in all."""
    received: int = 0
    """Changes received; they are applied a little later."""
    to_receive: int | None = None
    """Prompts on the server if all of them are read; None if not, or not yet known."""


@dataclass(slots=True)
class SyncReport:
    """What a sync did, and the status after it."""

    counts: SyncCounts = field(default_factory=SyncCounts)
    round_trips: int = 0
    status: SyncStatus = field(default_factory=SyncStatus)


@contextlib.contextmanager
def snapshot(workspace: Workspace) -> Iterator[sqlite3.Connection]:
    """Yield a read-only connection with a snapshot of the vault."""
    paths = workspace.paths
    connection = open_read_only(paths.database, paths.usage)
    with contextlib.closing(connection):
        connection.execute("BEGIN")
        yield connection


class VaultSync:
    """The sync of one vault.

    Call `start`, then `prepare`, `part` and `take` in turns until `is_done`. While
    `is_catching_up`, pages are read instead: `catch_up`, `page`, `take_pages`,
    `end_catch_up`. An error that concerns this vault alone is passed to `fail`. It
    leaves the vault consistent, and the next sync continues.
    """

    def __init__(
        self,
        workspace: Workspace,
        direction: Direction = Direction(),  # noqa: B008 - it never changes
        on_progress: Callable[[Progress], None] = lambda _: None,
    ) -> None:
        self._workspace = workspace
        self._direction, self._on_progress = direction, on_progress
        self.report = SyncReport()
        self.progress = Progress()
        self.is_done = False
        self.error: PromptVaultError | None = None
        """The error that ended the sync."""
        self.on_leave: str | None = None
        """If the team's vault is no longer the user's, what to do with it here: `keep`
        or `wipe`.
        """
        self.team: Team | None = None
        """The team of the vault, known at the end."""
        self.is_catching_up = False
        """Whether to read the whole vault of the server; set by `part`."""
        self._link: Link | None = None
        self._batch = PushBatch()
        self._locked_labels: tuple[str, ...] = ()
        self._last_page: VaultAnswer | None = None
        self._reads_first = False
        self._rereads = 0
        self._catch_ups = 0
        self._idle_rounds = 0
        self._reads_all = False

    @property
    def name(self) -> str:
        """The name of the vault on this device."""
        return self._workspace.paths.vault

    @property
    def link(self) -> Link:
        """The link as of the last `part`."""
        assert self._link is not None
        return self._link

    @property
    def pushes(self) -> int:
        """The number of changes in the last `part`."""
        return len(self._batch.changes)

    def start(self) -> None:
        """Prepare the vault. Raise VaultError, NotFoundError without a link."""
        if self.name != PERSONAL:
            with snapshot(self._workspace) as connection:
                self._locked_labels = locked_labels(connection)
        self._recover()
        self.prepare()
        self._reads_first = self._must_read_first()

    def finish(self) -> None:
        """Store the status of the vault in the report."""
        with snapshot(self._workspace) as connection:
            self.report.status = sync_status(connection)
            if self.name != PERSONAL:
                self.team = find_team(connection)

    def fail(self, error: PromptVaultError) -> None:
        """End the sync with *error*."""
        self.error, self.is_done = error, True

    def wanted(self) -> int:
        """Return the number of changes to send, 0 if none may be sent now."""
        with snapshot(self._workspace) as connection:
            is_reading = get_link(connection).is_catching_up or not self._pushes_now
            if is_reading or not has_unsent_changes(connection):
                return 0
            return max(1, count_unsent_changes(connection))

    def part(self, room: BatchLimits) -> dict[str, Any]:
        """Return the vault's part of the next request, with changes that fit *room*."""
        self._link, self._batch = self._collect_batch(room)
        self.is_catching_up = self._link.is_catching_up
        return _part(self._link, self._batch)

    def take(self, answer: VaultAnswer) -> None:
        """Apply the answer to `part`, and decide whether there is more to do."""
        self.count(answer)
        if self._is_gone(answer):
            return
        if not _changes_anything(self.link, self._batch, answer):
            self._end_phase()
            return
        self._apply(self._batch, [answer])
        self._require_progress(self._batch, answer)
        if not self._has_more(answer):
            self._end_phase()

    def count(self, answer: VaultAnswer) -> None:
        """Count what an answer brings; it is applied later."""
        self.progress.received += len(answer.feed)
        if self._reads_all and answer.quota:
            self.progress.to_receive = answer.quota.used
        self._on_progress(self.progress)

    def hold_too_large(self) -> None:
        """Hold back the only change of the last `part`: the server cannot accept it."""
        with locked(self._workspace) as writer, bulk_transaction(writer.connection):
            hold_too_large(writer.connection, self._batch)

    def catch_up(self) -> None:
        """Begin to read the whole vault of the server; raise UnavailableError."""
        self._catch_ups += 1
        if self._catch_ups > _MOST_IDLE_ROUNDS:
            raise UnavailableError(
                "The server keeps starting from the beginning: try again later."
            )
        self._last_page = None

    @staticmethod
    def page(link: Link) -> dict[str, Any]:
        """Return the part of a request for the page after *link*."""
        return _part(link, PushBatch())

    def take_pages(self, pages: Sequence[VaultAnswer]) -> bool:
        """Apply pages; return False if those that follow are of no use."""
        if self._is_gone(pages[0]):
            return False
        self._last_page = pages[-1]
        return not self._apply(PushBatch(), pages).reread

    def end_catch_up(self) -> None:
        """End the reading of pages."""
        last = self._last_page
        if not self.is_done and not (last and self._has_more(last)):
            self._end_phase()

    def _end_phase(self) -> None:
        """End the sync, or the reading before new imports are sent."""
        self.is_done = not self._reads_first
        self._reads_first = False

    def _is_gone(self, answer: VaultAnswer) -> bool:
        """Return True if the vault is one of a team that the user is not in."""
        if answer.status != "gone" or self.name == PERSONAL:
            return False
        self.on_leave, self.is_done = answer.on_leave or KEEP, True
        return True

    @property
    def _pushes_now(self) -> bool:
        return self._direction.push and not self._reads_first

    def _recover(self) -> None:
        """Commit what a killed process has left in the outbox.

        No other command may follow to do it. An empty outbox takes no lock.
        """
        with snapshot(self._workspace) as connection:
            is_waiting = bool(outbox.read_pending(connection))
        if is_waiting:
            with locked(self._workspace) as writer:
                writer.flush()

    def _must_read_first(self) -> bool:
        """Return True if new imports are to be sent: others may have the same file.

        A prompt that arrives before its duplicate is sent replaces it; see
        `vault.sync.reconcile`.
        """
        with snapshot(self._workspace) as connection:
            is_catching_up = get_link(connection).is_catching_up  # reads first anyway
            return not is_catching_up and has_new_imports(connection)

    def prepare(self) -> None:
        """Create revisions for what has changed; without changes, take no lock."""
        with snapshot(self._workspace) as connection:
            changed = has_changes(connection)
        if changed and self._pushes_now:
            with locked(self._workspace) as writer:
                with bulk_transaction(writer.connection):
                    prepare_push(writer.connection, self._context())
                writer.flush()

    def _context(self) -> SyncContext:
        workspace = self._workspace
        return SyncContext(
            workspace.author(),
            workspace.now(),
            merge_text,
            is_valid_template,
            self._locked_labels,
        )

    def _collect_batch(self, room: BatchLimits) -> tuple[Link, PushBatch]:
        with snapshot(self._workspace) as connection:
            link = get_link(connection)
            self._reads_all = self._reads_all or link.epoch is None
            if link.is_catching_up or not self._pushes_now:
                return link, PushBatch()
            if not self.progress.to_push:
                self.progress.to_push = count_unsent_changes(connection)
            return link, next_batch(connection, room)

    def _apply(self, batch: PushBatch, answers: Sequence[VaultAnswer]) -> SyncCounts:
        with locked(self._workspace) as writer:
            try:
                with bulk_transaction(writer.connection):
                    context = self._context()
                    counts = apply_answers(writer.connection, batch, answers, context)
            except MissingVersionError:
                counts = SyncCounts(reread=True)
            if counts.reread:
                self._restart_pull(writer.connection)
            writer.flush()
        self._add_counts(counts)
        return counts

    def _restart_pull(self, connection: sqlite3.Connection) -> None:
        self._rereads += 1
        if self._rereads > 1:
            raise UnavailableError(
                "The server's data is not consistent, even after reading all of it"
                " again; nothing is lost in this vault."
            )
        with bulk_transaction(connection):
            restart_pull(connection)

    def _add_counts(self, counts: SyncCounts) -> None:
        self.report.counts.add(counts)
        self.progress.pushed = len(self.report.counts.sent)
        self._on_progress(self.progress)

    def _require_progress(self, batch: PushBatch, answer: VaultAnswer) -> None:
        decided = {"ok"}
        if not _has_room(answer):  # what was refused is held back, not sent again
            decided |= {"quota", "too_large", "forbidden"}
        idle = not (answer.feed or any(each.r in decided for each in answer.results))
        self._idle_rounds = self._idle_rounds + 1 if idle else 0
        if self._idle_rounds > _MOST_IDLE_ROUNDS:
            raise UnavailableError(
                "The server accepts none of the changes: try again later."
            )

    def _has_more(self, answer: VaultAnswer) -> bool:
        with snapshot(self._workspace) as connection:
            if get_link(connection).is_catching_up:
                return True
            if self._pushes_now and has_unsent_changes(connection):
                return True
        return answer.more and self._direction.pull


def _has_room(answer: VaultAnswer) -> bool:
    """Return True if the account may hold more prompts, so that some are released."""
    quota = answer.quota
    return quota is not None and (quota.limit is None or quota.used < quota.limit)


def _part(link: Link, batch: PushBatch) -> dict[str, Any]:
    part = {"id": link.vault, "cursor": link.cursor, "push": batch.pushes}
    if link.mark:  # a server that knows no marks would refuse the field
        part["mark"] = link.mark
    return part


def _changes_anything(link: Link, batch: PushBatch, answer: VaultAnswer) -> bool:
    """Return True if the answer changes anything in the vault; mostly it does not."""
    if batch.changes or answer.feed or answer.status != "ok" or link.resync:
        return True
    quota = answer.quota
    known = (link.prompt_limit, link.prompt_count)
    same_quota = quota is not None and (quota.limit, quota.used) == known
    if storage := answer.storage:
        known = (link.storage_limit, link.storage_used)
        same_quota = same_quota and (storage.limit, storage.used) == known
    same_place = (
        answer.cursor is not None
        and link.with_cursor(answer.cursor, answer.mark) == link
    )
    return not (same_quota and same_place and answer.digest == link.digest.hex())
