"""Importing: documents through importers into the vault, counted and reported."""

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
    report = Report()
    start = workspace.now()
    with locked(workspace) as writer:
        try:
            with bulk_transaction(writer.connection):
                pk = _open_entry(writer.connection, start, paths, options)
                intake = Intake(writer.connection, workspace.author(), start, pk)
                importing = _Import(intake, options, report, start, progress)
                importing.take(documents)
                _require_something(report)
                intake.finish(_commit_message(report))
                report.seconds = (workspace.now() - start).total_seconds()
                if options.dry_run:
                    raise _DryRunError
                report.id = pk
                _close_entry(writer.connection, pk, report)
        except _DryRunError:
            return report
        writer.flush()
    for prompt_id, used_at, uses in importing.used:
        count_use(workspace.paths.usage, prompt_id, used_at, uses)
    report.seconds = (workspace.now() - start).total_seconds()
    return report


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
        intake: Intake,
        options: Options,
        report: Report,
        now: datetime,
        progress: Progress,
    ) -> None:
        self._intake = intake
        self._options = options
        self._report = report
        self._now = now
        self._progress = progress
        self._tags = tuple(dict.fromkeys(map(validate_tag, options.tags)))
        self.used: list[tuple[str, datetime, int]] = []
        if options.folder:
            validate_name(options.folder.strip("/"))

    def take(self, documents: Iterator[Document | Failure]) -> None:
        """Take every document in."""
        for document in documents:
            if isinstance(document, Failure):
                self._report.failed.append(document)
                continue
            importer = find(document, self._options.source)
            if importer:
                self._take_document(document, importer)

    def _take_document(self, document: Document, importer: Importer) -> None:
        report = self._report
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
            self._report.failed.append(item)
        elif isinstance(item, Offer):
            self._offer(self._placed(item))
        else:
            self._take_conversation(source, item)

    def _take_conversation(self, source: str, conversation: Conversation) -> None:
        self._report.conversations += 1
        self._report.skipped.update(conversation.skipped)
        for candidate in conversation.candidates:
            reason = self._reason_against(candidate)
            if reason:
                self._report.skipped[reason] += 1
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
        report = self._report
        report.found += 1
        try:
            validate_body(offer.versions[-1].content.body)
            fate = self._intake.offer(offer)
            if fate is Fate.ADDED and offer.uses and offer.used_at:
                self.used.append((offer.id, offer.used_at, offer.uses))
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
