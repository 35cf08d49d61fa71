"""The rounds of a sync: requests and answers, until vault and server are equal."""

import contextlib
import json
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from promptvault.errors import TooLargeError, UnavailableError
from promptvault.history.text_merge import merge_text
from promptvault.services.locking import locked
from promptvault.services.prompts.template_syntax import is_valid_template
from promptvault.services.read_ahead import batched, read_ahead
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
    restart_pull,
)
from promptvault.vault.sync.push import (
    BatchLimits,
    PushBatch,
    count_unsent_changes,
    has_new_imports,
    has_unsent_changes,
    next_batch,
)
from promptvault.vault.sync.status import SyncStatus, sync_status
from promptvault.wire.sync import PROTO, Limits, SyncAnswer, VaultAnswer

Exchange = Callable[[bytes], SyncAnswer]
"""Sends a request, which is JSON, and returns the answer."""

_GROUP = 5000
"""Changes, or versions in them, that are applied in one transaction. A transaction
costs as much as a thousand of them."""

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


def sync_vault(
    workspace: Workspace,
    exchange: Exchange,
    direction: Direction = Direction(),  # noqa: B008 - it never changes
    on_progress: Callable[[Progress], None] = lambda _: None,
) -> SyncReport:
    """Send the changes of this vault and apply those of other devices.

    An error leaves the vault consistent, and the next sync continues. Raise the errors
    of *exchange*, PermissionDeniedError if the vault is not the user's any more,
    UnavailableError for an invalid answer, and VaultError.
    """
    return _Sync(workspace, exchange, direction, on_progress).run()


@contextlib.contextmanager
def snapshot(workspace: Workspace) -> Iterator[sqlite3.Connection]:
    """Yield a read-only connection with a snapshot of the vault."""
    paths = workspace.paths
    connection = open_read_only(paths.database, paths.usage)
    with contextlib.closing(connection):
        connection.execute("BEGIN")
        yield connection


class _Sync:
    """One sync."""

    def __init__(
        self,
        workspace: Workspace,
        exchange: Exchange,
        direction: Direction,
        on_progress: Callable[[Progress], None],
    ) -> None:
        self._workspace, self._exchange = workspace, exchange
        self._direction, self._on_progress = direction, on_progress
        self._report = SyncReport()
        self._progress = Progress()
        self._limits = BatchLimits()
        self._rereads = 0
        self._catch_ups = 0
        self._idle_rounds = 0
        self._reads_all = False

    def run(self) -> SyncReport:
        """Send requests until both sides are equal."""
        self._recover()
        self._read_before_imports()
        while self._round():
            pass
        with snapshot(self._workspace) as connection:
            self._report.status = sync_status(connection)
        return self._report

    def _recover(self) -> None:
        """Commit what a killed process has left in the outbox.

        No other command may follow to do it. An empty outbox takes no lock.
        """
        with snapshot(self._workspace) as connection:
            is_waiting = bool(outbox.read_pending(connection))
        if is_waiting:
            with locked(self._workspace) as writer:
                writer.flush()

    def _read_before_imports(self) -> None:
        """Read before new imports are sent: another device may have the same file.

        A prompt that arrives before its duplicate is sent replaces it; see
        `vault.sync.reconcile`.
        """
        self._prepare()
        with snapshot(self._workspace) as connection:
            is_catching_up = get_link(connection).is_catching_up  # reads first anyway
            if is_catching_up or not has_new_imports(connection):
                return
        direction = self._direction
        self._direction = direction._replace(push=False)
        while self._round():
            pass
        self._direction = direction

    def _round(self) -> bool:
        """Send one request and apply its answer; return True if there is more to do."""
        self._prepare()
        link, batch = self._collect_batch()
        if link.is_catching_up:
            return self._catch_up(link)
        answer = self._send(link, batch)
        if answer is None:
            return True
        if not _changes_anything(link, batch, answer):
            return False
        self._apply(batch, [answer])
        self._require_progress(batch, answer)
        return self._has_more(answer)

    def _catch_up(self, link: Link) -> bool:
        """Read the whole vault of the server, some pages ahead; send nothing."""
        self._catch_ups += 1
        if self._catch_ups > _MOST_IDLE_ROUNDS:
            raise UnavailableError(
                "The server keeps starting from the beginning: try again later."
            )
        answer = None
        with contextlib.closing(read_ahead(self._pages(link))) as pages:
            for group in batched(pages, _GROUP, _weight):
                answer = group[-1]
                if self._apply(PushBatch(), group).reread:
                    break
        return answer is not None and self._has_more(answer)

    def _pages(self, link: Link) -> Iterator[VaultAnswer]:
        more = True
        while more:
            answer = self._send(link, PushBatch())
            assert answer is not None
            yield answer
            more = answer.status == "ok" and answer.more
            if more and not answer.feed:
                raise UnavailableError("The server's answer is not valid: try again.")
            if answer.cursor:
                link = link.with_cursor(answer.cursor, answer.mark)

    def _prepare(self) -> None:
        """Create revisions for what has changed; without changes, take no lock."""
        with snapshot(self._workspace) as connection:
            changed = has_changes(connection)
        if changed and self._direction.push:
            with locked(self._workspace) as writer:
                with bulk_transaction(writer.connection):
                    prepare_push(writer.connection, self._context())
                writer.flush()

    def _context(self) -> SyncContext:
        workspace = self._workspace
        return SyncContext(
            workspace.author(), workspace.now(), merge_text, is_valid_template
        )

    def _collect_batch(self) -> tuple[Link, PushBatch]:
        with snapshot(self._workspace) as connection:
            link = get_link(connection)
            self._reads_all = self._reads_all or link.epoch is None
            if link.is_catching_up or not self._direction.push:
                return link, PushBatch()
            if not self._progress.to_push:
                self._progress.to_push = count_unsent_changes(connection)
            return link, next_batch(connection, self._limits)

    def _send(self, link: Link, batch: PushBatch) -> VaultAnswer | None:
        """Return the vault's answer, None if the request must be smaller."""
        self._report.round_trips += 1
        try:
            answer = self._exchange(_request(link, batch))
        except TooLargeError:
            self._make_smaller(batch)
            return None
        self._limits = _lower_limits(answer.limits, self._limits)
        found = [each for each in answer.vaults if str(each.id) == link.vault]
        if len(found) != 1:
            raise UnavailableError(
                "The server's answer is for another vault: try again."
            )
        self._report_progress(found[0])
        return found[0]

    def _report_progress(self, answer: VaultAnswer) -> None:
        self._progress.received += len(answer.feed)
        if self._reads_all and answer.quota:
            self._progress.to_receive = answer.quota.used
        self._on_progress(self._progress)

    def _make_smaller(self, batch: PushBatch) -> None:
        """Lower the limits, or hold back a single change that is too large."""
        if len(batch.changes) > 1:
            half = len(batch.changes) // 2
            smaller = max(1, self._limits.bytes // 2)
            self._limits = self._limits._replace(changes=half, bytes=smaller)
            return
        if not batch.changes:
            raise UnavailableError("The server accepts no request: try again later.")
        with locked(self._workspace) as writer, bulk_transaction(writer.connection):
            hold_too_large(writer.connection, batch)

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
        self._report.counts.add(counts)
        self._progress.pushed = len(self._report.counts.sent)
        self._on_progress(self._progress)

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
            if self._direction.push and has_unsent_changes(connection):
                return True
        return answer.more and self._direction.pull


def _has_room(answer: VaultAnswer) -> bool:
    """Return True if the account may hold more prompts, so that some are released."""
    quota = answer.quota
    return quota is not None and (quota.limit is None or quota.used < quota.limit)


def _weight(page: VaultAnswer) -> int:
    return max(len(page.feed), sum(len(change.versions) for change in page.feed))


def _request(link: Link, batch: PushBatch) -> bytes:
    vault = {"id": link.vault, "cursor": link.cursor, "push": batch.pushes}
    if link.mark:  # a server that knows no marks would refuse the field
        vault["mark"] = link.mark
    request = {"proto": PROTO, "device": link.device, "vaults": [vault]}
    return json.dumps(request, ensure_ascii=False, separators=(",", ":")).encode()


def _lower_limits(limits: Limits, ours: BatchLimits) -> BatchLimits:
    """Return the limits of the next request; they never grow."""
    return BatchLimits(
        min(ours.changes, limits.items),
        # Compression halves the texts of prompts at least.
        min(ours.bytes, limits.bytes * 2, limits.inflated * 3 // 4),
        limits.payload,
        limits.versions,
    )


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
