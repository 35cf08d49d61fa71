"""The record of optimizations: their scores and costs, and the saved version.

It never holds the text of a prompt.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from promptvault.domain.timestamp import from_text, to_text
from promptvault.vault.activity.database import open_activity
from promptvault.vault.activity.rows import insert_row, read_newest


class OptimizationRecord(NamedTuple):
    """One optimization of a prompt, as it is recorded."""

    prompt_id: str
    version_id: str
    version: int
    created_at: datetime
    model: str
    """The model that proposed the candidates."""
    judge: str
    goal: str
    before_points: float
    """Total points of the original text."""
    after_points: float | None
    """Total points of the best candidate; None if none was better."""
    scores: Mapping[str, Any]
    """Criterion to `points` and `reason` of the original text."""
    candidates: Sequence[Mapping[str, Any]]
    """For each candidate: `change`, `refused`, `points` and `scores`; since version 2
    of the database also `round` and `cases`."""
    requests: int
    cached: int
    input_tokens: int
    output_tokens: int
    cost: float | None
    """US dollars; None if a price is not known."""
    seconds: float
    cases: Mapping[str, Any] | None = None
    """For `shown` and `held_apart`: the names of the `cases`, `total`, and how many
    pass `before` and `after`; None without cases."""
    doubt: str = ""
    """Why the ratings prove nothing; '' if they do."""


class OptimizationEntry(NamedTuple):
    """A recorded optimization."""

    id: int
    optimization: OptimizationRecord
    new_version: int | None
    """Number of the version that was saved, None if none was."""
    new_version_id: str | None


_TABLE = "optimizations"
_SAVED = "UPDATE optimizations SET new_version_id = ?, new_version = ? WHERE pk = ?"


def add_optimization(path: Path, optimization: OptimizationRecord) -> int:
    """Record *optimization* and return its number; raises VaultError."""
    row = optimization._asdict() | {
        "created_at": to_text(optimization.created_at),
        "scores": json.dumps(optimization.scores),
        "candidates": json.dumps(optimization.candidates),
        "cases": json.dumps(optimization.cases),
    }
    return insert_row(path, _TABLE, row)


def set_saved_version(path: Path, number: int, version_id: str, version: int) -> None:
    """Record the version that was saved from an optimization; raises VaultError."""
    with open_activity(path) as connection:
        connection.execute(_SAVED, (version_id, version, number))


def read_optimizations(
    path: Path, condition: Mapping[str, str], limit: int | None = None
) -> Iterator[OptimizationEntry]:
    """Yield the optimizations that match *condition*, newest first.

    *condition* maps columns to values. Raises VaultError.
    """
    columns = ("new_version", "new_version_id", *OptimizationRecord._fields)
    yield from map(_entry, read_newest(path, _TABLE, columns, condition, limit))


def _entry(row: Sequence[Any]) -> OptimizationEntry:
    number, new_version, new_version_id, *values = row
    kept = OptimizationRecord(*values)
    optimization = kept._replace(
        created_at=from_text(str(kept.created_at)),
        scores=json.loads(str(kept.scores)),
        candidates=json.loads(str(kept.candidates)),
        cases=json.loads(str(kept.cases)),
    )
    return OptimizationEntry(number, optimization, new_version, new_version_id)
