"""The command `sync`: its output, its JSON and its exit codes."""

import json
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from promptvault.domain.tier import MB, Tier
from promptvault.server.admin import Admin
from promptvault.vault.lock import exclusive
from tests.conftest import Process
from tests.server.conftest import EMAIL, Server
from tests.sync.machine import Machine
from tests.terminal_kit import on_a_terminal

KEY = "ghp_" + "a1B2" * 9


def test_what_one_device_saves_the_other_has(desk: Machine, phone: Machine) -> None:
    desk.ok("add", "coding/review", "Review this.")
    assert desk.sync().err == "Sent 1.\n"
    assert phone.sync().err == "Received 1.\n"
    assert phone.ok("get", "review").text == "Review this."
    assert phone.sync().err == "Everything is up to date.\n"


def test_both_change_different_lines_and_both_are_told(
    desk: Machine, phone: Machine
) -> None:
    desk.ok("add", "a", "one\n2\n3\n4\nfive")
    desk.sync()
    phone.sync()
    desk.ok("add", "--upsert", "a", "ONE\n2\n3\n4\nfive")
    phone.ok("add", "--upsert", "a", "one\n2\n3\n4\nFIVE")
    desk.sync()
    assert phone.sync().err == "Sent 1, merged 1.\n"
    assert desk.sync().err == "Received 1.\n"
    assert desk.ok("get", "a").text == "ONE\n2\n3\n4\nFIVE"


def test_json_says_what_was_done_and_what_is_left(
    desk: Machine, phone: Machine
) -> None:
    desk.ok("add", "a", "A")
    desk.ok("add", "secret", f"deploy with {KEY}")
    row = desk.ok("sync", "--json").json
    assert (row["pushed"], row["pulled"], row["merged"]) == (1, 0, 0)
    assert (row["conflicts"], row["held_back"]) == (0, 1)
    assert row["held_back_for"] == {"secrets": 1}
    assert row["round_trips"] == 2
    assert row["cursor"] == 1
    assert phone.ok("sync", "--json").json["pulled"] == 1


def test_nothing_new_is_one_request(desk: Machine) -> None:
    desk.ok("add", "a", "A")
    desk.sync()
    assert desk.ok("sync", "--json").json["round_trips"] == 1


def test_push_and_pull_go_one_way(desk: Machine, phone: Machine) -> None:
    desk.ok("add", "a", "A")
    phone.ok("add", "b", "B")
    assert desk.ok("sync", "pull").err == "Nothing new; 1 prompt to send.\n"
    desk.ok("sync", "push")
    assert phone.ok("sync", "pull", "--json").json["pulled"] == 1
    assert phone.ok("list", "--plain").lines == ["a", "b"]
    desk.ok("sync", "pull")
    assert desk.ok("list", "--plain").lines == ["a"]


def test_options_stand_behind_the_subcommand(desk: Machine) -> None:
    assert desk("sync", "--retry", "push").code == 2


@pytest.fixture
def over_the_limit(desk: Machine) -> Machine:
    """Return a device with 52 prompts, two more than the free plan holds."""
    rows = [
        {"name": f"p{number:02}", "body": f"Explain chapter {number} of the book."}
        for number in range(52)
    ]
    stdin = json.dumps(rows).encode()
    desk.ok("import", "-", "--source", "promptvault", "--folder", "book", stdin=stdin)
    return desk


def test_what_does_not_fit_the_plan_is_held_back_and_goes_when_it_does(
    over_the_limit: Machine, phone: Machine, admin: Admin
) -> None:
    desk = over_the_limit
    result = desk("sync")
    assert result.code == 9
    assert result.err == (
        "Sent 50.\n2 prompts are held back: your plan holds 50 prompts;"
        " they are sent as soon as there is room.\n"
    )
    assert desk("sync").code == 9
    held = [row for row in desk.ok("list", "--json").json if row["held_back"]]
    assert [row["held_back_for"] for row in held] == ["limit", "limit"]
    assert desk.ok("list").text.count("\t^\t") == 2
    assert "held back (limit)" in desk.ok("show", held[0]["name"]).text
    desk.ok("add", "--upsert", held[0]["name"], "It can still be changed.")
    admin.set_tier(EMAIL, Tier.PRO)
    assert desk.ok("sync", "--json").json["held_back"] == 0
    phone.sync()
    assert len(phone.ok("list", "--plain").lines) == 52
    assert phone.ok("get", held[0]["name"]).text == "It can still be changed."


def _set_stored_bytes(database_url: str, number: int) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute("UPDATE accounts SET stored_bytes = %s", (number,))


def test_a_conflict_copy_that_finds_no_storage_is_code_9(
    desk: Machine, phone: Machine, database_url: str
) -> None:
    desk.ok("add", "a", "A")
    desk.sync()
    phone.sync()
    desk.ok("add", "--upsert", "a", "Of the desk")
    desk.sync()
    phone.ok("add", "--upsert", "a", "Of the phone")
    _set_stored_bytes(database_url, 10 * MB)
    result = phone("sync")
    assert result.code == 9
    assert "1 prompt is held back: your plan stores 10.0 MB" in result.err
    assert phone("sync").code == 9
    assert phone.ok("sync", "status", "--json").json["held_back_for"] == {"storage": 1}
    _set_stored_bytes(database_url, 1000)
    assert phone.ok("sync", "--json").json["held_back"] == 0
    assert desk.ok("sync", "--json").json["new_conflicts"] == 1


def test_retry_tries_again_what_is_held_back_but_no_secrets(
    desk: Machine, phone: Machine
) -> None:
    phone.ok("add", "b", "B")
    phone.sync()
    desk.ok("add", "a", "A")
    desk.ok("add", "secret", f"deploy with {KEY}")
    desk.ok("sync", "pull")
    with closing(sqlite3.connect(desk.home / "data" / "vault.db")) as vault, vault:
        refuse = "UPDATE sync_items SET hold = 'refused' WHERE base_rev IS NULL"
        vault.execute(f"{refuse} AND hold IS NULL")  # as if the server had done so
    row = desk.ok("sync", "--json").json
    assert (row["pushed"], row["held_back_for"]) == (0, {"refused": 1, "secrets": 1})
    row = desk.ok("sync", "--retry", "--json").json
    assert (row["pushed"], row["held_back_for"]) == (1, {"secrets": 1})


def test_a_plan_that_is_full_does_not_spoil_a_pull(over_the_limit: Machine) -> None:
    assert over_the_limit("sync").code == 9
    assert over_the_limit("sync", "pull").code == 0


def test_without_a_sign_in_it_says_so(home: Path) -> None:
    result = Machine(home)("sync")
    assert result.code == 4
    assert "promptvault login" in result.err


def test_a_token_that_has_ended_is_code_4(
    desk: Machine, phone: Machine, admin: Admin
) -> None:
    desk.ok("add", "a", "A")
    phone.ok("logout", "--all")
    result = desk("sync")
    assert result.code == 4
    assert desk.ok("get", "a").text == "A"


def test_offline_is_code_6_and_changes_nothing(desk: Machine, server: Server) -> None:
    desk.ok("add", "a", "A")
    desk.sync()
    desk.ok("add", "b", "B")
    before = desk.ok("list", "--json").json
    server.stop()
    result = desk("sync", "--json")
    assert result.code == 6
    assert result.error["code"] == "unavailable"
    assert desk.ok("list", "--json").json == before
    assert "cannot be reached" in desk.ok("sync", "status").text


def test_another_server_needs_relink(
    desk: Machine,
    start_server: Callable[..., Server],
    token: str,
) -> None:
    desk.ok("add", "a", "A")
    desk.sync()
    other = start_server()
    desk.sign_in(other.url, token)
    result = desk("sync")
    assert result.code == 5
    assert "--relink" in result.err
    assert desk.ok("sync", "--relink").code == 0
    assert desk.ok("sync", "status", "--json").json["server"] == other.url


def test_status_asks_no_server(desk: Machine, server: Server) -> None:
    desk.ok("add", "a", "A")
    desk.sync()
    desk.ok("add", "b", "B")
    desk.ok("add", "secret", f"deploy with {KEY}")
    server.stop()
    row = desk.ok("sync", "status", "--json").json
    assert (row["server"], row["signed_in"], row["linked"]) == (server.url, True, True)
    assert row["to_send"] == 2
    assert row["last_synced_at"] is not None
    assert row["last_problem"] is None
    assert "to send\t2 prompts" in desk.ok("sync", "status").text


def test_status_says_which_field_holds_a_prompt_back(desk: Machine) -> None:
    desk.ok("add", "titled", "Deploy it.", "--title", f"About {KEY}")
    desk.ok("add", "tagged", "Deploy it.", "--tag", KEY.lower())
    desk.sync()
    row = desk.ok("sync", "status", "--json").json
    assert row["secrets_in"] == ["title", "tags"]
    shown = desk.ok("sync", "status").text
    assert "2: likely secrets (title, tags), 'promptvault scan'" in shown
    desk.ok("add", "deploy", f"Deploy with {KEY}.", "--description", KEY)
    assert "likely secrets (title, description, tags, text)" in desk.sync().err


def test_status_of_a_vault_that_was_never_synced(home: Path) -> None:
    row = Machine(home).ok("sync", "status", "--json").json
    assert (row["server"], row["linked"], row["last_synced_at"]) == (None, False, None)


def test_two_syncs_wait_for_each_other(desk: Machine) -> None:
    desk.ok("add", "a", "A")
    desk.sync()
    lock = desk.home / "data" / "sync.lock"
    with exclusive(lock, lambda: None):
        process = desk.start("sync")
        assert process.stderr is not None
        assert process.stderr.readline() == "Waiting for another sync to finish…\n"
    assert process.wait(60) == 0
    process.communicate()


def _with_progress_after(seconds: int) -> list[str]:
    """Return the command of a sync that draws its progress after *seconds*."""
    code = (
        "from promptvault.cli import main, progress_sync\n"
        f"progress_sync._DELAY_SECONDS = {seconds}\n"
        "main.main()"
    )
    return [sys.executable, "-c", code, "sync"]


def test_a_short_sync_draws_no_progress(
    desk: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.ok("add", "a", "A")
    monkeypatch.setenv("PROMPTVAULT_HOME", str(desk.home))
    code, screen = on_a_terminal(_with_progress_after(3600))
    assert code == 0
    assert screen.replace("\r", "") == "Sent 1.\n"


def test_a_long_sync_tells_how_far_it_is(
    desk: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [{"name": f"p{n}", "body": f"Explain {n}. " * 200} for n in range(3000)]
    stdin = json.dumps(rows).encode()
    desk.ok("import", "-", "--source", "promptvault", stdin=stdin)
    monkeypatch.setenv("PROMPTVAULT_HOME", str(desk.home))
    code, screen = on_a_terminal(_with_progress_after(0))
    assert code == 9
    assert "of 3,000" in screen
    assert "Sent 50." in screen


def test_a_drawn_list_explains_its_marks(
    over_the_limit: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert over_the_limit("sync").code == 9
    monkeypatch.setenv("PROMPTVAULT_HOME", str(over_the_limit.home))
    _, screen = on_a_terminal(Process().command("list"))
    assert "^ not on the server" in screen
    assert "! in conflict" not in screen


def test_quiet_says_nothing_of_what_went_well(desk: Machine) -> None:
    desk.ok("add", "a", "A")
    result = desk.ok("sync", "--quiet")
    assert (result.out, result.err) == (b"", "")
