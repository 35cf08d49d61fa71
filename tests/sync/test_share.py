"""Shares from the user's side: `share`, `shares`, and commands that take a link."""

import json

import httpx
import pytest

from promptvault.domain.tier import Tier
from promptvault.server.admin import Admin
from tests.conftest import Process
from tests.server.conftest import EMAIL, Server
from tests.sync.machine import Machine

KEY = "ghp_" + "a1B2" * 9
PASSWORD = "correct horse battery"


@pytest.fixture
def link(desk: Machine) -> str:
    """Return the link to a shared template."""
    desk.ok("add", "work/ask", "Ask {{ who }}.", "--template", "--title", "Ask them")
    return desk.ok("share", "ask").text.strip()


def test_share_sends_the_prompt_and_prints_the_link_alone(
    desk: Machine, server: Server
) -> None:
    desk.ok("add", "work/plan", "Plan it.", "--title", "A plan")
    result = desk.ok("share", "plan", "--expires", "7d", "--views", "3", "--json")
    row = result.json
    assert row["url"].startswith(f"{server.url}/s/")
    assert (row["mode"], row["version"], row["max_views"]) == ("version", 1, 3)
    assert row["has_password"] is False
    printed = desk.ok("share", "plan")
    assert printed.err == ""
    (url,) = printed.text.splitlines()
    assert httpx.get(f"{url}/raw").text == "Plan it."


def test_a_label_and_follow_move_and_a_number_stays(desk: Machine) -> None:
    desk.ok("add", "plan", "One.")
    desk.ok("label", "plan@1", "production")
    urls = [
        desk.ok("share", *words).text.strip()
        for words in (("plan@1",), ("plan@production",), ("plan", "--follow"))
    ]
    desk.ok("add", "plan", "Two.", "--upsert")
    desk.sync()
    assert [httpx.get(f"{url}/raw").text for url in urls] == ["One.", "One.", "Two."]
    desk.ok("label", "plan@2", "production")
    desk.sync()
    assert [httpx.get(f"{url}/raw").text for url in urls] == ["One.", "Two.", "Two."]
    modes = [row["mode"] for row in desk.ok("shares", "list", "--json").json]
    assert modes == ["current", "label", "version"]
    assert desk("share", "plan@1", "--follow").code == 2


def test_a_password_comes_from_a_file_or_a_pipe(desk: Machine, phone: Machine) -> None:
    desk.ok("add", "plan", "Plan it.")
    url = desk.ok(
        "share", "plan", "--password-file", "-", stdin=f"{PASSWORD}\n".encode()
    ).text.strip()
    refused = phone("get", url)
    assert (refused.code, refused.text) == (4, "")
    assert "--password-file" in refused.err
    wrong = phone("get", url, "--password-file", "-", stdin=b"wrong horse")
    assert wrong.code == 4
    right = phone.ok("get", url, "--password-file", "-", stdin=PASSWORD.encode())
    assert right.text == "Plan it."


def test_a_share_that_cannot_be_is_refused_before_anything_is_sent(
    desk: Machine,
) -> None:
    desk.ok("add", "plan", "Plan it.")
    for words, given, said in (
        (("--password-file", "-"), b"short", "8 to 200 characters"),
        (("--password-file", "-"), b"x" * 201, "8 to 200 characters"),
        (("--views", "2000000"), b"", "1000000"),
    ):
        refused = desk("share", "plan", *words, stdin=given)
        assert (refused.code, refused.text) == (2, "")
        assert said in refused.err
    assert "to send\teverything" in desk.ok("sync", "status").text


def test_what_stays_at_home_is_not_shared(desk: Machine) -> None:
    desk.ok("add", "secret", f"deploy with {KEY}")
    refused = desk("share", "secret")
    assert refused.code == 4
    assert KEY not in refused.err
    desk.ok("set", "secret", "--allow-secrets")
    again = desk("share", "secret")  # it may be on the server, and not in a share
    assert again.code == 4
    assert "GitHub Token" in again.err
    url = desk.ok("share", "secret", "--allow-secrets").text.strip()
    assert KEY in httpx.get(f"{url}/raw").text


def test_the_limit_of_the_plan_and_of_time(
    desk: Machine, admin: Admin, server: Server
) -> None:
    admin.set_tier(EMAIL, Tier.FREE)
    desk.ok("add", "plan", "Plan it.")
    for _ in range(3):
        desk.ok("share", "plan")
    assert desk("share", "plan").code == 9
    for wrong in ("7", "0m", "0d", "400d", "week"):
        assert desk("share", "plan", "--expires", wrong).code == 2
    assert desk("share", "nothing").code == 3
    server.stop()
    assert desk("share", "plan").code == 6


def test_list_and_revoke(desk: Machine) -> None:
    desk.ok("add", "a/plan", "Plan it.")
    desk.ok("add", "b/other", "Other.")
    first, second = (desk.ok("share", "plan", "--json").json for _ in range(2))
    third = desk.ok("share", "other", "--json").json
    listed = desk.ok("shares", "list", "a/plan").text
    assert first["url"] in listed
    assert third["url"] not in listed
    assert desk.ok("shares", "revoke", first["id"][:8]).err == "Ended 1 share.\n"
    assert httpx.get(first["raw_url"]).status_code == 410
    assert desk.ok("shares", "revoke", "a/plan").err == "Ended 1 share.\n"
    assert httpx.get(second["raw_url"]).status_code == 410
    assert httpx.get(third["raw_url"]).status_code == 200
    assert desk.ok("shares", "revoke", "--all").err == "Ended 1 share.\n"
    assert desk.ok("shares", "list", "--json").json == []
    ended = desk.ok("shares", "list", "--ended", "--json").json
    assert {row["state"] for row in ended} == {"revoked"}
    assert desk("shares", "revoke", "a/plan").code == 3
    assert desk("shares", "revoke").code == 2


def test_get_fills_a_shared_template_here(link: str, phone: Machine) -> None:
    assert phone.ok("get", link, "-p", "who=Ada").text == "Ask Ada."
    assert phone.ok("get", link, "--raw").text == "Ask {{ who }}."
    assert phone.ok("get", f"{link}/", "-P", "who=@x", "--json").json == {
        "name": "ask",
        "version": 1,
        "body": "Ask @x.",
    }
    lacking = phone("get", link)
    assert lacking.code == 2
    assert "who" in lacking.err
    assert "Ask them" in phone.ok("show", link).text
    assert phone.ok("show", link, "--json").json["url"] == link


def test_import_twice_adds_nothing_and_a_newer_version_follows(
    desk: Machine, phone: Machine
) -> None:
    desk.ok("add", "work/plan", "Plan it.", "--title", "A plan", "--tag", "mine")
    url = desk.ok("share", "plan", "--follow").text.strip()
    phone.ok("import", url, "--folder", "shared")
    row = phone.ok("show", "shared/plan", "--json").json
    assert (row["title"], row["body"], row["tags"]) == ("A plan", "Plan it.", [])
    assert (row["source"], row["origin"]["url"]) == ("promptvault", url)
    report = phone.ok("import", url, "--json").json
    assert (report["added"], report["duplicates"]) == (0, 1)
    desk.ok("add", "work/plan", "Plan it better.", "--upsert")
    desk.sync()
    assert phone.ok("import", url, "--json").json["updated"] == 1
    assert phone.ok("get", "plan").text == "Plan it better."
    assert phone.ok("get", "plan@1").text == "Plan it."


def test_the_downloaded_file_is_the_same_prompt(link: str, phone: Machine) -> None:
    phone.ok("import", link)
    answer = httpx.get(f"{link}/json")
    assert answer.headers["content-type"] == "application/json"
    report = phone.ok("import", "-", "--json", stdin=answer.content).json
    assert (report["added"], report["duplicates"]) == (0, 1)


def test_add_saves_it_under_a_name(link: str, phone: Machine) -> None:
    phone.ok("add", "mine/ask", "--from", link, "--tag", "new")
    row = phone.ok("show", "mine/ask", "--json").json
    assert (row["title"], row["template"], row["tags"]) == ("Ask them", True, ["new"])
    assert (row["source"], row["origin"]["url"]) == ("promptvault", link)
    assert phone("add", "mine/ask", "--from", link).code == 5
    assert phone("add", "other", "text", "--from", link).code == 2
    assert phone.ok("import", link, "--json").json["duplicates"] == 1


def test_add_reports_an_include_that_is_no_part_of_the_share(
    desk: Machine, phone: Machine
) -> None:
    desk.ok("add", "style", "Plain words.")
    desk.ok("add", "ask", "{% include 'style' %}", "--template")
    url = desk.ok("share", "ask").text.strip()
    added = phone.ok("add", "mine", "--from", url)
    assert "style" in added.err
    refused = phone("get", url)
    assert refused.code == 3
    assert "style is not part of the share" in refused.err


def test_invisible_characters_are_warned_of(desk: Machine, phone: Machine) -> None:
    desk.ok("add", "odd", "Say\u200b hello\U000e0041.")
    url = desk.ok("share", "odd").text.strip()
    assert "2 invisible characters" in phone.ok("get", url).err
    assert phone.ok("get", url).text == "Say\u200b hello\U000e0041."


def test_an_ended_or_unknown_share_is_not_found(link: str, desk: Machine) -> None:
    desk.ok("shares", "revoke", "--all")
    for url in (link, link[:-22] + "x" * 22):
        for command in (("get", url), ("show", url), ("import", url)):
            assert desk(*command).code == 3, command
        assert desk("add", "x", "--from", url).code == 3
    assert desk("get", "https://example.org/not-a-share").code == 2


def test_a_program_that_is_not_signed_in_reads_a_share(
    link: str, pvt_process: Process
) -> None:
    assert pvt_process("get", link, "-p", "who=Ada").text == "Ask Ada."
    refused = pvt_process("share", "ask", "--json")
    assert refused.code == 4
    assert json.loads(refused.err)["error"]["code"] == "unauthenticated"
