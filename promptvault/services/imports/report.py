"""The options of an import and its report."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from promptvault import __version__
from promptvault.domain.timestamp import to_text
from promptvault.errors import ImportSourceError
from promptvault.importers.input.candidate import CandidateKind, Failure
from promptvault.importers.registry import AUTO


class Take(StrEnum):
    """What an import takes from each conversation."""

    FIRST = "first"
    ALL = "all"
    SYSTEM = "system"


KINDS = {
    Take.FIRST: frozenset({CandidateKind.PROMPT, CandidateKind.INSTRUCTIONS}),
    Take.ALL: frozenset(CandidateKind),
    Take.SYSTEM: frozenset({CandidateKind.INSTRUCTIONS}),
}
"""The kinds of texts that each choice takes, unless they are named. A command opens a
conversation, but says little about it without the prompts, so FIRST leaves it out."""

_MAX_FAILURES = 1000
_SCOPE = {Take.SYSTEM: 0, Take.FIRST: 1, Take.ALL: 2}


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """How to import."""

    source: str = AUTO
    take: Take = Take.FIRST
    only: frozenset[CandidateKind] = frozenset()
    """The kinds of texts to take; empty for those of `KINDS`. Of prompts, *take* says
    which."""
    folder: str | None = None
    """Folder of the new prompts; None is a folder named after the source."""
    tags: tuple[str, ...] = ()
    """Tags that every prompt gets in addition to its own."""
    since: datetime | None = None
    """Prompts with an earlier time are skipped; those without a time are not."""
    min_chars: int = 0
    """Shorter prompts are skipped."""
    dry_run: bool = False
    again: bool = False
    """Read files even if they have not changed since an earlier import."""
    only_news: bool = False
    """Leave no record of an import that adds nothing, and do not fail if it finds
    nothing."""

    @property
    def kinds(self) -> frozenset[CandidateKind]:
        """The kinds of texts that are taken."""
        return self.only or KINDS[self.take]

    def as_row(self) -> dict[str, object]:
        """Return the options that decide what is found, as the log stores them."""
        return {
            "source": self.source,
            "take": self.take.value,
            "kinds": sorted(self.kinds),
            "folder": self.folder,
            "tags": list(self.tags),
            "since": to_text(self.since) if self.since else None,
            "min_chars": self.min_chars,
            "program": __version__,
        }

    def are_covered_by(self, row: Mapping[str, Any]) -> bool:
        """Return True if an import with the options *row* took all that these take.

        *row* is from `as_row`. Another version of the program may find other prompts,
        so it covers nothing.
        """
        since, own_since = row["since"], self.since and to_text(self.since)
        return (
            row.get("program") == __version__
            and row["source"] == self.source
            and _SCOPE[Take(row["take"])] >= _SCOPE[self.take]
            and self.kinds.issubset(row.get("kinds", ()))
            and row["min_chars"] <= self.min_chars
            and (since is None or (own_since is not None and since <= own_since))
        )


@dataclass
class Tally:
    """Counts for one source: what was found, and the outcome."""

    files: int = 0
    conversations: int = 0
    found: int = 0
    """Prompts; each is also added, updated, a duplicate, skipped or failed."""
    added: int = 0
    updated: int = 0
    """Prompts already in the vault that got newer versions."""
    duplicates: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    """Number of skipped texts by reason."""
    failed: int = 0

    def as_row(self) -> dict[str, object]:
        """Return the counts as `import --json` prints them."""
        return {**vars(self), "skipped": dict(self.skipped.most_common())}


@dataclass
class ImportReport:
    """What an import read, and the outcome."""

    id: int | None = None
    """Number in the log; None for a dry run, and if nothing was read."""
    by_source: dict[str, Tally] = field(default_factory=dict)
    """Counts by source, in the order in which the sources were found."""
    file: str = ""
    """Name of the document that is being read, or was read last."""
    unchanged: int = 0
    """Files not read because they have not changed since an earlier import."""
    held_back: int = 0
    """Added prompts that seem to hold secrets."""
    failed: list[Failure] = field(default_factory=list)
    """The first thousand failures."""
    unlisted: int = 0
    """Number of further failures: a damaged file may hold millions."""
    seconds: float = 0.0

    def tally_of(self, source: str) -> Tally:
        """Return the counts of *source*, which start at zero."""
        return self.by_source.setdefault(source, Tally())

    def fail(self, failure: Failure, tally: Tally | None = None) -> None:
        """Add a failure, and count it in *tally* if its source is known."""
        if len(self.failed) < _MAX_FAILURES:
            self.failed.append(failure)
        else:
            self.unlisted += 1
        if tally:
            tally.failed += 1

    @property
    def sources(self) -> list[str]:
        """The sources, in the order in which they were found."""
        return list(self.by_source)

    @property
    def has_news(self) -> bool:
        """True if the vault has more prompts or versions now."""
        total = self.total
        return bool(total.added or total.updated)

    @property
    def total(self) -> Tally:
        """The sum over all sources, with the failures that belong to none."""
        total = Tally(failed=len(self.failed) + self.unlisted)
        for tally in self.by_source.values():
            total.files += tally.files
            total.conversations += tally.conversations
            total.found += tally.found
            total.added += tally.added
            total.updated += tally.updated
            total.duplicates += tally.duplicates
            total.skipped += tally.skipped
        return total

    @property
    def commit_message(self) -> str:
        """What the import did, as the message of its commit."""
        total = self.total
        parts = [f"Import {total.added} prompts"]
        if total.updated:
            parts.append(f"update {total.updated}")
        return ", ".join(parts) + f" from {', '.join(self.sources)}"

    def require_something(self) -> None:
        """Raise ImportSourceError if there was nothing to import."""
        total = self.total
        if total.found or self.unchanged or (total.skipped and not self.failed):
            return
        reasons = "; ".join(f"{f.where}: {f.reason}" for f in self.failed[:3])
        raise ImportSourceError(
            reasons or "There is nothing here that can be imported."
        )

    def as_row(self) -> dict[str, object]:
        """Return the report as `import --json` prints it and the log stores it."""
        sources = {name: tally.as_row() for name, tally in self.by_source.items()}
        return {
            "id": self.id,
            "source": ", ".join(self.sources) or None,
            **self.total.as_row(),
            "unchanged": self.unchanged,
            "held_back": self.held_back,
            "failed": [{"where": f.where, "reason": f.reason} for f in self.failed],
            "failed_unlisted": self.unlisted,
            "sources": sources,
            "seconds": round(self.seconds, 3),
        }
