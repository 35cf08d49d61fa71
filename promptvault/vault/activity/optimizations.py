"""The record of optimizations: how each came out, and which version came of it.

It holds scores, reasons and what they cost, but never the text of a prompt.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from promptvault.domain.timestamp import from_text, to_text
from promptvault.vault.activity.activity_row import add, newest
from promptvault.vault.activity.database import activity


class Optimization(NamedTuple):
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


class Entry(NamedTuple):
    """An optimization as the record has it."""

    id: int
    optimization: Optimization
    new_version: int | None
    """Number of the version that it was saved as."""
    new_version_id: str | None


_TABLE = "optimizations"
_SAVED = "UPDATE optimizations SET new_version_id = ?, new_version = ? WHERE pk = ?"


def keep(path: Path, optimization: Optimization) -> int:
    """Write what came of an optimization; return its number. Raises VaultError."""
    row = optimization._asdict() | {
        "created_at": to_text(optimization.created_at),
        "scores": json.dumps(optimization.scores),
        "candidates": json.dumps(optimization.candidates),
    }
    return add(path, _TABLE, row)


def note_saved(path: Path, number: int, version_id: str, version: int) -> None:
    """Write which version came of an optimization. Raises VaultError."""
    with activity(path) as connection:
        connection.execute(_SAVED, (version_id, version, number))


def entries(
    path: Path, condition: Mapping[str, str], limit: int | None = None
) -> Iterator[Entry]:
    """Yield the optimizations whose columns are as in *condition*, newest first."""
    columns = ("new_version", "new_version_id", *Optimization._fields)
    yield from map(_entry, newest(path, _TABLE, columns, condition, limit))


def _entry(row: Sequence[Any]) -> Entry:
    number, new_version, new_version_id, *values = row
    kept = Optimization(*values)
    optimization = kept._replace(
        created_at=from_text(str(kept.created_at)),
        scores=json.loads(str(kept.scores)),
        candidates=json.loads(str(kept.candidates)),
    )
    return Entry(number, optimization, new_version, new_version_id)
