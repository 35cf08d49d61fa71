"""Every command where the current version is not the newest, as after a conflict."""

import json
import shutil
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.conftest import Git, Pvt
from tests.importers.build import Json
from tests.older_current import make_current
from tests.services.health.test_doctor import sql
from tests.services.imports.test_run import Bring, asked
from tests.test_secret_scan import KEYS

ROOT = Path(__file__).parents[2]
BODIES = ("One {{ x }}", "Two", "Three")


@pytest.fixture
def chosen(pvt: Pvt, home: Path) -> Pvt:
    """Return the program, with a prompt of three versions whose second is current."""
    pvt.ok("add", "x/a", BODIES[0], "--template", "-m", "First")
    pvt.ok("add", "x/a", BODIES[1], "--upsert", "--no-template", "-m", "Second")
    pvt.ok("add", "x/a", BODIES[2], "--upsert", "--no-template", "-m", "Third")
    pvt.ok("label", "a@3", "lost")
    make_current(home, "x/a", 2)
    assert whole(pvt)
    return pvt


def whole(pvt: Pvt) -> bool:
    """Return True if the doctor finds no problem."""
    return bool(pvt.ok("doctor", "--json").json["ok"])


def numbers(pvt: Pvt, name: str = "a") -> list[tuple[int, bool]]:
    """Return each version's number, and whether it is current, newest first."""
    rows = pvt.ok("log", name, "--json").json
    return [(row["version"], row["current"]) for row in rows]


def history(pvt: Pvt) -> Json:
    """Return all of the one prompt, except commits, which belong to one vault."""
    (row,) = pvt.ok("export", "-").json
    return row | {"history": [{**each, "commit": None} for each in row["history"]]}


class TestReading:
    def test_get_prints_the_current_one(self, chosen: Pvt) -> None:
        assert chosen.ok("get", "a").text == "Two"
        assert chosen.ok("search", "Two", "--json").json[0]["name"] == "x/a"
        assert chosen("search", "Three", "--json").json == []

    @pytest.mark.parametrize(
        ("rev", "body"), [("2", "Two"), ("-1", BODIES[0]), ("3", "Three")]
    )
    def test_revisions(self, chosen: Pvt, rev: str, body: str) -> None:
        assert chosen.ok("get", f"a@{rev}", "--raw").text == body

    def test_before_the_first_there_is_none(self, chosen: Pvt) -> None:
        assert chosen("get", "a@-2").code == 3
        assert chosen.ok("get", "a@lost").text == "Three"

    def test_at_a_time_what_lost_is_not_meant(self, chosen: Pvt) -> None:
        assert chosen.ok("get", "a@2999-01-01").text == "Two"
        first = chosen.ok("log", "a", "--json").json[-1]["created_at"]
        assert chosen.ok("get", f"a@{first}", "--raw").text == BODIES[0]

    def test_rows(self, chosen: Pvt) -> None:
        for command in (("list", "--json"), ("search", "Two", "--json")):
            (row,) = chosen.ok(*command).json
            assert (row["version"], row["versions"]) == (2, 3)
        shown = chosen.ok("show", "a", "--json").json
        assert (shown["version"], shown["versions"], shown["body"]) == (2, 3, "Two")
        assert "2 of 3" in chosen.ok("show", "a").text

    def test_log_says_which_one_is_current(self, chosen: Pvt) -> None:
        assert numbers(chosen) == [(3, False), (2, True), (1, False)]
        lines = chosen.ok("log", "a").lines
        assert [line.endswith("(current)") for line in lines] == [False, True, False]

    def test_log_says_nothing_where_it_is_the_newest(self, chosen: Pvt) -> None:
        chosen.ok("revert", "a@3")
        assert "(current)" not in chosen.ok("log", "a").text
        assert numbers(chosen)[0] == (4, True)

    def test_diff_is_with_the_version_before(self, chosen: Pvt) -> None:
        row = chosen.ok("diff", "a", "--json").json
        assert (row["old"]["version"], row["new"]["version"]) == (1, 2)
        row = chosen.ok("diff", "a@3", "--json").json
        assert (row["old"]["version"], row["new"]["version"]) == (3, 2)
        row = chosen.ok("diff", "a", "@3", "--json").json
        assert (row["old"]["version"], row["new"]["version"]) == (2, 3)

    def test_stats_count_versions(self, chosen: Pvt) -> None:
        found = chosen.ok("stats", "--json").json
        assert found["most_changed"] == [{"name": "x/a", "versions": 3}]

    def test_tab_offers_every_version(
        self, chosen: Pvt, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from promptvault.cli import completion

        assert completion.names("x/a@") == ["x/a@lost", "x/a@3", "x/a@2", "x/a@1"]


_EDITOR = """#!{python}
import sys
from pathlib import Path
sys.path.insert(0, "{root}")
from tests.cli.test_older_current import swap
from tests.older_current import make_current

swap(Path("{home}"), 2, 3)
make_current(Path("{home}"), "x/a", 2)
Path(sys.argv[1]).write_text("Mine")
"""


class TestWriting:
    @pytest.mark.parametrize(
        "command",
        [
            ("add", "x/a", "Four", "--upsert"),
            ("revert", "a@3"),
            ("set", "a", "--template"),
        ],
    )
    def test_a_new_version_comes_behind_all(
        self, chosen: Pvt, command: tuple[str, ...]
    ) -> None:
        assert chosen.ok(*command, "--json").json["version"] == 4
        assert [number for number, _ in numbers(chosen)] == [4, 3, 2, 1]
        assert whole(chosen)

    def test_the_same_text_is_no_change(self, chosen: Pvt) -> None:
        saved = chosen.ok("add", "x/a", "Two", "--upsert", "--no-template", "--json")
        assert (saved.json["outcome"], saved.json["version"]) == ("unchanged", 2)

    def test_details_change_beside_the_version(self, chosen: Pvt, git: Git) -> None:
        chosen.ok("set", "a", "--title", "A title")
        assert git("show", "main:x/a.md").endswith("\nTwo")
        assert numbers(chosen) == [(3, False), (2, True), (1, False)]
        assert whole(chosen)

    def test_an_edit_notices_that_another_version_became_current(
        self, chosen: Pvt, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # As a sync does that gives the same number to another version.
        editor = tmp_path / "editor"
        editor.write_text(_EDITOR.format(python=sys.executable, root=ROOT, home=home))
        editor.chmod(0o755)
        monkeypatch.setenv("VISUAL", str(editor))
        assert chosen("edit", "x/a").code == 5
        assert chosen.ok("get", "a").text == "Three"

    def test_a_redaction_is_undone(self, pvt: Pvt, home: Path) -> None:
        secret = f"Use {KEYS['GitHub Token']}."
        pvt.ok("add", "k", secret)
        pvt.ok("redact", "k")
        pvt.ok("add", "k", "Other", "--upsert")
        make_current(home, "k", 2)
        pvt.ok("redact", "k", "--undo")
        assert pvt.ok("get", "k").text == secret
        assert numbers(pvt, "k")[0] == (4, True)


class TestExport:
    def test_json_brings_it_into_another_vault(
        self, chosen: Pvt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        before = history(chosen)
        assert (before["version"], before["body"]) == (2, "Two")
        chosen.ok("export", str(tmp_path / "all.json"))
        monkeypatch.setenv("PROMPTVAULT_HOME", str(tmp_path / "other"))
        chosen.ok("import", str(tmp_path / "all.json"))
        assert history(chosen) == before
        assert whole(chosen)
        again = chosen.ok("import", str(tmp_path / "all.json"), "--json").json
        assert (again["added"], again["duplicates"]) == (0, again["found"])

    def test_json_brings_what_is_missing_and_the_current_one(
        self, chosen: Pvt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        before = history(chosen)
        (row,) = chosen.ok("export", "-").json
        for name, known in (("one", [0]), ("lost", [0, 2]), ("two", [0, 1])):
            monkeypatch.setenv("PROMPTVAULT_HOME", str(tmp_path / name))
            part = [row["history"][index] for index in known]
            for number, version in enumerate(part, 1):
                version = {**version, "version": number}
                part[number - 1] = version
            older = row | {"history": part, "version": len(part), "labels": {}}
            bring(chosen, tmp_path, older)
            bring(chosen, tmp_path, row)
            now = history(chosen)
            assert now["body"] == "Two"
            assert {each["id"] for each in now["history"]} == {
                each["id"] for each in before["history"]
            }
            assert whole(chosen)

    def test_json_adds_to_a_prompt_whose_current_version_is_older(
        self, chosen: Pvt, tmp_path: Path
    ) -> None:
        (row,) = chosen.ok("export", "-").json
        new = row["history"][1] | {"id": "0" * 8 + "-0000-4000-8000-" + "0" * 12}
        new |= {"body": "Four", "version": 4}
        bring(chosen, tmp_path, row | {"history": [*row["history"], new], "version": 4})
        assert chosen.ok("get", "a").text == "Four"
        assert numbers(chosen)[0] == (4, True)
        assert whole(chosen)

    def test_a_row_that_does_not_tell_takes_the_last(
        self, chosen: Pvt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (row,) = chosen.ok("export", "-").json
        for untold in (None, 7, "2"):
            monkeypatch.setenv("PROMPTVAULT_HOME", str(tmp_path / str(untold)))
            bring(chosen, tmp_path, row | {"version": untold})
            assert chosen.ok("get", "a", "--raw").text == "Three"

    def test_markdown_is_the_current_one(self, chosen: Pvt) -> None:
        text = chosen.ok("export", "-", "--format", "markdown").text
        assert "version: 2\n" in text
        assert text.endswith("\nTwo")


def bring(pvt: Pvt, folder: Path, row: Json) -> None:
    """Import a row of our own export."""
    path = folder / f"{len(list(folder.glob('*.json')))}.json"
    path.write_text(json.dumps([row]))
    pvt.ok("import", str(path))


class TestRebuilding:
    def test_the_database_comes_back_from_the_history(
        self, chosen: Pvt, home: Path
    ) -> None:
        before = history(chosen)
        for path in (home / "data").glob("vault.db*"):
            path.unlink()
        chosen.ok("doctor", "--repair")
        assert history(chosen) == before
        assert numbers(chosen) == [(3, False), (2, True), (1, False)]
        assert whole(chosen)

    def test_the_history_comes_back_from_the_database(
        self, chosen: Pvt, home: Path, git: Git
    ) -> None:
        before = history(chosen)
        shutil.rmtree(home / "data/history.git")
        chosen.ok("doctor", "--repair")
        assert git("show", "main:x/a.md").endswith("\nTwo")
        for path in (home / "data").glob("vault.db*"):
            path.unlink()
        chosen.ok("doctor", "--repair")
        assert history(chosen) == before

    def test_numbers_are_those_that_the_files_told_last(
        self, chosen: Pvt, home: Path
    ) -> None:
        # Another device's version was inserted before ours.
        chosen.ok("revert", "a@1", "-m", "Fourth")
        swap(home, 3, 4)
        make_current(home, "x/a", 3)
        assert whole(chosen)
        before = history(chosen)
        assert [each["message"] for each in before["history"]] == [
            *("First", "Second", "Fourth", "Third")
        ]
        for path in (home / "data").glob("vault.db*"):
            path.unlink()
        chosen.ok("doctor", "--repair")
        assert history(chosen) == before


def swap(home: Path, one: int, other: int) -> None:
    """Let two versions swap their numbers, as a sync may."""
    with closing(sqlite3.connect(home / "data/vault.db")) as connection, connection:
        for number, new in ((one, -other), (other, -one)):
            where = f"number = {number}"
            connection.execute(f"UPDATE versions SET number = {new} WHERE {where}")
        connection.execute("UPDATE versions SET number = -number WHERE number < 0")


class TestImports:
    @pytest.fixture
    def bring(self, pvt: Pvt, home: Path, tmp_path: Path) -> Bring:
        """Return an import into a vault where the first of two versions is current."""
        found = Bring(pvt, tmp_path / "export.json")
        found(asked("c1", "One?", title="T"))
        pvt.ok("add", "chatgpt/t", "Lost", "--upsert")
        make_current(home, "chatgpt/t", 1)
        return found

    def test_newer_drafts_come_behind_all(self, bring: Bring) -> None:
        report = bring(asked("c1", "One?", "Two?", "Three?", title="T"))
        assert report["updated"] == 1
        flags = [(4, True), (3, False), (2, False), (1, False)]
        assert numbers(bring.pvt, "t") == flags
        assert bring.pvt.ok("get", "t").text == "Three?"
        assert whole(bring.pvt)

    def test_undo_goes_back_to_what_was_current(self, bring: Bring) -> None:
        before = history(bring.pvt)
        bring(asked("c1", "One?", "Two?", title="T"))
        assert bring.pvt.ok("imports", "undo", "last", "--json").json["reverted"] == 1
        assert history(bring.pvt) == before
        assert whole(bring.pvt)

    def test_undo_leaves_what_has_had_a_version_since(
        self, bring: Bring, home: Path
    ) -> None:
        bring(asked("c1", "One?", "Two?", title="T"))
        (before,) = bring.pvt.ok("list", "--json").json
        bring.pvt.ok("add", "chatgpt/t", "Another device's", "--upsert")
        make_current(home, "chatgpt/t", 3)
        sql(home, "UPDATE prompts SET updated_at = ?", before["updated_at"])
        result = bring.pvt.ok("imports", "undo", "last", "--json").json
        assert (result["reverted"], result["kept"]) == (0, ["chatgpt/t"])
        assert len(numbers(bring.pvt, "t")) == 4

    def test_of_two_versions_with_one_text_the_current_one_is_meant(
        self, bring: Bring, home: Path
    ) -> None:
        for text in ("Other", "One?"):  # which another device has pushed, too
            bring.pvt.ok("add", "chatgpt/t", text, "--upsert")
        make_current(home, "chatgpt/t", 1)
        report = bring(asked("c1", "One?", "Two?", title="T"))
        assert report["updated"] == 1
        assert bring.pvt.ok("get", "t").text == "Two?"
