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
from promptvault.importers import registry
from promptvault.importers.files import context
from promptvault.importers.importer import Importer
from promptvault.importers.input.candidate import (
    Candidate,
    Conversation,
    Failure,
    Item,
    Skipped,
)
from promptvault.importers.input.document import (
    Document,
    Fingerprint,
    Found,
    Known,
    Unchanged,
)
from promptvault.services.imports.naming import Offering
from promptvault.services.imports.report import Options, Report, Tally
from promptvault.services.imports.seen_files import Content, KnownFiles, ReadFiles
from promptvault.services.locking import locked
from promptvault.services.workspace import Workspace
from promptvault.vault.database import bulk_transaction
from promptvault.vault.imports.bulk_insert import Fate, Intake
from promptvault.vault.usage import count_use

Progress = Callable[[Report], None]
"""Told about how far an import is, after every conversation."""


Look = Callable[[Known], Iterator[Found]]
"""Yields what is to be read, but for the files that are known."""


class _NoTraceError(Exception):
    """Ends the transaction of a dry run, or of an import that had nothing to read."""


def run(
    workspace: Workspace,
    paths: Sequence[str],
    look: Look,
    options: Options,
    progress: Progress,
) -> Report:
    """Import what *look* finds at *paths*, in one transaction.

    Files that an earlier import has read, and that are as they were, are not read
    again unless the options say so. Raises ImportSourceError when there was nothing to
    import in them, VaultError.
    """
    start = workspace.now()
    with locked(workspace) as writer:
        # Git takes the files while the vault is written: on two cores an import takes
        # as long as the slower of the two.
        feeding = contextlib.nullcontext() if options.dry_run else writer.feed()
        with feeding as feed:
            importing = _Import(workspace, options, start, progress)
            with (
                contextlib.suppress(_NoTraceError),
                _patient_collector(),
                bulk_transaction(writer.connection),
            ):
                importing.run(writer.connection, paths, look, feed)
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
    total = report.total
    if total.found or report.unchanged or (total.skipped and not report.failed):
        return
    reasons = "; ".join(f"{f.where}: {f.reason}" for f in report.failed[:3])
    raise ImportSourceError(reasons or "There is nothing here that can be imported.")


def _commit_message(report: Report) -> str:
    total = report.total
    parts = [f"Import {total.added} prompts"]
    if total.updated:
        parts.append(f"update {total.updated}")
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
        self._tally = Tally()
        self._exports: set[frozenset[str]] = set()
        """The contents of folders and archives that hold a chat export."""
        self._read = ReadFiles()
        self._fingerprint: Fingerprint | None = None
        self._took_any = False

    def run(
        self,
        connection: sqlite3.Connection,
        paths: Sequence[str],
        look: Look,
        feed: Feed | None,
    ) -> None:
        """Do all of it within the transaction under way."""
        report, author = self.report, self._workspace.author()
        self._known = KnownFiles(connection, self._options)
        pk = _open_entry(connection, self._now, paths, self._options)
        send = feed.file if feed else None
        self._intake = Intake(connection, author, self._now, pk, send)
        self.take(look(self._known))
        for failure in registry.unusable():
            self._fail(failure)
        _require_something(report)
        report.held_back = self._intake.finish(_commit_message(report))
        if self._options.dry_run or not self._took_any:
            raise _NoTraceError
        report.id = pk
        report.seconds = (self._workspace.now() - self._now).total_seconds()
        self._read.write(connection, pk)
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
                self._fail(document)
            elif isinstance(document, Unchanged):
                self._pass_over(document)
            elif importer := registry.find(document, self._options.source):
                self._take_document(document, importer)

    def _take_document(self, document: Document, importer: Importer) -> None:
        self.report.file = document.name
        self._tally = self._tally_of(importer.source)
        self._took_any = True
        if self._is_beside_export(document, importer):
            self._tally.skipped["a loose file beside a chat export"] += 1
            return
        tally, self._fingerprint = self._tally, document.fingerprint
        tally.files += 1
        before = tally.conversations, tally.found
        try:
            for item in importer.read(document):
                self._take_item(importer.source, item)
                self._progress(self.report)
        except ImportSourceError as error:
            self._fail(Failure(document.name, str(error)), tally)
            self._read.spoil(document.fingerprint)
        counts = tally.conversations - before[0], tally.found - before[1]
        if importer.settles:
            self._read.add(document.fingerprint, Content(importer.source, *counts))

    def _pass_over(self, file: Unchanged) -> None:
        """Count what is known of a file that need not be read again."""
        self.report.unchanged += 1
        for source, conversations, found in self._known.contents(file.fingerprint):
            tally = self._tally_of(source)
            tally.files += 1
            tally.conversations += conversations
            tally.found += found
            tally.duplicates += found
            if not registry.is_loose(source):
                self._exports.add(file.siblings)

    def _tally_of(self, source: str) -> Tally:
        return self.report.by_source.setdefault(source, Tally())

    def _is_beside_export(self, document: Document, importer: Importer) -> bool:
        """Whether nobody can tell if *document* was written as a prompt.

        A chat export, and the folder of a tool, hold uploads, notes and settings.
        """
        if len(document.siblings) <= 1 or self._options.source == importer.source:
            return False
        if not importer.loose:
            self._exports.add(document.siblings)
        return (
            importer.loose
            and document.siblings in self._exports
            and not context.is_place_of_prompts(document)
        )

    def _fail(self, failure: Failure, tally: Tally | None = None) -> None:
        self.report.fail(failure)
        if tally:
            tally.failed += 1

    def _take_item(self, source: str, item: Item) -> None:
        if isinstance(item, Failure):
            self._fail(item, self._tally)
        elif isinstance(item, Offer):
            self._take_offer(item)
        elif isinstance(item, Skipped):
            self._tally.skipped[item.reason] += item.number
        elif isinstance(item, Candidate):
            self._take_candidate(source, item)
        else:
            self._take_conversation(source, item)

    def _take_offer(self, offer: Offer) -> None:
        try:
            placed = self._offering.place(offer)
        except InvalidInputError as error:  # in another folder its name may fit
            self._fail(Failure(offer.name, str(error)), self._tally)
            self._read.spoil(self._fingerprint)
        else:
            self._offer(placed)

    def _take_conversation(self, source: str, conversation: Conversation) -> None:
        self._tally.conversations += 1
        self._tally.skipped.update(conversation.skipped)
        for candidate in conversation.candidates:
            self._take_candidate(source, candidate)

    def _take_candidate(self, source: str, candidate: Candidate) -> None:
        reason = self._offering.reason_against(candidate)
        if reason:
            self._tally.skipped[reason] += 1
        else:
            self._offer(self._offering.offer_of(source, candidate))

    def _offer(self, offer: Offer) -> None:
        tally = self._tally
        tally.found += 1
        try:
            validate_body(offer.current.content.body)
            fate = self._intake.offer(offer)
            if fate is Fate.ADDED and offer.uses:
                self._uses.append(offer)
        except InvalidInputError as error:
            self._fail(Failure(offer.name, str(error)), tally)
            return
        if fate is Fate.ADDED:
            tally.added += 1
        elif fate is Fate.GROWN:
            tally.updated += 1
        elif fate is Fate.KNOWN:
            tally.duplicates += 1
        else:
            tally.skipped["edited here since"] += 1
            self._read.spoil(self._fingerprint)  # that may be taken back
