"""What an import was asked to do, and what it did."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from promptvault.domain.timestamp import to_text
from promptvault.importers.candidate import Failure
from promptvault.importers.registry import AUTO


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
    unchanged: int = 0
    """Files that are as they were when an import read them, so not read again."""
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
            "unchanged": self.unchanged,
            "conversations": self.conversations,
            "found": self.found,
            "added": self.added,
            "updated": self.updated,
            "duplicates": self.duplicates,
            "skipped": dict(self.skipped.most_common()),
            "failed": [{"where": f.where, "reason": f.reason} for f in self.failed],
            "seconds": round(self.seconds, 3),
        }
