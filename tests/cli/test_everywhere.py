"""Commands in all vaults of a device: ``--all-vaults``, and `backup`."""

import json
import os
from pathlib import Path

import pytest

from promptvault.home import team_vaults
from promptvault.paths import Paths, resolve
from promptvault.vault.database import bulk_transaction, connected
from promptvault.vault.sync.link import Link, find_link, insert_link
from promptvault.vault.sync.team import Team
from tests.conftest import Pvt
from tests.team_vault import make_team_vault, set_team

KEY = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"
SERVER = "https://prompts.example.org"


def _paths(vault: str = "personal") -> Paths:
    return resolve(os.environ, os.getcwd).of(vault)


def _damage(vault: str) -> None:
    _paths(vault).database.write_bytes(b"no database" * 1000)


@pytest.fixture
def filled(pvt: Pvt) -> Pvt:
    """Return the program, with an own vault, one of a team, and one that was left."""
    pvt.ok("add", "mail/reply", "Answer kindly.")
    make_team_vault("acme")
    pvt.ok("add", "acme:mail/reply", "Ours.", "--tag", "work")
    pvt.ok("add", "acme:leaky", f"Use {KEY}.")
    make_team_vault("old")
    pvt.ok("add", "old:kept", f"Kept: {KEY}.")
    set_team(_paths("old"), Team("old", "Old", "editor", state="left"))
    return pvt


ALL = ("list", "search text", "stats", "scan", "doctor", "conflicts list", "export -")


@pytest.mark.parametrize("line", ALL)
def test_a_damaged_vault_is_one_line_and_the_others_are_read(
    filled: Pvt, line: str
) -> None:
    before = filled(*line.split(), "--all-vaults")
    assert before.code == (5 if line == "scan" else 0)
    _damage("acme")
    result = filled(*line.split(), "--all-vaults")
    assert result.code == 7
    assert "acme: " in result.err
    assert "acme:" not in result.text
    assert len(before.lines) <= 1 or result.lines  # those of the others


@pytest.mark.parametrize("line", [*ALL, "backup x.backup"])
def test_an_error_in_all_vaults_is_that_of_the_command(pvt: Pvt, line: str) -> None:
    pvt.ok("add", "mail/reply", "Answer kindly.")
    _damage("personal")
    one, everywhere = (pvt(*line.split(), *more) for more in ((), ("--all-vaults",)))
    assert everywhere.code == one.code == 7
    assert everywhere.lines == one.lines or line == "doctor"
    assert not Path("x.backup").exists()


@pytest.mark.parametrize("line", [*ALL, "backup x.backup", "pick"])
def test_all_vaults_and_one_contradict_each_other(filled: Pvt, line: str) -> None:
    result = filled(*line.split(), "--all-vaults", "--vault", "acme")
    assert (result.code, result.out) == (2, b"")
    assert not Path("x.backup").exists()


def test_all_vaults_takes_precedence_over_the_variable(
    filled: Pvt, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROMPTVAULT_VAULT", "acme")
    assert filled.ok("stats", "--json").json["prompts"] == 2
    assert filled.ok("stats", "--json", "--all-vaults").json["prompts"] == 4


def test_scan_names_the_vault_of_each_secret(filled: Pvt) -> None:
    assert filled("scan").code == 0
    result = filled("scan", "--all-vaults", "--json")
    assert result.code == 5
    assert [row["name"] for row in result.json] == ["acme:leaky", "old:kept"]


def test_stats_are_sums(filled: Pvt) -> None:
    filled.ok("get", "acme:mail/reply")
    row = filled.ok("stats", "--all-vaults", "--json").json
    assert row["vaults"] == [
        {"name": "personal", "prompts": 1},
        {"name": "acme", "prompts": 2},
        {"name": "old", "prompts": 1},
    ]
    assert (row["prompts"], row["versions"]) == (4, 4)
    assert row["by_source"] == [{"source": "local", "prompts": 4}]
    assert row["most_used"] == [{"name": "acme:mail/reply", "uses": 1}]
    folders = {each["folder"]: each["prompts"] for each in row["by_folder"]}
    assert folders == {"mail": 1, "acme:": 1, "acme:mail": 1, "old:": 1}
    assert "vaults" not in filled.ok("stats", "--json").json


def test_doctor_checks_and_repairs_each_vault(filled: Pvt) -> None:
    _paths("acme").database.unlink()
    _paths("acme").database.write_bytes(b"")  # lost, and still a vault
    row = filled("doctor", "--all-vaults", "--json").json
    assert {problem["vault"] for problem in row["problems"]} == {"acme"}
    assert [each["ok"] for each in row["vaults"]] == [True, False, True]
    row = filled.ok("doctor", "--all-vaults", "--repair", "--json").json
    assert (row["ok"], row["repaired"], row["prompts"]) == (True, True, 4)
    assert filled.ok("get", "acme:mail/reply").text == "Ours."


def test_an_export_of_all_vaults_comes_back(
    filled: Pvt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = json.loads(filled.ok("export", "-", "--all-vaults").out)
    assert [r["name"] for r in rows][1:] == [
        "acme:leaky",
        "acme:mail/reply",
        "old:kept",
    ]
    filled.ok("export", str(tmp_path / "all.json"), "--all-vaults")
    filled.ok("export", str(tmp_path / "md"), "--all-vaults")
    assert (tmp_path / "md/acme/mail/reply.md").read_text().endswith("Ours.")
    assert (tmp_path / "md/personal/mail/reply.md").exists()
    assert filled("export", str(tmp_path / "md"), "--all-vaults").code == 5
    assert filled("export", "-", "reply", "--all-vaults").code == 2
    monkeypatch.setenv("PROMPTVAULT_HOME", str(tmp_path / "elsewhere"))
    filled.ok("import", str(tmp_path / "all.json"))
    names = ["acme/leaky", "acme/mail/reply", "mail/reply", "old/kept"]
    assert filled.ok("list", "--plain").lines == names


class TestBackup:
    @pytest.fixture
    def saved(self, filled: Pvt, tmp_path: Path) -> str:
        """Return a backup of all vaults, and link them first."""
        for number, vault in enumerate(("personal", "acme", "old")):
            link = Link(f"00000000-0000-4000-8000-00000000000{number}", SERVER, "d")
            with connected(_paths(vault).database) as connection:
                with bulk_transaction(connection):
                    insert_link(connection, link._replace(roster=9))
        path = str(tmp_path / "all.backup")
        row = filled.ok("backup", path, "--json").json
        assert [each["name"] for each in row["vaults"]] == ["personal", "acme", "old"]
        return path

    @pytest.fixture
    def elsewhere(self, saved: str, home: Path) -> Paths:
        """Return the paths of a new device."""
        home.rename(home.with_name("before"))
        return _paths()

    def test_it_brings_every_vault_back(
        self, filled: Pvt, saved: str, elsewhere: Paths
    ) -> None:
        row = filled.ok("backup", "restore", saved, "--json").json
        assert row["vaults"] == [
            {"name": "personal", "prompts": 1},
            {"name": "acme", "prompts": 2},
            {"name": "old", "prompts": 1},
        ]
        assert filled.ok("get", "acme:mail/reply").text == "Ours."
        assert filled("add", "old:new", "Text.").code == 4  # it is still read-only
        row = filled.ok("doctor", "--all-vaults", "--json").json
        assert (row["ok"], row["prompts"]) == (True, 4)
        with connected(elsewhere.database) as connection:
            link = find_link(connection)
        assert link is not None
        assert link.roster == -1  # the next sync makes teams that are not in it

    def test_one_vault_alone(self, filled: Pvt, saved: str, elsewhere: Paths) -> None:
        filled.ok("backup", "restore", saved, "--vault", "acme")
        assert team_vaults(str(elsewhere.data)) == ["acme"]
        assert filled.ok("list", "--plain").lines == []
        filled.ok("backup", "acme.backup", "--vault", "acme")
        refused = filled("backup", "restore", "acme.backup", "--json")
        assert (refused.code, refused.error["code"]) == (5, "conflict")
        filled.ok("backup", "restore", "acme.backup", "--force")
        assert filled("backup", "restore", saved, "--vault", "nope").code == 2

    def test_nothing_is_replaced_if_one_vault_holds_prompts(
        self, filled: Pvt, saved: str, elsewhere: Paths
    ) -> None:
        filled.ok("backup", "restore", saved, "--vault", "old")
        assert filled("backup", "restore", saved).code == 5
        assert team_vaults(str(elsewhere.data)) == ["old"]
        assert filled.ok("list", "--plain").lines == []

    def test_a_vault_goes_where_its_team_is_by_now(
        self, filled: Pvt, saved: str, elsewhere: Paths
    ) -> None:
        filled.ok("backup", "restore", saved)
        acme, other = (_paths(name).vault_data for name in ("acme", "renamed"))
        acme.rename(other)
        _paths("old").vault_data.rename(acme)  # the name has another team now
        filled.ok("backup", "restore", saved, "--force")
        assert team_vaults(str(elsewhere.data)) == ["acme", "renamed"]
        assert filled.ok("list", "--plain", "acme:").lines == ["kept"]
        assert filled.ok("get", "renamed:mail/reply").text == "Ours."

    def test_a_damaged_vault_is_left_out_and_named(
        self, filled: Pvt, saved: str
    ) -> None:
        _damage("acme")
        result = filled("backup", saved, "--force")
        assert result.code == 7
        assert "the vaults personal, old" in result.err
        assert "acme: " in result.err
        assert filled("backup", saved, "--vault", "acme", "--force").code == 7
        row = filled.ok("backup", "restore", saved, "--force", "--json").json
        assert [each["name"] for each in row["vaults"]] == ["personal", "old"]
