"""What an import was asked to do, and what it did."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from promptvault import __version__
from promptvault.domain.timestamp import to_text
from promptvault.importers.input.candidate import Failure
from promptvault.importers.registry import AUTO


class Take(StrEnum):
    """What an import takes from each conversation."""

    FIRST = "first"
    ALL = "all"
    SYSTEM = "system"


_MOST_FAILURES = 1000
_REACH = {Take.SYSTEM: 0, Take.FIRST: 1, Take.ALL: 2}


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
    again: bool = False
    """Read files also where they are as an earlier import left them."""

    def as_row(self) -> dict[str, object]:
        """Return the options as the ledger keeps them."""
        return {
            "source": self.source,
            "take": self.take.value,
            "folder": self.folder,
            "tags": list(self.tags),
            "since": to_text(self.since) if self.since else None,
            "min_chars": self.min_chars,
            "program": __version__,
        }

    def are_covered_by(self, row: Mapping[str, Any]) -> bool:
        """Tell whether an import with the options *row* took all that these would."""
        since, own_since = row["since"], self.since and to_text(self.since)
        return (
            row.get("program") == __version__
            and row["source"] == self.source
            and _REACH[Take(row["take"])] >= _REACH[self.take]
            and row["min_chars"] <= self.min_chars
            and (since is None or (own_since is not None and since <= own_since))
        )


@dataclass
class Tally:
    """What was found in one source, and what became of it."""

    files: int = 0
    conversations: int = 0
    found: int = 0
    added: int = 0
    updated: int = 0
    """Prompts that were there, and got newer drafts."""
    duplicates: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    failed: int = 0

    def as_row(self) -> dict[str, object]:
        """Return it as `import --json` prints it."""
        return {**vars(self), "skipped": dict(self.skipped.most_common())}


@dataclass
class Report:
    """What an import read, and what became of it."""

    id: int | None = None
    """Number in the ledger, None for a dry run, and where nothing was read."""
    by_source: dict[str, Tally] = field(default_factory=dict)
    file: str = ""
    """The one being read, or read last."""
    unchanged: int = 0
    """Files that are as they were when an import read them, so not read again."""
    held_back: int = 0
    """Prompts added that seem to hold secrets."""
    failed: list[Failure] = field(default_factory=list)
    unlisted: int = 0
    """Failures beyond the first thousand: a damaged file may hold millions."""
    seconds: float = 0.0

    def fail(self, failure: Failure) -> None:
        """Take note of a failure."""
        if len(self.failed) < _MOST_FAILURES:
            self.failed.append(failure)
        else:
            self.unlisted += 1

    @property
    def sources(self) -> list[str]:
        """The sources found, in the order they were."""
        return list(self.by_source)

    @property
    def total(self) -> Tally:
        """All sources together."""
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

    def as_row(self) -> dict[str, object]:
        """Return the report as `import --json` prints it and the ledger keeps it."""
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
