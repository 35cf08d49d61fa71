"""Runs an import: reads documents with importers and writes their prompts."""

import contextlib
import gc
import sqlite3
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from promptvault.domain.imported_prompt import ImportedPrompt
from promptvault.domain.prompt import validate_body
from promptvault.errors import ImportSourceError, InvalidInputError
from promptvault.history.feed import Feed
from promptvault.importers import registry
from promptvault.importers.files import context
from promptvault.importers.importer import Importer
from promptvault.importers.input.candidate import Failure
from promptvault.importers.input.document import (
    Document,
    Fingerprint,
    IsKnown,
    ScanResult,
    UnchangedFile,
)
from promptvault.importers.reading import find_unclaimed, read_items
from promptvault.services.imports import log
from promptvault.services.imports.grouping import grouped, ungrouped
from promptvault.services.imports.naming import Built, PromptBuilder
from promptvault.services.imports.reading_process import from_child, is_worth_a_process
from promptvault.services.imports.report import ImportOptions, ImportReport, Tally
from promptvault.services.imports.seen_files import FileContent, KnownFiles, ReadFiles
from promptvault.services.locking import locked
from promptvault.services.workspace import Workspace
from promptvault.vault.database import bulk_transaction
from promptvault.vault.imports.bulk_insert import BulkInsert, ImportOutcome
from promptvault.vault.sync.team import require_editor
from promptvault.vault.usage import count_use

Progress = Callable[[ImportReport], None]
"""Called with the report so far, after every conversation."""

FindDocuments = Callable[[IsKnown], Iterator[ScanResult]]
"""Yields the documents to read. Files for which the argument is True are not opened."""


class _RollBackError(Exception):
    """Rolls back the transaction of a dry run, or of an import that read nothing."""


class _Request(NamedTuple):
    """The arguments of `run_import`, and its time."""

    workspace: Workspace
    paths: Sequence[str]
    options: ImportOptions
    progress: Progress
    start: datetime


def run_import(
    workspace: Workspace,
    paths: Sequence[str],
    find_documents: FindDocuments,
    options: ImportOptions,
    progress: Progress,
) -> ImportReport:
    """Import the documents that *find_documents* yields, in one transaction.

    *paths* is what the log of imports names. Files that an earlier import has read and
    that have not changed are skipped unless *options* say otherwise. Raises
    ImportSourceError if there is nothing to import, InvalidInputError if the folder or
    a tag is not valid, PermissionDeniedError if the user may only read the vault, and
    VaultError.
    """
    request = _Request(workspace, paths, options, progress, workspace.now())
    builder = PromptBuilder(options, request.start)
    with locked(workspace) as writer:
        require_editor(writer.connection)
        # Git reads the files while SQLite writes: with two cores an import takes as
        # long as the slower of the two. Without news git need not be started.
        is_fed = not options.dry_run and not options.only_news
        feeding = writer.feed() if is_fed else contextlib.nullcontext()
        with feeding as feed:
            with (
                contextlib.suppress(_RollBackError),
                _rare_garbage_collection(),
                bulk_transaction(writer.connection),
            ):
                job = _Import(request, builder, writer.connection, feed)
                job.run(find_documents)
            if not options.dry_run:
                writer.flush(feed=feed)
    job.count_uses()
    job.report.seconds = (workspace.now() - request.start).total_seconds()
    return job.report


@contextlib.contextmanager
def _rare_garbage_collection() -> Iterator[None]:
    """Collect garbage less often: parsed chats hold many objects but no cycles.

    A large import takes a tenth less time.
    """
    before = gc.get_threshold()
    gc.set_threshold(50_000, 50, 50)
    try:
        yield
    finally:
        gc.set_threshold(*before)


class _Reading(NamedTuple):
    """The document that is being read."""

    source: str
    tally: Tally
    fingerprint: Fingerprint | None


@dataclass
class _State:
    """What an import has read so far."""

    report: ImportReport = field(default_factory=ImportReport)
    files: ReadFiles = field(default_factory=ReadFiles)
    uses: list[ImportedPrompt] = field(default_factory=list)
    """Added prompts whose export says how often they were used."""
    exports: set[frozenset[str]] = field(default_factory=set)
    """The file names of each folder or archive that holds a chat export."""
    has_read: bool = False
    """True once a document was read; unchanged files are not."""


class _Import:
    """One import, within one transaction of the connection."""

    def __init__(
        self,
        request: _Request,
        builder: PromptBuilder,
        connection: sqlite3.Connection,
        feed: Feed | None,
    ) -> None:
        """Add the import to the log. *feed* takes the new files for git, if given."""
        workspace, paths, options, _, start = request
        self._request = request
        self._builder = builder
        self._connection = connection
        self._known = KnownFiles(connection, options)
        self._pk = log.insert_record(connection, start, paths, options)
        self._inserts = BulkInsert(
            connection, workspace.author(), start, self._pk, feed.file if feed else None
        )
        self._state = _State()

    @property
    def report(self) -> ImportReport:
        """The report so far."""
        return self._state.report

    def run(self, find_documents: FindDocuments) -> None:
        """Read all documents and write their prompts, versions and report.

        Raises _RollBackError if the transaction must be rolled back.
        """
        workspace, _, options, _, start = self._request
        report = self.report
        for found in find_documents(self._known):
            self._process(found)
        for failure in registry.plugin_failures():
            report.fail(failure)
        if not options.only_news:
            report.require_something()
        report.held_back = self._inserts.finish(report.commit_message)
        if options.dry_run or not self._state.has_read:
            raise _RollBackError
        if options.only_news and not report.has_news:
            raise _RollBackError
        report.id = self._pk
        report.seconds = (workspace.now() - start).total_seconds()
        self._state.files.write(self._connection, self._pk)
        log.write_report(self._connection, report)

    def count_uses(self) -> None:
        """Add the uses that our own export counts for each added prompt."""
        usage = self._request.workspace.paths.usage
        for prompt in self._state.uses:
            if prompt.used_at:
                count_use(usage, prompt.id, prompt.used_at, prompt.uses)

    def _process(self, found: ScanResult) -> None:
        if isinstance(found, Failure):
            self.report.fail(found)
        elif isinstance(found, UnchangedFile):
            self._count_unchanged(found)
        elif importer := registry.find_importer(found, self._request.options.source):
            self._read(found, importer)
        elif self._request.options.source == registry.AUTO:
            if failure := find_unclaimed(found):
                self.report.fail(failure)

    def _read(self, document: Document, importer: Importer) -> None:
        state = self._state
        state.has_read = True
        self.report.file = document.name
        tally = self.report.tally_of(importer.source)
        if self._is_beside_export(document, importer):
            tally.skipped["a loose file beside a chat export"] += 1
            return
        reading = _Reading(importer.source, tally, document.fingerprint)
        tally.files += 1
        before = tally.conversations, tally.found
        try:
            with contextlib.closing(self._built(document, importer)) as found:
                for built in found:
                    self._add(built, reading)
                    self._request.progress(self.report)
        except ImportSourceError as error:
            self.report.fail(Failure(document.name, str(error)), tally)
            state.files.exclude(document.fingerprint)
        if importer.remembered:
            counts = tally.conversations - before[0], tally.found - before[1]
            state.files.add(document.fingerprint, FileContent(importer.source, *counts))

    def _count_unchanged(self, file: UnchangedFile) -> None:
        """Count the prompts of a file that is not read as duplicates."""
        self.report.unchanged += 1
        for source, conversations, found in self._known.contents(file.fingerprint):
            tally = self.report.tally_of(source)
            tally.files += 1
            tally.conversations += conversations
            tally.found += found
            tally.duplicates += found
            if not registry.is_generic(source):
                self._state.exports.add(file.siblings)

    def _is_beside_export(self, document: Document, importer: Importer) -> bool:
        """Return True for plain text, a table or data next to a chat export.

        A chat export and the folder of a tool hold uploads, notes and settings, which
        cannot be distinguished from prompts by their structure.
        """
        options, exports = self._request.options, self._state.exports
        if len(document.siblings) <= 1 or options.source == importer.source:
            return False
        if not importer.generic:
            exports.add(document.siblings)
        return (
            importer.generic
            and (document.siblings in exports or self._known.has_chats_around(document))
            and not context.is_place_of_prompts(document)
        )

    def _built(
        self, document: Document, importer: Importer
    ) -> Generator[Built, None, None]:
        """Yield the prompts of *document*, which a process of its own may read."""
        build, source = self._builder.build, importer.source
        found = (build(source, item) for item in read_items(importer, document))
        if not is_worth_a_process(document):
            return found
        return ungrouped(from_child(grouped(found)))

    def _add(self, built: Built, reading: _Reading) -> None:
        tally = reading.tally
        tally.conversations += built.conversations
        tally.skipped.update(built.skipped)
        if built.failure:
            self.report.fail(built.failure, tally)
        if built.is_refused:
            self._state.files.exclude(reading.fingerprint)
        for prompt in built.prompts:
            self._upsert(prompt, reading)

    def _upsert(self, prompt: ImportedPrompt, reading: _Reading) -> None:
        tally = reading.tally
        tally.found += 1
        try:
            validate_body(prompt.current.content.body)
            outcome = self._inserts.upsert(prompt)
        except InvalidInputError as error:
            self.report.fail(Failure(prompt.name, str(error)), tally)
            return
        match outcome:
            case ImportOutcome.ADDED:
                tally.added += 1
                if prompt.uses:
                    self._state.uses.append(prompt)
            case ImportOutcome.UPDATED:
                tally.updated += 1
            case ImportOutcome.DUPLICATE:
                tally.duplicates += 1
            case ImportOutcome.EDITED_HERE:
                tally.skipped["edited here since"] += 1
                # The edit may be undone: then the newer versions are wanted.
                self._state.files.exclude(reading.fingerprint)
