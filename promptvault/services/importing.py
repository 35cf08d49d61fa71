"""Importing: documents through importers into the vault, counted and reported."""

import contextlib
import json
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from promptvault.domain.name import slugify, validate_name
from promptvault.domain.offer import Offer, OfferedVersion
from promptvault.domain.prompt import Content, Origin, validate_body, validate_tag
from promptvault.domain.timestamp import to_text
from promptvault.errors import ImportSourceError, InvalidInputError
from promptvault.history.feed import Feed
from promptvault.importers.candidate import (
    Candidate,
    Conversation,
    Draft,
    Failure,
    Item,
    Kind,
)
from promptvault.importers.document import Document
from promptvault.importers.registry import AUTO, Importer, find
from promptvault.services.locking import locked
from promptvault.services.workspace import Workspace
from promptvault.vault.database import bulk_transaction
from promptvault.vault.intake import Fate, Intake
from promptvault.vault.usage import count_use

_TITLE_LENGTH = 80


class Take(StrEnum):
    """What an import takes from each conversation."""

    FIRST = "first"
    ALL = "all"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Options:
    """How an import is to be done."""

    source: str = AUTO
    take: Take = Take.FIRST
    folder: str | None = None
    """Where the prompts go; None stands for a folder named after the source."""
    tags: tuple[str, ...] = ()
    since: datetime | None = None
    min_chars: int = 0
    dry_run: bool = False

    def as_row(self) -> dict[str, object]:
        """Return the options as the ledger keeps them."""
        return {
            "source": self.source,
            "take": self.take.value,
            "folder": self.folder,
            "tags": list(self.tags),
            "since": to_text(self.since) if self.since else None,
            "min_chars": self.min_chars,
        }


@dataclass
class Report:
    """What an import read, and what became of it."""

    id: int | None = None
    """Number in the ledger, None for a dry run."""
    sources: list[str] = field(default_factory=list)
    files: int = 0
    file: str = ""
    """The one being read, or read last."""
    conversations: int = 0
    found: int = 0
    added: int = 0
    updated: int = 0
    """Prompts that were there, and got newer drafts."""
    duplicates: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    failed: list[Failure] = field(default_factory=list)
    seconds: float = 0.0

    def as_row(self) -> dict[str, object]:
        """Return the report as `import --json` prints it and the ledger keeps it."""
        return {
            "id": self.id,
            "source": ", ".join(self.sources) or None,
            "files": self.files,
            "conversations": self.conversations,
            "found": self.found,
            "added": self.added,
            "updated": self.updated,
            "duplicates": self.duplicates,
            "skipped": dict(self.skipped.most_common()),
            "failed": [{"where": f.where, "reason": f.reason} for f in self.failed],
            "seconds": round(self.seconds, 3),
        }


Progress = Callable[[Report], None]
"""Told about how far an import is, after every conversation."""


class _DryRunError(Exception):
    """Ends the transaction of a dry run without a trace."""


def run(
    workspace: Workspace,
    paths: Sequence[str],
    documents: Iterator[Document | Failure],
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
        with writer.feed() as feed:
            importing = _Import(workspace, options, start, progress)
            with contextlib.suppress(_DryRunError), bulk_transaction(writer.connection):
                importing.run(writer.connection, paths, documents, feed)
            if not options.dry_run:
                writer.flush(feed=feed)
    importing.count_uses()
    importing.report.seconds = (workspace.now() - start).total_seconds()
    return importing.report


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
        self._tags = tuple(dict.fromkeys(map(validate_tag, options.tags)))
        self._uses: list[Offer] = []
        if options.folder:
            validate_name(options.folder.strip("/"))

    def run(
        self,
        connection: sqlite3.Connection,
        paths: Sequence[str],
        documents: Iterator[Document | Failure],
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

    def take(self, documents: Iterator[Document | Failure]) -> None:
        """Take every document in."""
        for document in documents:
            if isinstance(document, Failure):
                self.report.failed.append(document)
                continue
            importer = find(document, self._options.source)
            if importer:
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
            self._offer(self._placed(item))
        else:
            self._take_conversation(source, item)

    def _take_conversation(self, source: str, conversation: Conversation) -> None:
        self.report.conversations += 1
        self.report.skipped.update(conversation.skipped)
        for candidate in conversation.candidates:
            reason = self._reason_against(candidate)
            if reason:
                self.report.skipped[reason] += 1
            else:
                self._offer(self._offer_of(source, candidate))

    def _reason_against(self, candidate: Candidate) -> str | None:
        options = self._options
        last = candidate.drafts[-1]
        if candidate.kind is Kind.PROMPT:
            if options.take is Take.SYSTEM:
                return "no instructions"
            if options.take is Take.FIRST and not candidate.opening:
                return "later turn"
        if options.since and last.created_at and last.created_at < options.since:
            return "before the date"
        if len(last.body) < options.min_chars:
            return "too short"
        return None

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

    def _placed(self, offer: Offer) -> Offer:
        """Return an offer that has a name of its own, with the options applied."""
        folder = self._options.folder
        name = f"{folder.strip('/')}/{offer.name}" if folder else offer.name
        tags = tuple(dict.fromkeys((*offer.tags, *self._tags)))
        # Nothing brought may be younger than the import: that is how an undo tells.
        updated_at = offer.updated_at and min(offer.updated_at, self._now)
        versions = [
            v._replace(created_at=v.created_at and min(v.created_at, self._now))
            for v in offer.versions
        ]
        return offer._replace(
            name=name, tags=tags, updated_at=updated_at, versions=versions
        )

    def _offer_of(self, source: str, candidate: Candidate) -> Offer:
        versions = [
            self._version_of(source, candidate, draft, number)
            for number, draft in enumerate(candidate.drafts, 1)
        ]
        return Offer(
            name=self._name_of(source, candidate),
            versions=versions,
            source=source,
            title=_title_of(candidate, self._options.take),
            tags=self._tags,
        )

    def _version_of(
        self, source: str, candidate: Candidate, draft: Draft, number: int
    ) -> OfferedVersion:
        origin = Origin(
            source,
            candidate.conversation_id,
            candidate.conversation_title or None,
            draft.message_id,
            draft.model,
            draft.created_at,
            candidate.url,
        )
        count = len(candidate.drafts)
        message = f"Import from {source}"
        if number < count:
            message = f"Draft {number} of {count} from {source}"
        time = min(draft.created_at, self._now) if draft.created_at else None
        return OfferedVersion(Content(draft.body), time, origin, message)

    def _name_of(self, source: str, candidate: Candidate) -> str:
        folder = (self._options.folder or source).strip("/")
        title = candidate.title or candidate.conversation_title or ""
        body = candidate.drafts[-1].body
        if candidate.kind is Kind.INSTRUCTIONS:
            return f"{folder}/instructions/{slugify(title) or slugify(body) or 'text'}"
        if self._options.take is Take.FIRST:
            return f"{folder}/{slugify(title) or slugify(body) or 'prompt'}"
        chat = slugify(title) or "untitled"
        return f"{folder}/{chat}/{slugify(body) or 'prompt'}"


def _title_of(candidate: Candidate, take: Take) -> str:
    title = candidate.title
    if take is Take.FIRST and candidate.kind is Kind.PROMPT:
        title = title or candidate.conversation_title
    text = " ".join((title or candidate.drafts[-1].body[: 4 * _TITLE_LENGTH]).split())
    return text if len(text) <= _TITLE_LENGTH else text[: _TITLE_LENGTH - 1] + "…"
