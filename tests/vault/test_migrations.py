"""Vaults of older programs open and keep everything; newer ones are left alone."""

import contextlib
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from promptvault.domain.prompt import Content, Details
from promptvault.domain.variable import Variable
from promptvault.errors import VaultError
from promptvault.vault import outbox
from promptvault.vault.database import connected
from promptvault.vault.migrations import LATEST, STEPS, migrate, version_of
from promptvault.vault.reader import Selection
from tests.conftest import Git, Pvt, Vault

OLD = (Path(__file__).parent / "data" / "schema_001.sql").read_text()


def write_old(database: Path, *more: str) -> None:
    """Make a vault as migration 1 left it."""
    database.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.closing(sqlite3.connect(database)) as connection:
        connection.executescript(OLD)
        for statement in more:
            connection.execute(statement)
        connection.commit()


def schema_of(database: Path) -> set[tuple[str, str]]:
    sql = "SELECT type, name FROM sqlite_schema"
    with contextlib.closing(sqlite3.connect(database)) as connection:
        return set(connection.execute(sql).fetchall())


def test_an_old_vault_keeps_everything(vault: Vault) -> None:
    write_old(vault.database)
    with vault.reading() as reader:
        prompt = reader.get("review")
        first, second = reader.versions(prompt)
        assert reader.origins(prompt) == ()
    assert prompt[1:10] == (
        *("coding/review", "Review", "Finds mistakes", ("code", "work"), True),
        *(True, "local", 2, {"production": 1}),
    )
    assert first.content == Content("Review this.")
    declared = (Variable("code", "what"),)
    assert second.content == Content("Review this code: {{ code }}", True, declared)
    assert (second.message, second.author.name) == ("Ask for code", "Ada Lovelace")
    assert second.created_at.isoformat() == "2025-02-03T04:05:06.007000+00:00"


def test_keys_in_an_old_vault_are_found(vault: Vault) -> None:
    key = "gh" + "p_" + "aB3dE6gH9kLm2pQr5tUv8xYzC4fJ7nWsaB3d"
    write_old(vault.database, f"UPDATE versions SET body = 'Use {key}.' WHERE pk = 2")
    with vault.writing() as repository:
        prompt = repository.reader.get("review")
    assert prompt.secrets == ("GitHub Token",)
    assert prompt.is_held_back


def test_an_old_vault_has_the_schema_of_a_new_one(vault: Vault, tmp_path: Path) -> None:
    write_old(vault.database)
    new = Vault(tmp_path / "new.db", vault.usage)
    for each in (vault, new):
        with each.writing() as repository:
            repository.add("other", Content("x"), Details(), "")
    assert schema_of(vault.database) == schema_of(new.database)
    with connected(vault.database) as connection:
        assert version_of(connection) == LATEST == len(STEPS)
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        (waiting, _) = outbox.read_pending(connection)
        (file,) = outbox.read_files(connection, waiting)
    assert waiting.message == "Ask for code"
    assert file.text == "---\ntitle: Review\n---\nReview this code: {{ code }}"


def test_the_program_goes_on_with_an_old_vault(pvt: Pvt, home: Path, git: Git) -> None:
    write_old(home / "data" / "vault.db")
    assert pvt.ok("get", "review@production").text == "Review this."
    assert pvt.ok("search", "mistakes").lines[0].startswith("coding/review\t")
    pvt.ok("add", "new", "text")
    subjects = git("log", "--format=%s %an %aI").splitlines()
    assert subjects[1] == "Ask for code Ada Lovelace 2025-02-03T04:05:06+00:00"
    assert subjects[0].startswith("Add new ")
    assert (
        pvt.ok("log", "review", "--json").json[0]["commit"]
        == git("rev-parse", "HEAD^").strip()
    )


@pytest.mark.parametrize("mode", ["wal", "delete"])
@pytest.mark.parametrize("command", ["list", "get review", "add new text"])
def test_a_newer_vault_is_left_alone(
    pvt: Pvt, home: Path, mode: str, command: str
) -> None:
    database = home / "data" / "vault.db"
    write_old(database, f"PRAGMA journal_mode = {mode}", "PRAGMA user_version = 99")
    before = database.read_bytes()
    result = pvt(*command.split())
    assert result.code == 7
    assert result.out == b""
    assert "newer" in result.err
    assert len(result.err.splitlines()) == 1
    assert database.read_bytes() == before
    assert not (home / "data" / "history.git").exists()


def test_a_step_that_fails_leaves_the_vault_as_it_was(vault: Vault) -> None:
    # Half of step 2 works, then it finds an index that exists already.
    write_old(vault.database, "CREATE INDEX origins_message ON prompts (title)")
    before = schema_of(vault.database)
    with pytest.raises(VaultError), vault.writing():
        pass
    with pytest.raises(VaultError), vault.reading():
        pass
    assert schema_of(vault.database) == before
    with contextlib.closing(sqlite3.connect(vault.database)) as connection:
        assert version_of(connection) == 1
        assert connection.execute("SELECT count(*) FROM versions").fetchone() == (2,)


def test_migrating_twice_changes_nothing(vault: Vault) -> None:
    with connected(vault.database) as connection:
        before = schema_of(vault.database)
        migrate(connection)
    assert schema_of(vault.database) == before


@pytest.mark.parametrize("make", [write_old, lambda database: None])
def test_many_processes_migrate_at_once(
    vault: Vault, make: Callable[[Path], None]
) -> None:
    make(vault.database)
    script = f"""
import sys
from pathlib import Path
from promptvault.vault.database import connected
sys.stdin.read()
with connected(Path({str(vault.database)!r})) as connection:
    connection.execute("SELECT count(*) FROM origins")
"""
    command = [sys.executable, "-c", script]
    with contextlib.ExitStack() as stack:
        processes = [
            stack.enter_context(subprocess.Popen(command, stdin=subprocess.PIPE))
            for _ in range(4)
        ]
        for process in processes:  # all wait for the end of their stdin
            assert process.stdin
            process.stdin.close()
        assert [process.wait(60) for process in processes] == [0, 0, 0, 0]
    with connected(vault.database) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_a_vault_that_is_not_there_reads_as_empty(vault: Vault) -> None:
    with vault.reading() as reader:
        assert reader.count(Selection()) == 0
    assert not vault.database.exists()


@pytest.mark.parametrize("content", [b"no database at all, just text" * 99, b"\0" * 99])
@pytest.mark.parametrize("command", ["list", "add a text"])
def test_what_is_no_database_is_told(
    pvt: Pvt, home: Path, content: bytes, command: str
) -> None:
    database = home / "data" / "vault.db"
    database.parent.mkdir(parents=True)
    database.write_bytes(content)
    result = pvt(*command.split())
    assert result.code == 7
    assert "no database" in result.err
    assert database.read_bytes() == content


def index_is_sound(pvt: Pvt) -> bool:
    problems = pvt("doctor", "--json").json["problems"]
    return "index" not in {problem["part"] for problem in problems}


def test_tags_of_an_old_vault_are_found_as_they_are_spelt(
    pvt: Pvt, home: Path, vault: Vault
) -> None:
    write_old(home / "data" / "vault.db", *_WITH_TAGS)
    for word in ("größe", "日本", "mistakes"):
        assert [hit["name"] for hit in pvt.ok("search", word, "--json").json] == [
            "coding/review"
        ]
    assert pvt("search", "u00f6", "--json").json == []
    assert index_is_sound(pvt)
    pvt.ok("set", "review", "--untag", "größe")
    assert pvt("search", "größe", "--json").json == []
    assert index_is_sound(pvt)


def test_a_damaged_index_does_not_stop_the_migration(pvt: Pvt, home: Path) -> None:
    write_old(
        home / "data" / "vault.db", *_WITH_TAGS, "DELETE FROM search_data WHERE id > 10"
    )
    (hit,) = pvt.ok("search", "größe", "--json").json
    assert hit["name"] == "coding/review"


_WITH_TAGS = (
    'UPDATE prompts SET tags = \'["gr\\u00f6\\u00dfe", "\\u65e5\\u672c", "code"]\'',
    "INSERT INTO search (search) VALUES ('rebuild')",
)


def test_a_killed_migration_leaves_the_vault_as_it_was(
    pvt: Pvt, home: Path, tmp_path: Path
) -> None:
    database = home / "data" / "vault.db"
    write_old(database, *_WITH_TAGS)
    script = f"""
import os, signal, sqlite3
from pathlib import Path
from promptvault.vault import migrations
from promptvault.vault.database import open_writable

run_step = migrations.run_step

def killed(connection, step):
    run_step(connection, step)
    if step == "m010_search":
        os.kill(os.getpid(), signal.SIGKILL)

migrations.run_step = killed
open_writable(Path({str(database)!r}))
"""
    done = subprocess.run([sys.executable, "-c", script], check=False, timeout=60)
    assert done.returncode == -9
    with contextlib.closing(sqlite3.connect(database)) as connection:
        assert version_of(connection) == 1
    (hit,) = pvt.ok("search", "größe", "--json").json
    assert hit["name"] == "coding/review"
    assert index_is_sound(pvt)
