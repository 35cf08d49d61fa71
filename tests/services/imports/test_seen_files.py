"""Unchanged files are not read again; a file that grew brings new prompts."""

import json
import os
import sqlite3
from pathlib import Path

import pytest

from tests.conftest import Pvt
from tests.importers.build import Json, archive
from tests.services.imports.test_run import asked, write


def bring(pvt: Pvt, *words: str) -> Json:
    return pvt.ok("import", *words, "--json").json


@pytest.fixture
def export(tmp_path: Path) -> str:
    """Return an export with two chats."""
    return write(tmp_path / "export.json", asked("c1", "One?"), asked("c2", "Two?"))


def test_unchanged_file_is_not_read_again(pvt: Pvt, export: str) -> None:
    first = bring(pvt, export)
    Path(export).chmod(0o600)
    again = bring(pvt, export)
    assert (first["unchanged"], again["unchanged"]) == (0, 1)
    kept = ("source", "files", "conversations", "found")
    assert [again[key] for key in kept] == [first[key] for key in kept]
    assert (again["added"], again["duplicates"], again["id"]) == (0, 2, None)
    assert len(pvt.ok("imports", "list", "--json").json) == 1


def test_it_is_not_even_opened(pvt: Pvt, export: str) -> None:
    bring(pvt, export)
    status = os.stat(export)
    Path(export).write_bytes(b"x" * status.st_size)  # it cannot be read
    os.utime(export, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert bring(pvt, export)["unchanged"] == 1
    assert pvt("import", "--again", export).code == 8


def test_changed_file_brings_what_is_new(pvt: Pvt, export: str) -> None:
    bring(pvt, export)
    write(Path(export), asked("c1", "One?"), asked("c2", "Two?"), asked("c3", "Three?"))
    report = bring(pvt, export)
    assert (report["unchanged"], report["added"], report["duplicates"]) == (0, 1, 2)


def test_of_a_folder_only_the_new_files_are_read(pvt: Pvt, tmp_path: Path) -> None:
    folder = tmp_path / "exports"
    folder.mkdir()
    for key in ("a", "b"):
        write(folder / f"{key}.json", asked(key, f"{key}?"))
    assert bring(pvt, str(folder))["added"] == 2
    write(folder / "c.json", asked("c", "c?"))
    report = bring(pvt, str(folder))
    assert (report["unchanged"], report["files"], report["added"]) == (2, 3, 1)
    assert bring(pvt, str(folder / "a.json"))["unchanged"] == 1


def test_archive_counts_as_one_file(pvt: Pvt, tmp_path: Path) -> None:
    zipped = tmp_path / "export.zip"
    files = {f"{n}.json": json.dumps([asked(n, f"{n}?")]).encode() for n in "abc"}
    zipped.write_bytes(archive(files))
    assert bring(pvt, str(zipped))["added"] == 3
    again = bring(pvt, str(zipped))
    assert (again["unchanged"], again["found"]) == (1, 3)


@pytest.mark.parametrize(
    ("before", "after", "is_read"),
    [
        ((), ("--take", "all"), True),
        (("--take", "all"), (), False),
        (("--take", "system"), (), True),
        (("--since", "2023-01-01"), (), True),
        ((), ("--since", "2023-01-01"), False),
        (("--since", "2023-01-01"), ("--since", "2023-02-01"), False),
        (("--min-chars", "2"), (), True),
        ((), ("--min-chars", "2"), False),
        (("--source", "chatgpt"), (), True),
        ((), ("--again",), True),
        ((), ("--tag", "x"), False),
    ],
)
def test_options_that_want_more_read_it_again(
    pvt: Pvt,
    export: str,
    before: tuple[str, ...],
    after: tuple[str, ...],
    is_read: bool,
) -> None:
    bring(pvt, export, *before)
    assert bring(pvt, export, *after)["unchanged"] == (0 if is_read else 1)


def test_undone_import_counts_no_more(pvt: Pvt, export: str) -> None:
    bring(pvt, export)
    pvt.ok("imports", "undo", "last")
    assert bring(pvt, export)["added"] == 2


def test_dry_run_leaves_no_trace(pvt: Pvt, export: str) -> None:
    bring(pvt, export, "--dry-run")
    assert bring(pvt, export)["added"] == 2


def test_file_that_could_not_be_read_is_tried_again(
    pvt: Pvt, tmp_path: Path, export: str
) -> None:
    cut = tmp_path / "cut.zip"
    whole = archive({"a.json": json.dumps([asked("a", "a?")]).encode()})
    cut.write_bytes(whole[:-10])
    assert len(bring(pvt, export, str(cut))["failed"]) == 1
    again = bring(pvt, export, str(cut))
    assert (again["unchanged"], len(again["failed"])) == (1, 1)


def test_database_counts_with_its_log(pvt: Pvt, tmp_path: Path) -> None:
    path = tmp_path / "state.vscdb"
    writer = sqlite3.connect(path)
    writer.execute("PRAGMA journal_mode = WAL")
    writer.execute("CREATE TABLE ItemTable (key TEXT, value BLOB)")
    writer.execute("CREATE TABLE cursorDiskKV (key TEXT, value BLOB)")
    writer.execute("INSERT INTO cursorDiskKV VALUES (?, ?)", composer("a", "One?"))
    writer.commit()
    assert bring(pvt, str(path))["added"] == 1
    assert bring(pvt, str(path))["unchanged"] == 1
    before = path.stat()
    writer.execute("INSERT INTO cursorDiskKV VALUES (?, ?)", composer("b", "Two?"))
    writer.commit()
    assert path.stat().st_mtime_ns == before.st_mtime_ns  # it is in the log only
    report = bring(pvt, str(path))
    assert (report["unchanged"], report["added"]) == (0, 1)
    writer.close()


def composer(key: str, text: str) -> tuple[str, str]:
    bubble = {"type": 1, "bubbleId": f"{key}-1", "text": text}
    row = {"composerId": key, "name": key, "conversation": [bubble]}
    return f"composerData:{key}", json.dumps(row)


def test_older_program_has_read_less(pvt: Pvt, export: str) -> None:
    bring(pvt, export)
    database = pvt.ok("config", "path", "--json").json["vault"]
    with sqlite3.connect(database) as connection:
        connection.execute(
            "UPDATE imports SET options = json_set(options, '$.program', '0.0.1')"
        )
    assert bring(pvt, export)["unchanged"] == 0


def test_loose_files_next_to_an_export_are_skipped(pvt: Pvt, tmp_path: Path) -> None:
    folder = tmp_path / "export"
    folder.mkdir()
    write(folder / "conversations.json", asked("c1", "One?"))
    (folder / "notes.md").write_text("Milk, eggs")
    (folder / "table.csv").write_text("act,prompt\nCook,Boil an egg\n")
    report = bring(pvt, str(folder))
    assert report["added"] == 1
    assert report["skipped"] == {"a loose file beside a chat export": 2}
    assert bring(pvt, "--source", "csv", str(folder))["added"] == 1


def test_loose_files_are_skipped_if_the_export_next_to_them_is_unchanged(
    pvt: Pvt, tmp_path: Path
) -> None:
    folder = tmp_path / "downloads"
    folder.mkdir()
    write(folder / "chats.json", asked("c1", "One?"))
    (folder / "notes.txt").write_text("You are a notary.")
    first, again = bring(pvt, str(folder)), bring(pvt, str(folder))
    assert (first["added"], again["added"], again["unchanged"]) == (1, 0, 1)
    assert again["skipped"] == first["skipped"]


def test_what_an_undo_took_comes_again_from_a_file_read_since(
    pvt: Pvt, export: str, tmp_path: Path
) -> None:
    bring(pvt, export)
    write(Path(export), asked("c1", "One?"), asked("c3", "Three?"))
    bring(pvt, export)  # it found the first chat there, and added the third
    pvt.ok("imports", "undo", "1")
    report = bring(pvt, export)
    assert (report["unchanged"], report["added"], report["duplicates"]) == (0, 1, 1)


def test_drafts_that_stayed_out_come_once_the_prompt_is_restored(
    pvt: Pvt, export: str
) -> None:
    bring(pvt, export)
    pvt.ok("delete", "chatgpt/chat-c1")
    write(Path(export), asked("c1", "One?", "One!"), asked("c2", "Two?"))
    assert bring(pvt, export)["skipped"] == {"edited here since": 1}
    pvt.ok("trash", "restore", "chatgpt/chat-c1")
    assert bring(pvt, export)["updated"] == 1
    assert pvt.ok("get", "chat-c1").text == "One!"


def test_prompt_whose_name_was_too_long_comes_into_another_folder(
    pvt: Pvt, tmp_path: Path
) -> None:
    pvt.ok("add", "/".join(letter * 60 for letter in "abc"), "Text")
    pvt.ok("add", "short", "Short text")
    exported = str(tmp_path / "vault.json")
    pvt.ok("export", exported)
    pvt.ok("delete", "c" * 60, "short")
    pvt.ok("trash", "empty", "--yes")
    refused = pvt.ok("import", exported, "--folder", "d" * 30, "--json").json
    assert (refused["added"], len(refused["failed"])) == (1, 1)
    assert bring(pvt, exported)["added"] == 1


def test_texts_next_to_an_unchanged_archive_are_imported(
    pvt: Pvt, tmp_path: Path
) -> None:
    folder = tmp_path / "prompts"
    folder.mkdir()
    chats = json.dumps([asked("c1", "One?")]).encode()
    (folder / "chats.zip").write_bytes(archive({"conversations.json": chats}))
    (folder / "notary.txt").write_text("You are a notary.")
    assert bring(pvt, str(folder))["added"] == 2
    (folder / "cook.txt").write_text("You are a cook.")
    assert bring(pvt, str(folder))["added"] == 1
