"""Files that change while their places are watched."""

import contextlib
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import watchfiles

from promptvault.services.imports import changed_files, folder_events
from promptvault.services.imports.changed_files import Changed, ChangedFiles
from promptvault.services.imports.place import Place, PlaceSearch

DEADLINE = 30
Watching = Callable[..., ChangedFiles]


def write(path: Path, text: str = "{}\n") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        file.write(text)
    return path


def next_of(changes: ChangedFiles) -> Changed:
    """Return what changed next."""
    end = time.monotonic() + DEADLINE
    while time.monotonic() < end:
        if changed := changes.wait():
            return changed
    raise AssertionError("nothing was noticed")


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let bursts of changes end soon."""
    monkeypatch.setattr(folder_events, "_SETTLED_MS", 20)
    monkeypatch.setattr(folder_events, "WAIT_SECONDS", 0.1)


@pytest.fixture
def watching() -> Iterator[Watching]:
    """Return a function that watches places, as they are now."""
    with contextlib.ExitStack() as stack:

        def watch(*places: Place) -> ChangedFiles:
            changes = ChangedFiles(PlaceSearch(lambda: places))
            stack.enter_context(contextlib.closing(changes))
            assert changes.wait() == {}
            return changes

        yield watch


def test_a_file_that_grows(watching: Watching, tmp_path: Path) -> None:
    file, other = write(tmp_path / "a" / "1.jsonl"), write(tmp_path / "a" / "2.jsonl")
    changes = watching(Place(tmp_path))
    write(file)
    assert next_of(changes) == {file: tmp_path}
    assert changes.names_below(tmp_path) == ["a/1.jsonl", "a/2.jsonl"]
    other.unlink()
    write(file)
    assert next_of(changes) == {file: tmp_path}


def test_files_in_new_folders(watching: Watching, tmp_path: Path) -> None:
    changes = watching(Place(tmp_path))
    file = write(tmp_path / "new" / "deep" / "down" / "a.jsonl")
    assert next_of(changes) == {file: tmp_path}
    write(file)
    assert next_of(changes) == {file: tmp_path}


def test_a_folder_that_goes_and_returns(watching: Watching, tmp_path: Path) -> None:
    folder = tmp_path / "place" / "session"
    file = write(folder / "a.jsonl")
    changes = watching(Place(tmp_path / "place"))
    shutil.rmtree(folder)
    write(file, "[]")
    assert next_of(changes) == {file: tmp_path / "place"}
    write(file)
    assert next_of(changes) == {file: tmp_path / "place"}


def test_a_file_that_is_replaced(watching: Watching, tmp_path: Path) -> None:
    file = write(tmp_path / "history.jsonl")
    changes = watching(Place(file))
    write(tmp_path / "new").replace(file)
    assert next_of(changes) == {file: file}
    write(file)
    assert next_of(changes) == {file: file}


def test_a_database_whose_log_grows(watching: Watching, tmp_path: Path) -> None:
    file = tmp_path / "one" / "state.vscdb"
    file.parent.mkdir()
    with contextlib.closing(sqlite3.connect(file, isolation_level=None)) as writer:
        writer.execute("PRAGMA journal_mode = WAL")
        writer.execute("CREATE TABLE t (a)")
        changes = watching(Place(tmp_path, "*/state.vscdb"))
        writer.execute("INSERT INTO t VALUES (1)")
        assert next_of(changes) == {file: file}


def test_a_place_that_is_made_later(
    watching: Watching, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changed_files, "_CHECK_SECONDS", 0.0)
    changes = watching(Place(tmp_path / "tool" / "sessions"))
    file = write(tmp_path / "tool" / "sessions" / "a.jsonl")
    assert next_of(changes) == {file: tmp_path / "tool" / "sessions"}
    shutil.rmtree(tmp_path / "tool")
    write(file)
    assert next_of(changes) == {file: tmp_path / "tool" / "sessions"}
    write(file)
    assert next_of(changes) == {file: tmp_path / "tool" / "sessions"}


def test_a_place_that_a_hint_makes_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changed_files, "_CHECK_SECONDS", 0.0)
    downloads = tmp_path / "Downloads"
    search = PlaceSearch(lambda: [*map(Place, downloads.glob("*.zip"))], [downloads])
    with contextlib.closing(ChangedFiles(search)) as changes:
        assert changes.wait() == {}
        file = write(downloads / "export.part", "PK").rename(downloads / "export.zip")
        assert next_of(changes) == {file: file}


def test_what_lies_behind_a_link_is_not_noticed(
    watching: Watching, tmp_path: Path
) -> None:
    outside = write(tmp_path / "outside" / "a.jsonl")
    place = tmp_path / "place"
    file = write(place / "b.jsonl")
    (place / "link").symlink_to(outside.parent)
    changes = watching(Place(place))
    write(outside)
    write(file)
    assert next_of(changes) == {file: place}


def test_files_are_looked_at_if_the_system_reports_nothing(
    watching: Watching, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError('OS file watch limit reached. about ["/secret"]')

    works = watchfiles.watch
    monkeypatch.setattr(watchfiles, "watch", refuse)
    monkeypatch.setattr(changed_files, "_BLIND_LOOK_SECONDS", 0.0)
    file = write(tmp_path / "a.jsonl")
    changes = watching(Place(tmp_path))
    assert str(changes.error) == (
        "The system reports no changes: OS file watch limit reached."
    )
    write(file)
    assert next_of(changes) == {file: tmp_path}
    monkeypatch.setattr(watchfiles, "watch", works)
    write(file)
    assert next_of(changes) == {file: tmp_path}
    assert changes.error is None
