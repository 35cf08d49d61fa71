"""The activity database: created once, by the process that is first."""

import sqlite3
from pathlib import Path

import pytest

from promptvault.errors import VaultError
from promptvault.vault.activity.database import immediate, open_activity


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return the path of the database."""
    return tmp_path / "data" / "activity.db"


def tables(connection: sqlite3.Connection) -> set[str]:
    """Return the names of the tables."""
    rows = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
    return {name for (name,) in rows}


def test_the_first_use_makes_it(path: Path) -> None:
    with open_activity(path) as connection:
        assert tables(connection) >= {
            "requests",
            "runs",
            "optimizations",
            "evaluations",
        }
    with open_activity(path) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_a_file_that_nobody_finished_is_finished(path: Path) -> None:
    path.parent.mkdir()
    path.touch()

    with open_activity(path) as connection:
        assert "requests" in tables(connection)


def test_a_newer_one_is_left_alone(path: Path) -> None:
    with open_activity(path) as connection:
        connection.execute("PRAGMA user_version = 999")

    with pytest.raises(VaultError, match="newer PromptVault"), open_activity(path):
        pass


@pytest.mark.parametrize("content", [b"no database" * 999, b"SQLite format 3\0" * 99])
def test_a_damaged_one_is_told_and_kept(path: Path, content: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(content)

    with pytest.raises(VaultError, match="is damaged"), open_activity(path):
        pass

    assert path.read_bytes() == content


def test_a_folder_that_cannot_be_made(path: Path) -> None:
    path.parent.write_text("no folder")

    with pytest.raises(VaultError, match="cannot be created"), open_activity(path):
        pass


def test_a_place_that_is_a_folder(path: Path) -> None:
    path.mkdir(parents=True)

    with pytest.raises(VaultError, match="check the permissions"), open_activity(path):
        pass


def write(connection: sqlite3.Connection, month: str) -> None:
    """Write a row."""
    connection.execute(
        "INSERT INTO requests VALUES (NULL, ?, '', '', '', '', 0, 0, 0, 0)", (month,)
    )


def months(path: Path) -> list[str]:
    """Return the row."""
    with open_activity(path) as connection:
        return [month for (month,) in connection.execute("SELECT month FROM requests")]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, GeneratorExit])
def test_a_transaction_is_whole_or_nothing(
    path: Path, error: type[BaseException]
) -> None:
    def fail() -> None:
        with open_activity(path) as connection, immediate(connection):
            write(connection, "2026-05")
            raise error

    with pytest.raises(error):
        fail()

    assert months(path) == []


def test_a_transaction_that_sqlite_itself_ended(path: Path) -> None:
    def fail() -> None:
        with open_activity(path) as connection, immediate(connection):
            write(connection, "2026-05")
            connection.execute("ROLLBACK")
            raise sqlite3.OperationalError("as on a full disk")

    with pytest.raises(VaultError, match="cannot be used"):
        fail()

    assert months(path) == []


def test_an_error_of_the_caller_s_own_passes(path: Path) -> None:
    def fail() -> None:
        with open_activity(path):
            raise PermissionError("another file")

    with pytest.raises(PermissionError, match="another file"):
        fail()
