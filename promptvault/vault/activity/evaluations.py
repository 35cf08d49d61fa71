"""The record of evaluations: version, cases and results."""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from promptvault.domain.timestamp import from_text, to_text
from promptvault.vault.activity.rows import insert_row, read_newest


class EvaluationRecord(NamedTuple):
    """One evaluation of one version, as it is recorded."""

    prompt_id: str
    version_id: str
    version: int
    against_version: int | None
    """Number of the baseline version, None without one."""
    system_version_id: str | None
    created_at: datetime
    model: str
    judge: str
    """The model that judged; '' if no case needed a judge."""
    cases_digest: str
    passed: bool
    results: list[dict[str, Any]]
    """For each case: `name`, `passed`, `passed_before` (None without a baseline),
    `failures`, the failed checks with their reasons, and `error`, why it could not be
    decided (None if it was; older records do not have it)."""
    requests: int
    cached: int
    input_tokens: int
    output_tokens: int
    cost: float | None
    """US dollars; None if a price is not known."""
    seconds: float

    @property
    def passed_cases(self) -> int:
        """Number of passed cases."""
        return sum(bool(result["passed"]) for result in self.results)


class EvaluationEntry(NamedTuple):
    """A recorded evaluation."""

    id: int
    evaluation: EvaluationRecord


_TABLE = "evaluations"


def add_evaluation(path: Path, evaluation: EvaluationRecord) -> int:
    """Record *evaluation* and return its number; raises VaultError."""
    row = evaluation._asdict() | {
        "created_at": to_text(evaluation.created_at),
        "results": json.dumps(evaluation.results),
    }
    return insert_row(path, _TABLE, row)


def read_evaluations(
    path: Path, condition: Mapping[str, str]
) -> Iterator[EvaluationEntry]:
    """Yield the evaluations that match *condition*, newest first.

    *condition* maps columns to values. Raises VaultError.
    """
    yield from map(
        _entry, read_newest(path, _TABLE, EvaluationRecord._fields, condition)
    )


def _entry(row: Sequence[Any]) -> EvaluationEntry:
    number, *values = row
    kept = EvaluationRecord(*values)
    return EvaluationEntry(
        number,
        kept._replace(
            created_at=from_text(str(kept.created_at)),
            passed=bool(kept.passed),
            results=json.loads(str(kept.results)),
        ),
    )
