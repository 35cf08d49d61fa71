"""Importing: documents through importers into the vault, counted and reported."""

import contextlib
import gc
import json
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

from promptvault.domain.offer import Offer
from promptvault.domain.prompt import validate_body
from promptvault.domain.timestamp import to_text
from promptvault.errors import ImportSourceError, InvalidInputError
from promptvault.history.feed import Feed
from promptvault.importers.candidate import (
    Candidate,
    Conversation,
    Failure,
    Item,
    Skipped,
)
from promptvault.importers.document import Document, Found, Unchanged
from promptvault.importers.registry import Importer, find
from promptvault.services.import_report import Options, Report
from promptvault.services.locking import locked
from promptvault.services.offering import Offering
from promptvault.services.workspace import Workspace
from promptvault.vault.database import bulk_transaction
from promptvault.vault.intake import Fate, Intake
from promptvault.vault.usage import count_use

_TITLE_LENGTH = 80


Progress = Callable[[Report], None]
"""Told about how far an import is, after every conversation."""


class _DryRunError(Exception):
    """Ends the transaction of a dry run without a trace."""


def run(
    workspace: Workspace,
    paths: Sequence[str],
    documents: Iterator[Found],
    options: Options,
    progress: Progress,
) -> Report:
    """Import *documents*, found at *paths*, in one transaction.

    Raises ImportSourceError when there was nothing to import in them, VaultError.
    """
    start = workspace.now()
    with locked(workspace) as writer:
        # Git takes the files while the vault is written: on two cores an import takes
        # as long as the slower of the two.
        feeding = contextlib.nullcontext() if options.dry_run else writer.feed()
        with feeding as feed:
            importing = _Import(workspace, options, start, progress)
            with (
                contextlib.suppress(_DryRunError),
                _patient_collector(),
                bulk_transaction(writer.connection),
            ):
                importing.run(writer.connection, paths, documents, feed)
            if not options.dry_run:
                writer.flush(feed=feed)
    importing.count_uses()
    importing.report.seconds = (workspace.now() - start).total_seconds()
    return importing.report


@contextlib.contextmanager
def _patient_collector() -> Iterator[None]:
    """Look for garbage less often: parsed chats hold no cycles, only many objects.

    That makes a large import a tenth quicker.
    """
    before = gc.get_threshold()
    gc.set_threshold(50_000, 50, 50)
    try:
        yield
    finally:
        gc.set_threshold(*before)


def _open_entry(
    connection: sqlite3.Connection,
    start: datetime,
    paths: Sequence[str],
    options: Options,
) -> int:
    cursor = connection.execute(
        """INSERT INTO imports (created_at, paths, options, report)
        VALUES (?, ?, ?, '{}')""",
        (to_text(start), json.dumps(list(paths)), json.dumps(options.as_row())),
    )
    return int(cursor.lastrowid or 0)


def _close_entry(connection: sqlite3.Connection, pk: int, report: Report) -> None:
    row = (json.dumps(report.as_row()), pk)
    connection.execute("UPDATE imports SET report = ? WHERE pk = ?", row)


def _require_something(report: Report) -> None:
    if report.found or (report.skipped and not report.failed):
        return
    reasons = "; ".join(f"{f.where}: {f.reason}" for f in report.failed[:3])
    raise ImportSourceError(reasons or "There is nothing here that can be imported.")


def _commit_message(report: Report) -> str:
    parts = [f"Import {report.added} prompts"]
    if report.updated:
        parts.append(f"update {report.updated}")
    return ", ".join(parts) + f" from {', '.join(report.sources)}"


class _Import:
    """One import under way."""

    def __init__(
        self,
        workspace: Workspace,
        options: Options,
        now: datetime,
        progress: Progress,
    ) -> None:
        self.report = Report()
        self._workspace = workspace
        self._options = options
        self._now = now
        self._progress = progress
        self._offering = Offering(options, now)
        self._uses: list[Offer] = []

    def run(
        self,
        connection: sqlite3.Connection,
        paths: Sequence[str],
        documents: Iterator[Found],
        feed: Feed | None,
    ) -> None:
        """Do all of it within the transaction under way."""
        report, author = self.report, self._workspace.author()
        pk = _open_entry(connection, self._now, paths, self._options)
        send = feed.file if feed else None
        self._intake = Intake(connection, author, self._now, pk, send)
        self.take(documents)
        _require_something(report)
        self._intake.finish(_commit_message(report))
        if self._options.dry_run:
            raise _DryRunError
        report.id = pk
        report.seconds = (self._workspace.now() - self._now).total_seconds()
        _close_entry(connection, pk, report)

    def count_uses(self) -> None:
        """Carry over how often prompts were used, from a vault's own export."""
        for offer in self._uses:
            if offer.used_at:
                usage = self._workspace.paths.usage
                count_use(usage, offer.id, offer.used_at, offer.uses)

    def take(self, documents: Iterator[Found]) -> None:
        """Take every document in."""
        for document in documents:
            if isinstance(document, Failure):
                self.report.failed.append(document)
            elif isinstance(document, Unchanged):
                self.report.unchanged += 1
            elif importer := find(document, self._options.source):
                self._take_document(document, importer)

    def _take_document(self, document: Document, importer: Importer) -> None:
        report = self.report
        report.files += 1
        report.file = document.name
        if importer.source not in report.sources:
            report.sources.append(importer.source)
        try:
            for item in importer.read(document):
                self._take_item(importer.source, item)
                self._progress(report)
        except ImportSourceError as error:
            report.failed.append(Failure(document.name, str(error)))

    def _take_item(self, source: str, item: Item) -> None:
        if isinstance(item, Failure):
            self.report.failed.append(item)
        elif isinstance(item, Offer):
            self._take_offer(item)
        elif isinstance(item, Skipped):
            self.report.skipped[item.reason] += item.number
        elif isinstance(item, Candidate):
            self._take_candidate(source, item)
        else:
            self._take_conversation(source, item)

    def _take_offer(self, offer: Offer) -> None:
        try:
            placed = self._offering.place(offer)
        except InvalidInputError as error:
            self.report.failed.append(Failure(offer.name, str(error)))
        else:
            self._offer(placed)

    def _take_conversation(self, source: str, conversation: Conversation) -> None:
        self.report.conversations += 1
        self.report.skipped.update(conversation.skipped)
        for candidate in conversation.candidates:
            self._take_candidate(source, candidate)

    def _take_candidate(self, source: str, candidate: Candidate) -> None:
        reason = self._offering.reason_against(candidate)
        if reason:
            self.report.skipped[reason] += 1
        else:
            self._offer(self._offering.offer_of(source, candidate))

    def _offer(self, offer: Offer) -> None:
        report = self.report
        report.found += 1
        try:
            validate_body(offer.versions[-1].content.body)
            fate = self._intake.offer(offer)
            if fate is Fate.ADDED and offer.uses:
                self._uses.append(offer)
        except InvalidInputError as error:
            report.failed.append(Failure(offer.name, str(error)))
            return
        if fate is Fate.ADDED:
            report.added += 1
        elif fate is Fate.GROWN:
            report.updated += 1
        elif fate is Fate.KNOWN:
            report.duplicates += 1
        else:
            report.skipped["edited here since"] += 1
