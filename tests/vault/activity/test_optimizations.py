"""The record of optimizations is read as it was written."""

from pathlib import Path

import pytest

from promptvault.vault.activity import database
from promptvault.vault.activity.optimizations import (
    OptimizationEntry,
    OptimizationRecord,
    add_optimization,
    read_optimizations,
    set_saved_version,
)
from tests.conftest import NOON

DONE = OptimizationRecord(
    prompt_id="p1",
    version_id="v1",
    version=1,
    created_at=NOON,
    model="author",
    judge="critic",
    goal="kürzer 😀",
    before_points=30.5,
    after_points=None,
    scores={"clarity": {"points": 5.5, "reason": "So."}},
    candidates=[{"change": "Less.", "refused": ["drops the variable x"]}],
    requests=4,
    cached=0,
    input_tokens=100,
    output_tokens=20,
    cost=None,
    seconds=1.5,
)


def test_what_is_kept_comes_back_with_what_came_of_it(tmp_path: Path) -> None:
    path = tmp_path / "activity.db"
    cases = {"shown": {"cases": ["Ada"], "total": 1, "before": 0, "after": 1}}
    other = DONE._replace(
        prompt_id="p2", after_points=40, cost=0.01, cases=cases, doubt="it is moody"
    )
    first, second = add_optimization(path, DONE), add_optimization(path, other)
    set_saved_version(path, second, "v3", 2)
    assert list(read_optimizations(path, {})) == [
        OptimizationEntry(second, other, 2, "v3"),
        OptimizationEntry(first, DONE, None, None),
    ]


def test_an_older_database_gets_the_new_columns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "activity.db"
    steps = database._STEPS
    monkeypatch.setattr(database, "_STEPS", steps[:1])
    with database.open_activity(path) as connection:
        row = DONE._asdict() | {
            "created_at": "2026-01-01T00:00:00Z",
            "scores": "{}",
            "candidates": "[]",
        }
        old = {key: row[key] for key in row if key not in {"cases", "doubt"}}
        marks = ", ".join(f":{key}" for key in old)
        connection.execute(
            f"INSERT INTO optimizations ({', '.join(old)}) VALUES ({marks})", old
        )
    monkeypatch.setattr(database, "_STEPS", steps)
    [entry] = read_optimizations(path, {})
    assert (entry.optimization.cases, entry.optimization.doubt) == (None, "")
