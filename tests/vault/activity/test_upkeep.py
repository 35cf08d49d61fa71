"""The activity database is part of backups, is repaired, and deleted permanently."""

import sqlite3
import zipfile
from contextlib import closing
from pathlib import Path

import pytest

from promptvault.vault.activity.database import open_activity
from tests.conftest import Pvt
from tests.model_server import ModelServer, Text

SECRET = "sk-secret-of-the-test"


@pytest.fixture
def record(pvt: Pvt, home: Path, model_server: ModelServer) -> Path:
    """Return the record, with one run of a prompt and its cost."""
    model_server.script(Text("Warm the pot."))
    pvt.ok("add", "tea", "Make tea.")
    pvt.ok("add", "rice", "Cook rice.")
    pvt.ok("run", "tea")
    return home / "data" / "activity.db"


def runs(pvt: Pvt) -> list[str]:
    """Return the models' answers in the record."""
    path = pvt.ok("config", "path", "--json").json["activity"]
    with closing(sqlite3.connect(path)) as connection:
        return [row[0] for row in connection.execute("SELECT output FROM runs")]


def requests(pvt: Pvt) -> int:
    """Return the number of requests of this month in the record."""
    expenses = pvt.ok("spending", "--json").json["expenses"]
    return sum(row["requests"] for row in expenses)


class TestBackup:
    def test_it_comes_back(
        self, pvt: Pvt, record: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with open_activity(record):  # while another process has it open
            assert pvt.ok("backup", "all", "--json").json["whole"]
        monkeypatch.setenv("PROMPTVAULT_HOME", str(tmp_path / "elsewhere"))
        assert pvt.ok("backup", "restore", "all", "--json").json["whole"]
        assert (runs(pvt), requests(pvt)) == (["Warm the pot."], 1)
        assert pvt("doctor").code == 0

    def test_what_was_there_is_kept_and_what_was_spent_stays_spent(
        self, pvt: Pvt, record: Path
    ) -> None:
        pvt.ok("backup", "all")
        pvt.ok("run", "rice")
        pvt.ok("backup", "restore", "all", "--force")
        assert (runs(pvt), requests(pvt)) == (["Warm the pot."], 2)
        with closing(sqlite3.connect(record.with_name("activity.db.before-1"))) as old:
            assert old.execute("SELECT count(*) FROM runs").fetchone() == (2,)

    def test_an_older_backup_has_none_and_leaves_what_is_there(
        self, pvt: Pvt, record: Path
    ) -> None:
        pvt.ok("backup", "all")
        _without(Path("all"), "activity.db")
        assert pvt.ok("backup", "restore", "all", "--force", "--json").json["whole"]
        assert runs(pvt) == ["Warm the pot."]

    @pytest.mark.parametrize("damage", ["content", "packing"])
    def test_a_damaged_one_in_the_backup_does_not_stop_the_vault(
        self, pvt: Pvt, record: Path, damage: str
    ) -> None:
        pvt.ok("backup", "all")
        if damage == "content":
            _without(Path("all"), "activity.db", b"rubbish" * 1000)
        else:
            _spoil(Path("all"), "activity.db")
        result = pvt.ok("backup", "restore", "all", "--force", "--json")
        assert not result.json["whole"]
        assert "activity database" in result.err
        assert pvt.ok("list", "--plain").lines == ["rice", "tea"]
        assert runs(pvt) == ["Warm the pot."]

    def test_a_damaged_one_here_does_not_stop_a_backup(
        self, pvt: Pvt, record: Path
    ) -> None:
        pvt.ok("backup", "good")
        record.write_bytes(b"rubbish" * 1000)
        result = pvt.ok("backup", "all", "--json")
        assert not result.json["whole"]
        assert "activity database" in result.err
        assert "activity.db" not in zipfile.ZipFile("all").namelist()
        pvt.ok("backup", "restore", "good", "--force")
        assert runs(pvt) == ["Warm the pot."]
        assert record.with_name("activity.db.before-1").read_bytes()[:7] == b"rubbish"

    def test_no_key_and_no_kept_answer_is_in_it(
        self, pvt: Pvt, record: Path, home: Path
    ) -> None:
        pvt.ok("config", "set", "ai.api_key", stdin=SECRET.encode())
        (home / "config.toml").write_text(f'[ai]\napi_key = "{SECRET}"\n')
        pvt.ok("run", "rice")
        pvt.ok("backup", "all")
        with zipfile.ZipFile("all") as file:
            names = set(file.namelist())
            content = b"".join(file.read(name) for name in names)
        assert names == {"vault.db", "history.bundle", "activity.db", "usage.db"}
        assert SECRET.encode() not in content
        assert b"key-of-the-test" not in content


class TestDoctor:
    @pytest.mark.parametrize("content", [b"rubbish" * 1000, None])
    def test_puts_a_damaged_one_aside(
        self, pvt: Pvt, record: Path, content: bytes | None
    ) -> None:
        data = record.read_bytes()
        for path in record.parent.glob("activity.db-*"):
            path.unlink()
        record.write_bytes(content or data[: len(data) // 2 + 100])
        found = pvt("doctor", "--json")
        assert found.code == 7
        assert [each["part"] for each in found.json["problems"]] == ["activity"]
        before = pvt.ok("list", "--json").json
        repaired = pvt.ok("doctor", "--repair", "--json").json
        assert (repaired["repaired"], repaired["prompts"]) == (True, 2)
        assert record.with_name("activity.db.damaged-1").exists()
        assert pvt.ok("list", "--json").json == before
        pvt.ok("run", "rice", "--no-cache")
        assert requests(pvt) == 1
        assert pvt("doctor").code == 0

    def test_one_of_a_newer_program_is_left_alone(self, pvt: Pvt, record: Path) -> None:
        with closing(sqlite3.connect(record)) as connection:
            connection.execute("PRAGMA user_version = 1000")
        assert pvt("doctor", "--repair").code == 0
        assert not list(record.parent.glob("*.damaged-*"))

    def test_it_is_mended_beside_a_damaged_vault(
        self, pvt: Pvt, home: Path, record: Path
    ) -> None:
        record.write_bytes(b"rubbish" * 1000)
        (home / "data" / "vault.db").write_bytes(b"rubbish" * 1000)
        assert pvt.ok("doctor", "--repair", "--json").json["repaired"]
        assert pvt.ok("list", "--plain").lines == ["rice", "tea"]


class TestEmptyTrash:
    def test_what_was_done_with_a_prompt_goes_with_it(
        self, pvt: Pvt, record: Path
    ) -> None:
        pvt.ok("run", "rice")
        pvt.ok("delete", "tea")
        assert len(runs(pvt)) == 2  # it may be restored
        assert pvt.ok("trash", "empty", "--yes", "--json").json == {"removed": 1}
        assert runs(pvt) == ["Hello from the model."]
        assert requests(pvt) == 2  # which were charged all the same
        with closing(sqlite3.connect(record)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        assert b"Warm the pot." not in record.read_bytes()

    def test_a_damaged_record_stops_it_before_anything_is_lost(
        self, pvt: Pvt, record: Path
    ) -> None:
        pvt.ok("delete", "tea")
        record.write_bytes(b"rubbish" * 1000)
        result = pvt("trash", "empty", "--yes")
        assert (result.code, "doctor" in result.err) == (7, True)
        assert len(pvt.ok("trash", "list", "--json").json) == 1
        pvt.ok("doctor", "--repair")
        assert pvt.ok("trash", "empty", "--yes", "--json").json == {"removed": 1}

    def test_without_a_record_none_is_made(self, pvt: Pvt, home: Path) -> None:
        pvt.ok("add", "a", "b")
        pvt.ok("delete", "a")
        pvt.ok("trash", "empty", "--yes")
        assert not (home / "data" / "activity.db").exists()


def _without(path: Path, name: str, instead: bytes | None = None) -> None:
    """Remove a file from a backup, or replace its bytes."""
    with zipfile.ZipFile(path) as old:
        content = {each: old.read(each) for each in old.namelist() if each != name}
    if instead is not None:
        content[name] = instead
    with zipfile.ZipFile(path, "w") as new:
        for each, data in content.items():
            new.writestr(each, data)


def _spoil(path: Path, name: str) -> None:
    """Damage a backup within the file *name*."""
    with zipfile.ZipFile(path) as file:
        place = file.getinfo(name)
    data = bytearray(path.read_bytes())
    start = place.header_offset + 100
    data[start : start + 200] = b"\xff" * 200
    path.write_bytes(data)
