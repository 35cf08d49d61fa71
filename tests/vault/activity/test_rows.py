"""Rows of the records are found by their key, newest first."""

from pathlib import Path
from typing import Any

import pytest

from promptvault.errors import VaultError
from promptvault.vault.activity.rows import insert_row, read_newest

ROW = {
    "prompt_id": "p1",
    "version_id": "v1",
    "version": 1,
    "created_at": "2026-05-01T12:00:00Z",
    "status": "done",
    "model": "m",
    "endpoint": "e",
    "cached": False,
    "is_cut": False,
    "input_tokens": 1,
    "output_tokens": 2,
    "tokens_estimated": False,
    "seconds": 0.5,
    "output": "Hello.",
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "activity.db"


def test_the_newest_come_first_and_only_what_is_asked_for(path: Path) -> None:
    rows = [ROW, ROW | {"version_id": "v2"}, ROW | {"prompt_id": "p2"}]
    first, second, third = (insert_row(path, "runs", row) for row in rows)

    def found(condition: dict[str, Any], limit: int | None = None) -> list[int]:
        read = read_newest(path, "runs", ["output"], condition, limit)
        return [number for number, output in read if output == "Hello."]

    assert found({}) == [third, second, first]
    assert found({}, 2) == [third, second]
    assert found({"prompt_id": "p1"}) == [second, first]
    assert found({"prompt_id": "p1", "version_id": "v2"}) == [second]
    assert found({"pk": first}) == [first]
    assert found({"prompt_id": "none"}) == []


def test_reading_makes_no_file(path: Path) -> None:
    assert list(read_newest(path, "runs", ["model"], {})) == []
    assert not path.parent.exists()


def test_it_is_read_where_nothing_can_be_written(path: Path) -> None:
    """As on a full disk: SQLite cannot make its shared memory."""
    insert_row(path, "runs", ROW)
    path.with_name(f"{path.name}-shm").symlink_to("no/such/file")
    assert [model for _, model in read_newest(path, "runs", ["model"], {})] == ["m"]
    with pytest.raises(VaultError):
        insert_row(path, "runs", ROW)


def test_it_is_not_read_past_rows_that_wait_in_its_log(path: Path) -> None:
    insert_row(path, "runs", ROW)
    path.with_name(f"{path.name}-shm").symlink_to("no/such/file")
    path.with_name(f"{path.name}-wal").write_bytes(b"rows of a program that died")
    with pytest.raises(VaultError):
        list(read_newest(path, "runs", ["model"], {}))


def test_a_record_that_cannot_be_used(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"no database" * 100)
    with pytest.raises(VaultError):
        insert_row(path, "runs", ROW)
    with pytest.raises(VaultError):
        list(read_newest(path, "runs", ["model"], {}))
    with pytest.raises(VaultError):
        insert_row(path.parent, "runs", ROW)
    with pytest.raises(VaultError):
        insert_row(path / "below" / "activity.db", "runs", ROW)
