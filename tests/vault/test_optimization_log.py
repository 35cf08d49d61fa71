"""The record of optimizations."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from promptvault.errors import VaultError
from promptvault.vault.optimization_log import (
    Entry,
    Optimization,
    entries,
    keep,
    note_saved,
)

DONE = Optimization(
    prompt_id="p1",
    version_id="v1",
    version=1,
    created_at=datetime(2026, 5, 1, 12, tzinfo=UTC),
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


def test_what_is_kept_is_read_back_newest_first(tmp_path: Path) -> None:
    path = tmp_path / "activity.db"
    assert list(entries(path, {})) == []
    other = DONE._replace(prompt_id="p2", version_id="v2", after_points=40, cost=0.01)
    first, second = keep(path, DONE), keep(path, other)
    note_saved(path, second, "v3", 2)
    assert list(entries(path, {})) == [
        Entry(second, other, 2, "v3"),
        Entry(first, DONE, None, None),
    ]
    assert [e.id for e in entries(path, {"prompt_id": "p1"})] == [first]
    assert [e.id for e in entries(path, {"version_id": "v2"})] == [second]
    assert [e.id for e in entries(path, {}, limit=1)] == [second]


def test_reading_makes_no_file(tmp_path: Path) -> None:
    path = tmp_path / "none" / "activity.db"
    assert list(entries(path, {})) == []
    assert not path.parent.exists()


def test_a_damaged_record_is_an_error_of_the_vault(tmp_path: Path) -> None:
    path = tmp_path / "activity.db"
    path.write_bytes(b"no database" * 100)
    with pytest.raises(VaultError):
        keep(path, DONE)
