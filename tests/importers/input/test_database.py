"""Databases of other programs are read completely and not changed."""

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from promptvault.errors import ImportSourceError
from promptvault.importers.input import database
from promptvault.importers.input.document import Document, documents_at
from tests.importers.build import document

Rows = list[tuple[object, ...]]


@contextlib.contextmanager
def writer(path: Path, mode: str = "delete") -> Iterator[sqlite3.Connection]:
    """Return another program's connection to the database at *path*."""
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(f"PRAGMA journal_mode = {mode}")
        connection.execute("CREATE TABLE IF NOT EXISTS notes (said TEXT)")
        yield connection


def write(path: Path, *texts: str) -> Path:
    with writer(path) as connection:
        connection.executemany("INSERT INTO notes VALUES (?)", [(t,) for t in texts])
    return path


def found(path: Path) -> Document:
    (each,) = [item for item in documents_at(path) if isinstance(item, Document)]
    return each


def rows(each: Document) -> Rows:
    with database.open_database(each) as connection:
        return list(connection.execute("SELECT said FROM notes ORDER BY rowid"))


def state(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {
        each.name: (each.read_bytes(), each.stat().st_mtime_ns)
        for each in folder.iterdir()
    }


def test_reading_leaves_the_folder_as_it_was(tmp_path: Path) -> None:
    each = found(write(tmp_path / "a.db", "hello"))
    before = state(tmp_path)
    tmp_path.chmod(0o555)
    try:
        assert database.table_names(each) == {"notes"}
        assert rows(each) == [("hello",)]
    finally:
        tmp_path.chmod(0o755)
    assert state(tmp_path) == before


def test_database_in_an_archive_or_a_pipe_is_read(tmp_path: Path) -> None:
    data = write(tmp_path / "a.db", "hello").read_bytes()
    each = document(data, "export/a.db")
    assert database.table_names(each) == {"notes"}
    assert rows(each) == [("hello",)]


@pytest.mark.parametrize(
    "name", ["a?mode=rw.db", "50%25 #1.db", "a b&c.db", "ä\N{SNOWMAN}.db", "a'b.db"]
)
def test_path_with_characters_that_mean_something_in_a_uri(
    tmp_path: Path, name: str
) -> None:
    folder = tmp_path / "x?immutable=0#%41"
    folder.mkdir()
    assert rows(found(write(folder / name, "hello"))) == [("hello",)]
    assert [each.name for each in folder.iterdir()] == [name]


@pytest.mark.skipif(os.name == "nt", reason="names are Unicode there")
def test_path_that_is_no_text(tmp_path: Path) -> None:
    path = write(tmp_path / "a.db", "hello")
    path = path.rename(Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.db")))
    assert rows(found(path)) == [("hello",)]


def test_what_a_log_still_holds_is_read_and_the_log_left(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with writer(path, "wal") as other:
        other.execute("PRAGMA wal_autocheckpoint = 0")
        other.execute("INSERT INTO notes VALUES ('only in the log')")
        before = state(tmp_path)
        each = found(path)
        assert database.table_names(each) == {"notes"}
        assert rows(each) == [("only in the log",)]
        other.execute("INSERT INTO notes VALUES ('next')")  # nothing is locked
        assert set(state(tmp_path)) == set(before)
        assert state(tmp_path)["a.db"] == before["a.db"]


def test_log_next_to_the_target_of_a_link_is_read(tmp_path: Path) -> None:
    link = tmp_path / "link.db"
    (tmp_path / "real").mkdir()
    path = tmp_path / "real" / "a.db"
    with writer(path, "wal") as other:
        other.execute("INSERT INTO notes VALUES ('in the log')")
        link.symlink_to(path)
        assert rows(found(link)) == [("in the log",)]


def test_what_is_not_committed_is_not_read(tmp_path: Path) -> None:
    path = write(tmp_path / "a.db", "kept")
    with writer(path) as other:
        other.execute("PRAGMA cache_size = 1")
        other.execute("BEGIN IMMEDIATE")
        many = [("x" * 2000,)] * 500
        other.executemany("INSERT INTO notes VALUES (?)", many)  # spills into the file
        assert path.stat().st_size > 500_000
        assert rows(found(path)) == [("kept",)]
        other.execute("ROLLBACK")


def read_while_written(path: Path) -> None:
    with database.open_database(found(path)) as connection:
        assert connection.execute("SELECT * FROM notes").fetchall()
        write(path, "two" * 1000)


def test_being_written_meanwhile_is_reported(tmp_path: Path) -> None:
    path = write(tmp_path / "a.db", "one")
    with pytest.raises(ImportSourceError, match="written while it was read"):
        read_while_written(path)


def test_text_that_is_no_utf8_is_bent(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with writer(path) as other:
        other.execute("INSERT INTO notes VALUES (CAST(x'61FF62' AS TEXT))")
    assert rows(found(path)) == [("a\ufffdb",)]


def test_damage_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    path = write(tmp_path / "a.db", *["x" * 3000] * 50)
    data = bytearray(path.read_bytes())
    data[8192:20000] = b"\xff" * (20000 - 8192)
    path.write_bytes(data)
    with pytest.raises(ImportSourceError, match="close the program"):
        rows(found(path))


def test_damaged_list_of_tables_is_no_table() -> None:
    assert not database.table_names(document(b"SQLite format 3\0" + b"\xff" * 5000))
    assert not database.table_names(document(b"SQLite format 3\0"))


def test_many_tables_are_found(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with writer(path) as other:
        other.execute("BEGIN")  # 2,000 commits would take most of the time
        for number in range(2000):
            other.execute(f"CREATE TABLE t{number} (a, b, c, d, e, f, g, h, i)")
        other.execute("COMMIT")
    assert len(database.table_names(found(path))) == 2001


@pytest.mark.parametrize("size", [512, 1024, 4096, 65536])
@pytest.mark.parametrize("mode", ["delete", "wal"])
def test_page_sizes(tmp_path: Path, size: int, mode: str) -> None:
    path = tmp_path / "a.db"
    with contextlib.closing(sqlite3.connect(path)) as other:
        other.execute(f"PRAGMA page_size = {size}")
    with writer(path, mode) as other:
        other.executemany("INSERT INTO notes VALUES (?)", [("x" * 999,)] * 200)
    each = document(path.read_bytes())
    assert database.table_names(each) == {"notes"}
    assert len(rows(each)) == 200


@pytest.mark.parametrize("mode", ["delete", "wal"])
def test_tables_are_read_from_the_first_pages_alone(tmp_path: Path, mode: str) -> None:
    path = tmp_path / "a.db"
    with writer(path, mode) as other:
        other.executemany("INSERT INTO notes VALUES (?)", [("x" * 999,)] * 200)
    start = document(path.read_bytes()[:70_000])
    assert database.table_names(start) == {"notes"}


def test_views_and_virtual_tables_are_no_tables(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with writer(path) as other:
        other.execute("CREATE VIEW v AS SELECT 1")
        other.execute("CREATE VIRTUAL TABLE f USING fts5(x)")
        other.execute("create /* so */ table if not exists t as select 1")
    assert {"notes", "t"} <= database.table_names(found(path))
    assert not {"v", "f"} & database.table_names(found(path))


def test_other_files_have_no_tables() -> None:
    assert not database.table_names(document(b'{"a": 1}'))
