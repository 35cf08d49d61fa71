"""Backups: one file that restores everything, and never overwrites a vault."""

import json
import shutil
import sqlite3
import subprocess
import zipfile
from contextlib import closing
from pathlib import Path

import pytest

from tests.conftest import Git, Process, Pvt
from tests.importers.build import Json
from tests.services.imports.test_run import asked, write


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a filled vault, and a backup of it."""
    folder, pvt = tmp_path_factory.mktemp("model"), Pvt()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PROMPTVAULT_HOME", str(folder / "home"))
        patch.setenv("GIT_AUTHOR_NAME", "Ada Lovelace")
        patch.setenv("GIT_AUTHOR_EMAIL", "ada@example.org")
        chats = asked("c1", "Tea?", "Green tea?", title="Tea"), asked("c2", "Rice?")
        pvt.ok("import", write(folder / "export.json", *chats))
        pvt.ok("add", "mail", "Write a letter.")
        pvt.ok("label", "mail", "best")
        pvt.ok("delete", "chat-c2")
        pvt.ok("get", "mail")
        pvt.ok("backup", str(folder / "vault.backup"))
    return folder


@pytest.fixture
def saved(model: Path, home: Path) -> Path:
    """Return a backup of the vault at home, which is filled."""
    shutil.copytree(model, home.parent, dirs_exist_ok=True)
    return home.parent / "vault.backup"


@pytest.fixture
def elsewhere(tmp_path: Path, saved: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return another home, which is in use from now on."""
    folder = tmp_path / "elsewhere"
    monkeypatch.setenv("PROMPTVAULT_HOME", str(folder))
    return folder


def state(pvt: Pvt, home: Path) -> Json:
    """Return the content of a vault, commits included."""
    command = ["git", f"--git-dir={home / 'data/history.git'}", "log", "main"]
    log = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    commands = (
        ["list", "--json"],
        ["export", "-"],
        ["imports", "list", "--json"],
        ["trash", "list", "--json"],
        ["search", "tea", "--json"],
    )
    return [log, *(pvt.ok(*command).json for command in commands)]


def contents(folder: Path) -> dict[Path, bytes]:
    """Return every file under *folder* except the lock."""
    paths = [path for path in folder.rglob("*") if path.is_file()]
    return {path: path.read_bytes() for path in paths if path.name != "vault.lock"}


def test_restore_into_an_empty_home(
    pvt: Pvt, home: Path, saved: Path, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = pvt.ok("backup", "restore", str(saved), "--json").json
    vaults = [{"name": "personal", "prompts": 2}]
    expected = {"restored": str(saved), "prompts": 2, "whole": True, "vaults": vaults}
    assert result == expected
    restored = state(pvt, elsewhere)
    assert pvt.ok("doctor", "--json").json["problems"] == []
    pvt.ok("add", "after", "The vault goes on.")
    assert pvt("doctor").code == 0
    assert not list((elsewhere / "data").glob("*.before-*"))
    monkeypatch.setenv("PROMPTVAULT_HOME", str(home))
    assert state(pvt, home) == restored
    assert [row["uses"] for row in restored[1]] == [0, 1]


def test_restore_over_a_filled_home_keeps_what_was_there(
    pvt: Pvt, home: Path, saved: Path
) -> None:
    before = state(pvt, home)
    pvt.ok("add", "newer", "Made after the backup.")
    later = state(pvt, home)
    refused = pvt("backup", "restore", str(saved), "--json")
    assert (refused.code, refused.error["code"]) == (5, "conflict")
    assert state(pvt, home) == later
    pvt.ok("backup", "restore", str(saved), "--force")
    assert state(pvt, home) == before
    assert pvt("doctor").code == 0
    for name in ("vault.db", "history.git"):
        (home / "data" / f"{name}.before-1").replace(home / "data" / f"{name}.kept")
    for name in ("vault.db", "history.git"):
        (home / "data" / name).replace(home / "data" / f"{name}.restored")
        (home / "data" / f"{name}.kept").replace(home / "data" / name)
    assert state(pvt, home) == later


def test_what_is_kept_beside_has_the_latest_changes(
    pvt: Pvt, home: Path, saved: Path
) -> None:
    # While another program reads, SQLite leaves the latest changes in its log.
    with closing(sqlite3.connect(home / "data/vault.db")) as reader:
        reader.execute("SELECT count(*) FROM prompts").fetchone()
        pvt.ok("add", "newer", "Made after the backup.")
        pvt.ok("backup", "restore", str(saved), "--force")
    with closing(sqlite3.connect(home / "data/vault.db.before-1")) as kept:
        rows = kept.execute("SELECT name FROM prompts WHERE name = 'newer'").fetchall()
    assert rows == [("newer",)]


def test_each_restore_keeps_its_own(pvt: Pvt, home: Path, saved: Path) -> None:
    for _ in range(2):
        pvt.ok("backup", "restore", str(saved), "--force")
    kept = {path.name for path in (home / "data").glob("*.before-*")}
    assert kept == {
        f"{name}.before-{number}"
        for name in ("vault.db", "history.git")
        for number in (1, 2)
    }


def test_damaged_vault_is_replaced_by_force_only(
    pvt: Pvt, home: Path, saved: Path
) -> None:
    before = state(pvt, home)
    (home / "data/vault.db").write_bytes(b"rubbish")
    assert pvt("backup", "restore", str(saved)).code == 5
    pvt.ok("backup", "restore", str(saved), "--force")
    assert state(pvt, home) == before


def test_lost_database_is_replaced(pvt: Pvt, home: Path, saved: Path) -> None:
    before = state(pvt, home)
    (home / "data/vault.db").unlink()
    pvt.ok("backup", "restore", str(saved), "--force")
    assert state(pvt, home) == before


def damage_whole(data: bytes) -> bytes:
    return b"This is no backup."


def damage_end(data: bytes) -> bytes:
    return data[: len(data) // 2]


def damage_middle(data: bytes) -> bytes:
    return data[:2000] + b"\xff" * 200 + data[2200:]


def other_zip(data: bytes) -> bytes:
    path = Path("other.zip")
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("conversations.json", "[]")
    return path.read_bytes()


def inner_garbage(data: bytes) -> bytes:
    return _repacked(data, "vault.db", lambda old: old[:100] + b"\xa5" * len(old))


def inner_no_database(data: bytes) -> bytes:
    return _repacked(data, "vault.db", lambda old: b"rubbish" * 1000)


def inner_broken_bundle(data: bytes) -> bytes:
    return _repacked(data, "history.bundle", lambda old: old[: len(old) // 2])


def _repacked(data: bytes, name: str, change: object) -> bytes:
    Path("old.zip").write_bytes(data)
    with zipfile.ZipFile("old.zip") as old, zipfile.ZipFile("new.zip", "w") as new:
        for each in old.namelist():
            content = old.read(each)
            if each == name and callable(change):
                content = change(content)
            new.writestr(each, content)
    return Path("new.zip").read_bytes()


@pytest.mark.parametrize(
    "damage",
    [
        damage_whole,
        damage_end,
        damage_middle,
        other_zip,
        inner_garbage,
        inner_no_database,
        inner_broken_bundle,
        lambda data: b"",
    ],
)
def test_damaged_backup_changes_nothing(
    pvt: Pvt, home: Path, saved: Path, damage: object
) -> None:
    assert callable(damage)
    saved.write_bytes(damage(saved.read_bytes()))
    before = contents(home / "data")
    result = pvt("backup", "restore", str(saved), "--force", "--json")
    assert result.code in {2, 7}
    assert result.error["message"]
    assert contents(home / "data") == before


def test_backup_of_a_newer_program_is_refused(
    pvt: Pvt, home: Path, saved: Path
) -> None:
    def newer(data: bytes) -> bytes:
        path = home / "newer.db"
        path.write_bytes(data)
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("PRAGMA user_version = 1000")
        return path.read_bytes()

    saved.write_bytes(_repacked(saved.read_bytes(), "vault.db", newer))
    before = contents(home / "data")
    result = pvt("backup", "restore", str(saved), "--force")
    assert result.code == 7
    assert "newer" in result.err
    assert contents(home / "data") == before


def test_missing_backup(pvt: Pvt, home: Path) -> None:
    assert pvt("backup", "restore", "nothing.backup").code == 3
    assert pvt.ok("list", "--plain").lines == []


def test_file_that_is_there_is_not_written_over(pvt: Pvt, saved: Path) -> None:
    before = saved.read_bytes()
    assert pvt("backup", str(saved)).code == 5
    assert saved.read_bytes() == before
    pvt.ok("add", "one-more", "Text")
    result = pvt.ok("backup", str(saved), "--force", "--json").json
    size = saved.stat().st_size
    vaults = [{"name": "personal", "error": None}]
    assert result == {
        "path": str(saved),
        "bytes": size,
        "whole": True,
        "vaults": vaults,
    }
    assert saved.read_bytes() != before


def test_place_that_cannot_be_written(pvt: Pvt, saved: Path, tmp_path: Path) -> None:
    before = set(tmp_path.iterdir())
    assert pvt("backup", str(tmp_path / "no/such/folder/file")).code == 2
    assert pvt("backup", str(tmp_path), "--force").code == 2
    assert set(tmp_path.iterdir()) == before


def test_backup_leaves_nothing_beside_it(pvt: Pvt, saved: Path) -> None:
    assert {path.name for path in saved.parent.iterdir()} == {
        "export.json",
        "home",
        saved.name,
    }


def test_empty_vault(pvt: Pvt, saved: Path, elsewhere: Path, tmp_path: Path) -> None:
    path = str(tmp_path / "empty.backup")
    pvt.ok("backup", path)
    pvt.ok("backup", "restore", path)
    assert pvt.ok("list", "--json").json == []
    pvt.ok("add", "first", "Text")
    assert pvt("doctor").code == 0


def test_backup_while_another_process_writes(
    pvt: Pvt,
    pvt_process: Process,
    home: Path,
    elsewhere: Path,
    saved: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PROMPTVAULT_HOME", str(home))
    chats = [asked(f"n{n}", f"{n}?", f"{n}, please?") for n in range(300)]
    path = tmp_path / "large.json"
    path.write_text(json.dumps(chats))
    paths: list[str] = []
    with subprocess.Popen(pvt_process.command("import", str(path))) as writer:
        while writer.poll() is None or not paths:
            paths.append(str(tmp_path / f"{len(paths)}.backup"))
            pvt.ok("backup", paths[-1])
    assert writer.returncode == 0
    pvt.ok("backup", str(tmp_path / "last"))
    monkeypatch.setenv("PROMPTVAULT_HOME", str(elsewhere))
    for each in {paths[0], paths[-1], str(tmp_path / "last")}:
        pvt.ok("backup", "restore", each, "--force")
        assert pvt.ok("doctor", "--json").json["problems"] == []
        assert len(pvt.ok("list", "--plain").lines) in {2, 302}
    assert len(pvt.ok("list", "--plain").lines) in {2, 302}


def test_history_of_a_restored_vault_is_the_same(
    pvt: Pvt, git: Git, saved: Path
) -> None:
    before = git("log", "--format=raw", "main")
    pvt.ok("backup", "restore", str(saved), "--force")
    assert git("log", "--format=raw", "main") == before


def test_relative_path_is_taken_from_where_the_user_is(
    pvt: Pvt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pvt.ok("add", "tea", "Make tea.")
    monkeypatch.chdir(tmp_path)
    pvt.ok("backup", "vault.backup")
    pvt.ok("backup", "restore", "--force", "vault.backup")
    assert pvt.ok("get", "tea").text == "Make tea."
