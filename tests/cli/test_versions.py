"""`log`, `diff`, `revert`, `label`, and every form of NAME@REV."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from promptvault.vault.database import connected
from tests.cli.test_prompts import ROW, require_error
from tests.conftest import Git, Process, Pvt

BODIES = ("one\ntwo\nthree\n", "one\n2\nthree\n", "one\n2\nthree")


@pytest.fixture(autouse=True)
def _three_versions(pvt: Pvt) -> None:
    for body, message in zip(BODIES, ("First", "Second", "Third"), strict=True):
        pvt.ok("add", "x/a", body, "--upsert", "-m", message)


class TestRevisions:
    @pytest.mark.parametrize(
        ("rev", "number"),
        [("1", 1), ("2", 2), ("3", 3), ("-1", 2), ("-2", 1), ("01", 1)],
    )
    def test_numbers(self, pvt: Pvt, rev: str, number: int) -> None:
        assert pvt.ok("get", f"a@{rev}").text == BODIES[number - 1]

    @pytest.mark.parametrize("rev", ["4", "-3", "999999", "production", "abcdef0"])
    def test_what_is_not_there(self, pvt: Pvt, rev: str) -> None:
        assert "promptvault log x/a" in require_error(pvt("get", f"a@{rev}"), 3)

    def test_labels(self, pvt: Pvt) -> None:
        pvt.ok("label", "a@1", "production")
        assert pvt.ok("get", "a@production").text == BODIES[0]

    def test_the_time_in_the_log_is_a_revision(self, pvt: Pvt) -> None:
        newest = pvt.ok("log", "a").lines[0].split("\t")
        assert pvt.ok("get", f"a@{newest[2]}").text == BODIES[2]
        refused = require_error(pvt("get", "a@2001-02-03 04:05"), 3)
        assert "as old as 2001-02-03 04:05:59 +" in refused

    def test_times(self, pvt: Pvt) -> None:
        today = datetime.now(UTC)
        days = [(today + timedelta(n)).date().isoformat() for n in (-1, 1)]
        require_error(pvt("get", f"a@{days[0]}"), 3)
        assert pvt.ok("get", f"a@{days[1]}").text == BODIES[2]
        for row in pvt.ok("log", "a", "--json").json:
            shown = pvt.ok("show", f"a@{row['created_at']}", "--json").json
            assert shown["version"] == row["version"]

    def test_commits(self, pvt: Pvt, git: Git) -> None:
        commits = git("rev-list", "--reverse", "HEAD").split()
        for commit, body in zip(commits, BODIES, strict=True):
            assert pvt.ok("get", f"a@{commit}").text == body
            assert pvt.ok("get", f"a@{commit[:12]}").text == body

    def test_a_label_wins_over_a_commit_of_its_name(self, pvt: Pvt, home: Path) -> None:
        """`label` refuses such a name; it may come with a sync or an import."""
        rows = pvt.ok("log", "a", "--json").json
        lettered = next((r for r in rows if r["commit"][0].isalpha()), None)
        if lettered:
            other = next(r for r in rows if r is not lettered)
            start = lettered["commit"][:8]
            with connected(home / "data" / "vault.db") as connection:
                connection.execute(
                    "INSERT INTO labels SELECT prompt_pk, ?, pk FROM versions"
                    " WHERE number = ?",
                    (start, other["version"]),
                )
                connection.commit()
            shown = pvt.ok("show", f"a@{start}", "--json").json
            assert shown["version"] == other["version"]


class TestLog:
    def test_newest_first_with_all_that_is_known(self, pvt: Pvt, git: Git) -> None:
        rows = pvt.ok("log", "a", "--json").json
        assert [row["version"] for row in rows] == [3, 2, 1]
        assert [row["message"] for row in rows] == ["Third", "Second", "First"]
        assert [row["commit"] for row in rows] == git("rev-list", "HEAD").split()
        assert rows[0]["author"] == {"name": "Ada Lovelace", "email": "ada@example.org"}
        assert all(row["created_at"].endswith("Z") for row in rows)
        assert pvt.ok("log", "a", "--jsonl").jsonl == rows
        assert pvt.ok("log", "a", "--limit", "1", "--json").json == rows[:1]

    def test_piped(self, pvt: Pvt) -> None:
        pvt.ok("label", "a@2", "best")
        pvt.ok("label", "a@2", "staging")
        lines = pvt.ok("log", "a").lines
        assert [line.split("\t")[0] for line in lines] == ["3", "2", "1"]
        assert "best" in lines[1]
        assert "staging" in lines[1]

    def test_metadata_makes_no_version(self, pvt: Pvt) -> None:
        pvt.ok("set", "a", "--title", "T")
        assert len(pvt.ok("log", "a", "--json").json) == 3

    def test_versions_follow_a_move(self, pvt: Pvt, git: Git) -> None:
        pvt.ok("move", "a", "y/b", "-m", "Elsewhere")
        assert [row["version"] for row in pvt.ok("log", "b", "--json").json] == [
            3,
            2,
            1,
        ]
        subjects = git("log", "--follow", "--format=%s", "--", "y/b.md").split()
        assert subjects == ["Elsewhere", "Third", "Second", "First"]

    def test_the_history_holds_every_text(self, git: Git) -> None:
        for back, body in enumerate(reversed(BODIES)):
            text = git("show", f"HEAD~{back}:x/a.md")
            assert text.partition("\n---\n")[2] == body

    def test_bad_input(self, pvt: Pvt) -> None:
        require_error(pvt("log"), 2)
        require_error(pvt("log", "a", "--limit", "0"), 2)
        require_error(pvt("log", "absent"), 3)


class TestDiff:
    def test_the_change_before(self, pvt: Pvt) -> None:
        assert pvt.ok("diff", "a@1", "@2").text == (
            "--- x/a@1\n+++ x/a@2\n@@ -1,3 +1,3 @@\n one\n-two\n+2\n three\n"
        )
        assert pvt.ok("diff", "a").text == pvt.ok("diff", "a@2", "@3").text

    def test_an_end_without_newline_is_told_as_git_does(self, pvt: Pvt) -> None:
        lines = pvt.ok("diff", "a").lines
        assert lines[-3:] == ["-three", "+three", "\\ No newline at end of file"]

    @pytest.mark.parametrize(
        ("arguments", "sides"),
        [
            ("a", (2, 3)),
            ("a@1", (1, 3)),
            ("a @2", (1, 2)),
            ("a @1", (1, 1)),
            ("a@-2 @-1", (1, 2)),
            ("a@3 @1", (3, 1)),
            ("x/a@best a", (2, 3)),
        ],
    )
    def test_sides(self, pvt: Pvt, arguments: str, sides: tuple[int, int]) -> None:
        pvt.ok("label", "a@2", "best")
        row = pvt.ok("diff", *arguments.split(), "--json").json
        assert (row["old"]["version"], row["new"]["version"]) == sides
        assert row["old"]["name"] == row["new"]["name"] == "x/a"
        assert row["diff"] == pvt.ok("diff", *arguments.split()).text
        assert bool(row["diff"]) == (sides[0] != sides[1])

    def test_two_prompts(self, pvt: Pvt) -> None:
        pvt.ok("add", "b", "one\r\n")
        lines = pvt.ok("diff", "b", "a@1").text.split("\n")
        assert lines[:2] == ["--- b@1", "+++ x/a@1"]
        assert "-one\r" in lines

    def test_a_first_version_against_itself(self, pvt: Pvt) -> None:
        pvt.ok("add", "b", "one")
        result = pvt.ok("diff", "b")
        assert (result.out, result.err) == (b"", "")

    @pytest.mark.parametrize(
        ("arguments", "code"),
        [
            ("absent", 3),
            ("a@9", 3),
            ("a @9", 3),
            ("a absent", 3),
            ("a@ @1", 2),
            ("", 2),
        ],
    )
    def test_bad_input(self, pvt: Pvt, arguments: str, code: int) -> None:
        require_error(pvt("diff", *arguments.split()), code)


class TestRevert:
    def test_an_old_text_becomes_the_next_version(self, pvt: Pvt, git: Git) -> None:
        row = pvt.ok("revert", "a@1", "--json").json
        assert (row["outcome"], row["version"]) == ("changed", 4)
        assert row.keys() >= ROW
        assert pvt.ok("get", "a").text == BODIES[0]
        assert pvt.ok("get", "a@3").text == BODIES[2]
        assert git("log", "-1", "--format=%s") == "Revert x/a to version 1\n"

    def test_a_template_comes_back_as_one(self, pvt: Pvt) -> None:
        pvt.ok("add", "t", "{{ 1 + 1 }}", "--template")
        pvt.ok("set", "t", "--no-template")
        assert pvt.ok("get", "t").text == "{{ 1 + 1 }}"
        pvt.ok("revert", "t@1")
        assert pvt.ok("get", "t").text == "2"

    def test_to_where_it_is_changes_nothing(self, pvt: Pvt, git: Git) -> None:
        assert pvt.ok("revert", "a@3", "--json").json["outcome"] == "unchanged"
        assert git("rev-list", "--count", "HEAD") == "3\n"

    @pytest.mark.parametrize(("name", "code"), [("a", 2), ("a@9", 3), ("b@1", 3)])
    def test_bad_input(self, pvt: Pvt, name: str, code: int) -> None:
        require_error(pvt("revert", name), code)


class TestLabel:
    def test_a_label_is_set_moved_and_removed(self, pvt: Pvt, git: Git) -> None:
        row = pvt.ok("label", "a@1", "best", "--json").json
        assert (row["labels"], row["outcome"]) == ({"best": 1}, "changed")
        assert "labels:\n  best: 1\n" in git("show", "HEAD:x/a.md")
        again = pvt.ok("label", "a@1", "best", "--json").json
        assert again["outcome"] == "unchanged"
        row = pvt.ok("label", "a", "best", "--json").json
        assert row["labels"] == {"best": 3}
        row = pvt.ok("label", "a", "--remove", "best", "--json").json
        assert row["labels"] == {}
        require_error(pvt("get", "a@best"), 3)
        require_error(pvt("label", "a", "--remove", "best"), 3)
        assert pvt.ok("log", "a", "--json").json[0]["version"] == 3

    def test_a_label_stays_with_its_version(self, pvt: Pvt) -> None:
        pvt.ok("label", "a", "best")
        pvt.ok("add", "x/a", "new", "--upsert")
        assert pvt.ok("get", "a@best").text == BODIES[2]

    @pytest.mark.parametrize("name", ["", "1", "-x", "Best", "a b", "@", "x" * 65, "é"])
    def test_bad_labels(self, pvt: Pvt, name: str) -> None:
        require_error(pvt("label", "a", "--", name), 2)
        assert pvt.ok("show", "a", "--json").json["labels"] == {}

    def test_what_is_not_there(self, pvt: Pvt) -> None:
        require_error(pvt("label", "absent", "best"), 3)
        require_error(pvt("label", "a@9", "best"), 3)
        require_error(pvt("label", "a"), 2)


def test_a_label_and_a_move_write_no_version(pvt: Pvt, git: Git) -> None:
    """Each is still a commit of its own."""
    pvt.ok("label", "a@1", "best")
    pvt.ok("move", "a", "b")
    assert pvt.ok("show", "b", "--json").json["versions"] == 3
    assert git("rev-list", "--count", "HEAD") == "5\n"


def test_the_same_from_a_process_of_its_own(pvt_process: Process) -> None:
    result = pvt_process("get", "x/a@-1")
    assert (result.code, result.text, result.err) == (0, BODIES[1], "")
    missing = pvt_process("get", "absent", "--json")
    assert (missing.code, missing.error["code"]) == (3, "not_found")
