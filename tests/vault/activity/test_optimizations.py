"""The record of optimizations is read as it was written."""

from pathlib import Path

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
    other = DONE._replace(prompt_id="p2", version_id="v2", after_points=40, cost=0.01)
    first, second = add_optimization(path, DONE), add_optimization(path, other)
    set_saved_version(path, second, "v3", 2)
    assert list(read_optimizations(path, {})) == [
        OptimizationEntry(second, other, 2, "v3"),
        OptimizationEntry(first, DONE, None, None),
    ]
