"""The record of optimizations: how each came out, and which version came of it.

It holds scores, reasons and what they cost, but never the text of a prompt.
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
    """One time that a model was asked to improve a prompt."""

    prompt_id: str
    version_id: str
    version: int
    created_at: datetime
    model: str
    """Who proposed candidates."""
    judge: str
    goal: str
    before_points: float
    """What the text got."""
    after_points: float | None
    """What the best candidate got; None where none was better."""
    scores: Mapping[str, Any]
    """By criterion, points and reason of the text."""
    candidates: Sequence[Mapping[str, Any]]
    """Of each what changed, why it was refused, and its scores."""
    requests: int
    cached: int
    input_tokens: int
    output_tokens: int
    cost: float | None
    """US dollars; None where a price is not known."""
    seconds: float


class OptimizationEntry(NamedTuple):
    """An optimization as the record has it."""

    id: int
    optimization: OptimizationRecord
    new_version: int | None
    """Number of the version that it was saved as."""
    new_version_id: str | None


_TABLE = "optimizations"
_SAVED = "UPDATE optimizations SET new_version_id = ?, new_version = ? WHERE pk = ?"


def add_optimization(path: Path, optimization: OptimizationRecord) -> int:
    """Write what came of an optimization; return its number. Raises VaultError."""
    row = optimization._asdict() | {
        "created_at": to_text(optimization.created_at),
        "scores": json.dumps(optimization.scores),
        "candidates": json.dumps(optimization.candidates),
    }
    return insert_row(path, _TABLE, row)


def set_saved_version(path: Path, number: int, version_id: str, version: int) -> None:
    """Write which version came of an optimization. Raises VaultError."""
    with open_activity(path) as connection:
        connection.execute(_SAVED, (version_id, version, number))


def read_optimizations(
    path: Path, condition: Mapping[str, str], limit: int | None = None
) -> Iterator[OptimizationEntry]:
    """Yield the optimizations whose columns are as in *condition*, newest first."""
    columns = ("new_version", "new_version_id", *OptimizationRecord._fields)
    yield from map(_entry, read_newest(path, _TABLE, columns, condition, limit))


def _entry(row: Sequence[Any]) -> OptimizationEntry:
    number, new_version, new_version_id, *values = row
    kept = OptimizationRecord(*values)
    optimization = kept._replace(
        created_at=from_text(str(kept.created_at)),
        scores=json.loads(str(kept.scores)),
        candidates=json.loads(str(kept.candidates)),
    )
    return OptimizationEntry(number, optimization, new_version, new_version_id)
