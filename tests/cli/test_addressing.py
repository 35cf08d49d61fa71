"""Names in other vaults: `acme:name`, `--vault`, and `PROMPTVAULT_VAULT`."""

import os
import subprocess
import sys

import pytest

from promptvault.paths import Paths, resolve
from promptvault.vault.sync.team import Team
from tests.conftest import Pvt
from tests.team_vault import make_team_vault, set_team


@pytest.fixture
def team(pvt: Pvt) -> Pvt:
    """Return the program, with a prompt of the same name in two vaults."""
    pvt.ok("add", "coding/review", "Mine.")
    make_team_vault("acme")
    pvt.ok("add", "acme:coding/review", "Ours.")
    return pvt


def _paths(vault: str) -> Paths:
    return resolve(os.environ, os.getcwd).of(vault)


def test_a_prefix_means_a_prompt_of_that_vault(team: Pvt) -> None:
    assert team.ok("get", "acme:coding/review").text == "Ours."
    assert team.ok("get", "acme:review@1").text == "Ours."
    assert team.ok("get", "review").text == "Mine."


def test_the_option_and_the_variable_choose_the_vault(
    team: Pvt, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert team.ok("get", "review", "--vault", "acme").text == "Ours."
    monkeypatch.setenv("PROMPTVAULT_VAULT", "acme")
    assert team.ok("get", "review").text == "Ours."
    assert team.ok("get", "review", "--vault=personal").text == "Mine."
    assert team.ok("get", "personal:review").text == "Mine."


def test_a_name_alone_is_never_looked_up_in_a_team(team: Pvt) -> None:
    team.ok("add", "acme:only-there", "Ours.")
    assert team("get", "only-there").code == 3
    assert team("edit", "only-there").code == 3
    assert team("delete", "only-there").code == 3


@pytest.mark.parametrize("name", ["nope", "../acme", "Acme", "a/b", "acme.old"])
def test_an_unknown_vault_is_not_found(team: Pvt, name: str) -> None:
    assert team("get", f"{name}:review").code == 3
    assert team("list", "--vault", name).code == 3
    assert team("add", f"{name}:new", "Text.").code == 3


@pytest.mark.parametrize(
    ("name", "code"),
    [
        *(("acme:", 2), (":review", 3), ("acme:@1", 2), ("acme::review", 3)),
        *(("ac:review", 3), ("acme:coding:review", 3), ("personal:acme:review", 3)),
        *(("C:x", 3), ("C:\\x", 3), ("c:/x", 3), ("acme:same", 3), ("old:kept", 0)),
    ],
)
def test_odd_names_have_one_meaning(team: Pvt, name: str, code: int) -> None:
    team.ok("add", "acme:a/same", "One.")
    team.ok("add", "acme:b/same", "Two.")
    set_team(make_team_vault("old"), Team("old", "Old", "editor"))
    team.ok("add", "old:kept", "Kept.")
    set_team(_paths("old"), Team("old", "Old", "editor", state="left"))
    for command in ("get", "show", "log"):
        assert team(command, name).code == code, command
    assert team("label", name, "draft").code == (code or 4)


@pytest.mark.parametrize(
    "line",
    [
        *("get acme:review", "show acme:review", "log acme:review --json"),
        *("show acme:review --json", "diff acme:review@1 @1", "lint acme:review"),
        *("list acme:coding", "list acme:coding --json", "list --plain acme:coding"),
        *("search ours --folder acme:coding", "export - acme:review"),
    ],
)
def test_a_prefix_and_the_option_print_the_same(team: Pvt, line: str) -> None:
    plain = team(*line.replace("acme:", "").split(), "--vault", "acme")
    assert team(*line.split()) == plain
    assert plain.code == 0


@pytest.mark.parametrize(
    "line",
    [
        "show acme:review",
        "log acme:review",
        "diff acme:review@1 @1",
        "set acme:review --title Title",
        "label acme:review@1 draft",
        "revert acme:review@1",
        "lint acme:review",
        "list acme:coding",
        "search --folder acme:coding ours",
        "export - acme:review",
        "runs acme:review",
        "redact acme:review",
        "delete acme:review",
        "delete acme:coding/ --yes",
        "move acme:review acme:other",
        "copy acme:review acme:other",
    ],
)
def test_every_command_that_takes_a_name_takes_a_vault(team: Pvt, line: str) -> None:
    before = team.ok("show", "review", "--json").json
    team.ok(*line.split())
    assert team.ok("show", "review", "--json").json == before


def test_names_of_two_vaults_are_refused_where_one_is_changed(team: Pvt) -> None:
    result = team("delete", "acme:review", "review", "--json")
    assert (result.code, result.error["code"]) == (2, "invalid_input")
    assert team.ok("get", "acme:review").text == "Ours."
    assert team("diff", "acme:review", "review").code == 2


def test_each_vault_counts_its_own_uses(team: Pvt) -> None:
    team.ok("get", "acme:review")
    assert team.ok("show", "acme:review", "--json").json["uses"] == 1
    assert team.ok("show", "review", "--json").json["uses"] == 0


def test_a_time_has_colons_and_names_no_vault(team: Pvt) -> None:
    assert team.ok("get", "review@2999-01-01 09:30").text == "Mine."
    assert team.ok("get", "acme:review@2999-01-01 09:30").text == "Ours."


class TestIncludes:
    def test_an_own_prompt_includes_one_of_a_team(self, team: Pvt) -> None:
        team.ok("add", "acme:head", "Head of the team.")
        team.ok("add", "head", "My head.")
        nested = "{% include 'head' %} Style."
        team.ok("add", "acme:style", nested, "--template")
        both = "{% include 'acme:style' %} {% include 'head' %}"
        team.ok("add", "own", both, "--template")
        assert team.ok("get", "own").text == "Head of the team. Style. My head."
        assert team.ok("lint", "own").code == 0

    def test_a_prompt_of_a_team_does_not_include_other_vaults(self, team: Pvt) -> None:
        text = "{% include 'personal:review' %}"
        team.ok("add", "acme:leak", text, "--template")
        result = team("get", "acme:leak")
        assert (result.code, result.text) == (2, "")
        result = team("lint", "acme:leak", "--json")
        assert result.code == 5
        team.ok("add", "through", "{% include 'acme:leak' %}", "--template")
        assert team("get", "through").code == 2

    def test_an_unknown_vault_is_a_lint_error(self, team: Pvt) -> None:
        team.ok("add", "own", "{% include 'gone:style' %}", "--template")
        assert team("lint", "own").code == 5
        assert team("get", "own").code == 3


_LISTED = """
import sys
listed = []
def note(event, arguments):
    if event in ("os.listdir", "os.scandir"):
        listed.append(str(arguments[0]))
from promptvault.cli.main import run
sys.addaudithook(note)
code = run(sys.argv[1:])
sys.exit(code or any(each.endswith("vaults") for each in listed))
"""


@pytest.mark.usefixtures("team")
@pytest.mark.parametrize("line", ["get review", "list --plain", "list", "search mine"])
def test_a_plain_name_lists_no_folder_of_vaults(line: str) -> None:
    subprocess.run([sys.executable, "-c", _LISTED, *line.split()], check=True)


class TestTransfer:
    def test_a_copy_is_a_new_prompt_that_knows_its_origin(self, team: Pvt) -> None:
        team.ok("set", "review", "--tag", "work", "--favourite")
        before = team.ok("show", "review", "--json").json
        team.ok("copy", "review", "acme:from-me/")
        copied = team.ok("show", "acme:from-me/review", "--json").json
        assert copied["body"] == "Mine."
        assert copied["tags"] == ["work"]
        assert not copied["favourite"]
        assert copied["id"] != before["id"]
        (origin,) = copied["origins"]
        assert origin["source"] == "promptvault"
        assert origin["conversation_id"].startswith(f"personal/{before['id']}@")
        assert team.ok("show", "review", "--json").json == before
        assert team.ok("doctor", "--vault", "acme").code == 0

    def test_a_vault_alone_keeps_the_name(self, team: Pvt) -> None:
        team.ok("add", "work/deep/plan", "Plan.")
        team.ok("copy", "plan", "acme:")
        team.ok("move", "work/", "acme:moved/")
        team.ok("move", "acme:moved/", "personal:")
        assert team.ok("list", "--plain", "acme:work").lines == ["work/deep/plan"]
        assert team.ok("list", "--plain", "moved").lines == ["moved/deep/plan"]

    def test_a_prompt_that_may_not_leave_its_vault_is_not_copied(
        self, team: Pvt
    ) -> None:
        team.ok("label", "acme:review@1", "approved")
        set_team(_paths("acme"), Team("acme", "Acme", "editor", ("approved",)))
        assert team("move", "acme:review", "mine").code == 4
        assert team.ok("list", "--plain").lines == ["coding/review"]
        assert team.ok("list", "--plain", "acme:coding").lines == ["coding/review"]

    def test_a_name_alone_is_in_the_own_vault(self, team: Pvt) -> None:
        team.ok("copy", "acme:review", "taken")
        assert team.ok("get", "taken").text == "Ours."
        assert team("get", "acme:taken").code == 3

    def test_the_history_comes_along_if_wanted(self, team: Pvt) -> None:
        team.ok("add", "coding/review", "Second.", "--upsert", "-m", "Better")
        team.ok("add", "coding/review", "Third.", "--upsert")
        team.ok("copy", "review@2", "acme:short")
        team.ok("copy", "review@2", "acme:long", "--history")
        assert team.ok("show", "acme:short", "--json").json["versions"] == 1
        own, theirs = (
            team.ok("log", name, "--json").json for name in ("review", "acme:long")
        )
        kept = ("version", "message", "author", "created_at")
        assert [[row[key] for key in kept] for row in theirs] == [
            [row[key] for key in kept] for row in own[1:]
        ]
        assert {row["id"] for row in theirs}.isdisjoint(row["id"] for row in own)

    def test_likely_secrets_stay_unless_they_are_allowed(self, team: Pvt) -> None:
        key = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"
        team.ok("add", "leaky", f"Use {key} here.")
        result = team("copy", "leaky", "acme:leaky", "--json")
        assert (result.code, result.error["code"]) == (4, "forbidden")
        assert key not in result.err
        team.ok("redact", "leaky")
        assert team("copy", "leaky", "acme:past", "--history").code == 4
        team.ok("copy", "leaky", "acme:clean")
        team.ok("copy", "leaky@1", "acme:leaky", "--allow-secrets")
        assert team.ok("list", "--json", "acme:").json[-1]["held_back"]

    def test_move_puts_the_original_into_the_trash(self, team: Pvt) -> None:
        team.ok("add", "coding/test", "Mine too.")
        team.ok("move", "coding/", "acme:theirs/")
        assert team.ok("list", "--plain", "acme:theirs").lines == [
            "theirs/review",
            "theirs/test",
        ]
        assert team.ok("list", "--plain").lines == []
        assert len(team.ok("trash", "list", "--json").json) == 2

    def test_nothing_is_moved_if_a_name_is_taken(self, team: Pvt) -> None:
        team.ok("add", "coding/abc", "Mine too.")
        assert team("move", "coding/", "acme:coding/").code == 5
        assert len(team.ok("list", "--plain").lines) == 2
        assert team.ok("list", "--plain", "acme:").lines == ["coding/review"]

    def test_an_unknown_vault_is_not_found(self, team: Pvt) -> None:
        assert team("copy", "review", "gone:review").code == 3
        assert team("move", "review", "gone:review").code == 3
        assert team.ok("get", "review").text == "Mine."

    def test_the_options_are_for_another_vault(self, team: Pvt) -> None:
        assert team("copy", "review", "other", "--history").code == 2


class TestAllVaults:
    def test_list_shows_every_vault_with_its_prefix(self, team: Pvt) -> None:
        names = ["coding/review", "acme:coding/review"]
        assert team.ok("list", "--all-vaults", "--plain").lines == names
        rows = team.ok("list", "--all-vaults", "--json").json
        assert [row["name"] for row in rows] == names
        assert team.ok("list", "--plain").lines == names[:1]
        assert team("list", "--all-vaults", "--similar").code == 2

    def test_the_latest_come_first_whatever_their_vault(self, team: Pvt) -> None:
        team.ok("add", "later", "Last.")
        latest = ("list", "--all-vaults", "--sort", "updated", "--plain")
        names = ["later", "acme:coding/review", "coding/review"]
        assert team.ok(*latest).lines == names
        assert team.ok(*latest, "--limit", "2").lines == names[:2]
        team.ok("get", "acme:coding/review")
        used = team.ok("list", "--all-vaults", "--sort", "used", "--plain").lines
        assert used[0] == "acme:coding/review"

    def test_search_finds_in_every_vault(self, team: Pvt) -> None:
        rows = team.ok("search", "review", "--all-vaults", "--json").json
        found = {row["name"] for row in rows}
        assert found == {"coding/review", "acme:coding/review"}
        rows = team.ok("search", "ours", "--all-vaults", "--json").json
        assert [row["name"] for row in rows] == ["acme:coding/review"]
        assert team.ok("search", "ours", "--json").json == []


class TestVaults:
    def test_list(self, team: Pvt) -> None:
        keys = ("name", "kind", "role", "prompts", "synced_at", "state")
        found = [
            tuple(row[key] for key in keys)
            for row in team.ok("vaults", "list", "--json").json
        ]
        assert found == [
            ("personal", "personal", "owner", 1, None, "active"),
            ("acme", "team", "editor", 1, None, "active"),
        ]

    def test_a_vault_that_was_left_is_read_only(self, team: Pvt) -> None:
        make_team_vault("old")
        team.ok("add", "old:kept", "Kept.")
        set_team(_paths("old"), Team("old", "Old", "editor", state="left"))
        assert team.ok("get", "old:kept").text == "Kept."
        result = team("add", "old:new", "New.", "--json")
        assert (result.code, result.error["code"]) == (4, "forbidden")
        assert team("move", "old:kept", "kept").code == 4
        team.ok("copy", "old:kept", "kept")
        assert team.ok("get", "kept").text == "Kept."

    def test_only_a_vault_that_was_left_is_removed(self, team: Pvt) -> None:
        assert team("vaults", "remove", "acme", "--yes").code == 5
        assert team("vaults", "remove", "personal", "--yes").code == 5
        assert team("vaults", "remove", "nope", "--yes").code == 3
