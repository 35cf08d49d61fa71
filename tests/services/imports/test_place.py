"""Which files belong to a place, and which of them are found there."""

import os
from pathlib import Path

import pytest

from promptvault.services.imports.place import Place, contents_of, without_log


def write(path: Path, text: str = "{}") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("pattern", "file", "target"),
    [
        ("", "a.jsonl", ""),
        ("", "deep/down/a.jsonl", ""),
        ("*/state.vscdb", "one/state.vscdb", "one/state.vscdb"),
        ("*/state.vscdb", "one/other.vscdb", None),
        ("*/state.vscdb", "state.vscdb", None),
        ("*/transcripts", "one/transcripts/deep/a.txt", "one/transcripts"),
        ("*/transcripts", "one/deep/transcripts/a.txt", None),
    ],
)
def test_a_file_is_imported_with_what_the_pattern_names(
    pattern: str, file: str, target: str | None
) -> None:
    place = Place(Path("/data/tool"), pattern)
    found = place.target_of(f"/data/tool/{file}")
    assert found == (None if target is None else Path("/data/tool", target))


def test_files_of_other_places_are_none() -> None:
    assert Place(Path("/data/tool")).target_of("/data/toolbox/a.jsonl") is None
    assert Place(Path("/data/tool")).target_of("/data/tool") == Path("/data/tool")


def test_only_folders_that_may_hold_files_are_listed(tmp_path: Path) -> None:
    write(tmp_path / "one" / "state.vscdb")
    write(tmp_path / "one" / "cache" / "state.vscdb")
    found = contents_of(Place(tmp_path, "*/state.vscdb"), str(tmp_path))
    assert found.folders == [str(tmp_path), str(tmp_path / "one")]
    assert list(found.files) == [str(tmp_path / "one" / "state.vscdb")]


def test_what_an_import_does_not_read_is_left_out(tmp_path: Path) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    kept = write(root / "a.jsonl")
    write(outside / "b.jsonl")
    write(root / "node_modules" / "c.json")
    write(root / "x.db-wal")
    (root / "folder").symlink_to(outside)
    (root / "file.jsonl").symlink_to(outside / "b.jsonl")
    (root / "circle").symlink_to(root)
    found = contents_of(Place(root), str(root))
    assert (found.folders, list(found.files)) == ([str(root)], [str(kept)])
    assert not contents_of(Place(root), str(root / "folder")).folders


def test_a_place_may_be_a_link(tmp_path: Path) -> None:
    write(tmp_path / "real" / "a.jsonl")
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "real")
    assert list(contents_of(Place(link), str(link)).files) == [str(link / "a.jsonl")]


def test_a_log_changes_the_state_of_its_database(tmp_path: Path) -> None:
    place = Place(tmp_path)
    file = str(write(tmp_path / "a.db"))
    before = contents_of(place, str(tmp_path)).files[file]
    log = write(tmp_path / "a.db-wal", "1")
    after = contents_of(place, str(tmp_path)).files
    assert list(after) == [file]
    assert after[file] != before
    assert without_log(str(log)) == file
    assert without_log(file) == file


def test_a_change_of_permissions_changes_the_state(tmp_path: Path) -> None:
    file = write(tmp_path / "a.jsonl")
    before = contents_of(Place(tmp_path), str(tmp_path))
    file.chmod(0o600 if os.stat(file).st_mode & 0o77 else 0o644)
    assert contents_of(Place(tmp_path), str(tmp_path)) != before
