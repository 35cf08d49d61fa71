"""Conflicts on both devices: listed, shown, resolved, and gone on each of them."""

import json
import sys
from pathlib import Path

import pytest

from promptvault.vault.database import connected
from tests.cli.test_hostile_text import HOSTILE, acting
from tests.conftest import Process
from tests.contracts.test_start_up import HEAVY, completed
from tests.sync.machine import Machine
from tests.terminal_kit import on_a_terminal

TEXT = "one\ntwo\nthree\nfour\nfive\n"
DESK = TEXT.replace("three", "THREE")
PHONE = TEXT.replace("three", "tres")
SIDES = ("ours", "theirs")


@pytest.fixture
def conflict(desk: Machine, phone: Machine) -> None:
    """Change the same line and the title of a prompt on both devices."""
    desk.ok("add", "work/a", TEXT, "--title", "A", "--tag", "common")
    desk.sync()
    phone.sync()
    desk.ok("add", "--upsert", "work/a", DESK, "--title", "Of the desk")
    phone.ok("add", "--upsert", "work/a", PHONE, "--title", "Of the phone")
    phone.ok("set", "work/a", "--tag", "mobile")
    desk.sync()
    assert "1 conflict" in phone.sync().err
    assert "1 conflict" in desk.sync().err


def write_editor(path: Path, code: str) -> str:
    """Return the command of an editor that applies *code* to `text`."""
    path.write_text(
        f"import sys\nfrom pathlib import Path\nfile = Path(sys.argv[1])\n"
        f"text = file.read_text()\n{code}\nfile.write_text(text)\n"
    )
    return f"{sys.executable} {path}"


@pytest.mark.usefixtures("conflict")
def test_each_device_calls_its_own_wording_ours(desk: Machine, phone: Machine) -> None:
    (here,) = phone.ok("conflicts", "list", "--json").json
    (there,) = desk.ok("conflicts", "list", "--json").json
    assert (here["ours"]["title"], here["theirs"]["title"]) == (
        "Of the phone",
        "Of the desk",
    )
    said = [row[side].pop("this_device") for row in (here, there) for side in SIDES]
    named = [row[side].pop("device") for row in (here, there) for side in SIDES]
    assert (said, named) == ([True, False] * 2, [None, "test"] * 2)
    assert (there["ours"], there["theirs"]) == (
        here["theirs"] | {"commit": there["ours"]["commit"]},
        here["ours"] | {"commit": there["theirs"]["commit"]},
    )
    assert (here["current"], there["current"]) == ("theirs", "ours")
    assert here["differs"] == ["text", "title", "tags"]


@pytest.mark.usefixtures("conflict")
def test_show_has_both_texts_and_their_difference(phone: Machine) -> None:
    row = phone.ok("conflicts", "show", "a", "--json").json
    assert (row["ours"]["body"], row["theirs"]["body"]) == (PHONE, DESK)
    assert row["base"]["body"] == TEXT
    drawn = phone.ok("conflicts", "show", "a").lines
    assert "-tres" in drawn
    assert "+THREE" in drawn
    assert "title\tOf the phone\tOf the desk" in drawn


@pytest.mark.usefixtures("conflict")
def test_list_and_show_mark_it(desk: Machine) -> None:
    desk.ok("add", "plain", "text")
    rows = {row["name"]: row for row in desk.ok("list", "--json").json}
    assert rows["work/a"]["conflict"] is True
    assert rows["plain"]["conflict"] is False
    assert desk.ok("list").lines[1].startswith("work/a\t! Of the desk\t")
    assert "conflicts resolve work/a" in desk.ok("show", "a").text
    assert desk.ok("get", "a").text == DESK


@pytest.mark.usefixtures("conflict")
@pytest.mark.parametrize(
    ("choice", "text", "title", "tags"),
    [
        ("--ours", PHONE, "Of the phone", ["common", "mobile"]),
        ("--theirs", DESK, "Of the desk", ["common"]),
    ],
)
def test_a_side_is_taken_whole(
    desk: Machine, phone: Machine, choice: str, text: str, title: str, tags: list[str]
) -> None:
    row = phone.ok("conflicts", "resolve", "a", choice, "--json").json
    assert (row["title"], sorted(row["tags"]), row["conflict"]) == (title, tags, False)
    assert row["changed"] is (choice == "--ours")
    phone.sync()
    desk.sync()
    for device in (desk, phone):
        assert device.ok("conflicts", "list", "--json").json == []
        assert device.ok("get", "a").text == text
        assert device.ok("show", "a", "--json").json["title"] == title
    logs = [device.ok("log", "a", "--json").json for device in (desk, phone)]
    assert [each["id"] for each in logs[0]] == [each["id"] for each in logs[1]]
    assert len(logs[0]) == (4 if choice == "--ours" else 3)


@pytest.mark.usefixtures("conflict")
def test_a_resolution_is_settled_on_the_other_device_too(
    desk: Machine, phone: Machine
) -> None:
    desk.ok("conflicts", "resolve", "a", "--ours")
    assert desk.ok("sync", "status", "--json").json["to_send"] == 1
    desk.sync()
    phone.sync()
    assert phone.ok("conflicts", "list", "--json").json == []
    assert phone.ok("get", "a").text == DESK


@pytest.mark.usefixtures("conflict")
def test_a_text_of_ones_own_settles_it(desk: Machine, phone: Machine) -> None:
    text = TEXT.replace("three", "THREE, tres")
    row = phone.ok(
        *("conflicts", "resolve", "a", "--file", "-", "--json"), stdin=text.encode()
    ).json
    assert row["kept"] == ["title"]
    assert sorted(row["tags"]) == ["common", "mobile"]
    phone.sync()
    desk.sync()
    assert desk.ok("get", "a").text == text
    newest = desk.ok("log", "a", "--json").json[0]
    assert newest["message"] == "Resolve conflict: work/a"


@pytest.mark.usefixtures("conflict")
def test_the_editor_gets_both_and_what_they_come_from(
    phone: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = tmp_path / "seen.txt"
    code = (
        f"Path({str(seen)!r}).write_text(text)\n"
        "lines = text.splitlines(keepends=True)\n"
        "text = ''.join(line for line in lines if line[0] not in '<|=>')"
    )
    monkeypatch.setenv("EDITOR", write_editor(tmp_path / "editor.py", code))
    phone.ok("conflicts", "resolve", "a", "--edit")
    given = seen.read_text().splitlines()
    assert given[2:9] == [
        "<<<<<<< ours (version 3, this device)",
        "tres",
        "||||||| common ancestor",
        "three",
        "=======",
        "THREE",
        ">>>>>>> theirs (version 2, test)",
    ]
    assert phone.ok("get", "a").text == TEXT.replace("three", "tres\nthree\nTHREE")


@pytest.mark.usefixtures("conflict")
def test_a_text_with_markers_left_is_refused_and_kept(
    phone: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = "text = text.replace('tres', 'tres, edited')"
    monkeypatch.setenv("EDITOR", write_editor(tmp_path / "editor.py", code))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    result = phone.process("conflicts", "resolve", "a", "--edit")
    assert result.code == 2
    assert "markers" in result.err
    kept = Path(result.err.split("Your text is in ")[1].strip().rstrip("."))
    assert "tres, edited" in kept.read_text()
    assert len(phone.ok("conflicts", "list", "--json").json) == 1
    again = phone("conflicts", "resolve", "a", "--file", str(kept))
    assert again.code == 2
    kept.unlink()


@pytest.mark.usefixtures("conflict")
def test_nothing_is_lost_when_the_editor_fails(
    phone: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = "file.write_text(text.replace('tres', 'tres, typed'))\nsys.exit(3)"
    monkeypatch.setenv("EDITOR", write_editor(tmp_path / "editor.py", code))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    result = phone.process("conflicts", "resolve", "a", "--edit")
    assert result.code == 2
    assert "Your text is in" in result.err
    kept = Path(result.err.split("Your text is in ")[1].strip().rstrip("."))
    assert "tres, typed" in kept.read_text()
    assert phone.ok("get", "a").text == DESK
    assert len(phone.ok("conflicts", "list", "--json").json) == 1


@pytest.mark.usefixtures("conflict")
def test_no_file_is_left_when_the_editor_fails_with_nothing_typed(
    phone: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drafts = tmp_path / "drafts"
    drafts.mkdir()
    monkeypatch.setenv("EDITOR", write_editor(tmp_path / "editor.py", "sys.exit(3)"))
    monkeypatch.setenv("TMPDIR", str(drafts))
    result = phone.process("conflicts", "resolve", "a", "--edit")
    assert (result.code, "nothing was saved" in result.err) == (2, True)
    assert list(drafts.iterdir()) == []
    assert len(phone.ok("conflicts", "list", "--json").json) == 1


@pytest.mark.usefixtures("conflict")
def test_without_a_choice_somebody_is_shown_both_and_asked(
    phone: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = Process().command("conflicts", "resolve", "a")
    monkeypatch.setenv("PROMPTVAULT_HOME", str(phone.home))
    code, screen = on_a_terminal(command, (b"(q)uit?", b"t\r"))
    assert code == 0
    assert "Of the phone" in screen
    assert phone.ok("get", "a").text == DESK
    assert phone.ok("conflicts", "list", "--json").json == []


@pytest.mark.usefixtures("conflict")
def test_without_a_choice_and_with_nobody_there_it_is_an_error(phone: Machine) -> None:
    assert phone("conflicts", "resolve", "a").code == 2
    assert phone("conflicts", "resolve", "a", "--ours", "--theirs").code == 2


def test_a_prompt_without_a_conflict_is_not_found(desk: Machine) -> None:
    desk.ok("add", "a", "A")
    assert desk("conflicts", "show", "a").code == 3
    assert desk("conflicts", "resolve", "a", "--ours").code == 3
    assert desk("conflicts", "show", "b").code == 3


@pytest.mark.usefixtures("conflict")
def test_a_prompt_in_the_trash_is_restored_first(phone: Machine) -> None:
    phone.ok("delete", "a")
    (row,) = phone.ok("conflicts", "list", "--json").json
    assert row["trashed"] is True
    assert phone.ok("conflicts", "show", "work/a").code == 0
    result = phone("conflicts", "resolve", "work/a", "--ours")
    assert result.code == 5
    assert "trash restore work/a" in result.err
    phone.ok("trash", "restore", "work/a")
    phone.ok("conflicts", "resolve", "a", "--ours")
    assert phone.ok("get", "a").text == PHONE


@pytest.mark.usefixtures("conflict")
def test_several_conflicts_of_one_prompt_are_settled_one_by_one(
    desk: Machine, phone: Machine
) -> None:
    desk.ok("add", "--upsert", "work/a", DESK.replace("THREE", "drei"))
    phone.ok("add", "--upsert", "work/a", DESK.replace("THREE", "trois"))
    desk.sync()
    phone.sync()
    rows = phone.ok("conflicts", "list", "--json").json
    assert [row["waiting"] for row in rows] == [1, 0]
    assert [row["ours"]["title"] for row in rows] == ["Of the phone", "Of the desk"]
    settled = phone.ok("conflicts", "resolve", "a", "--theirs")
    assert "1 more conflict" in settled.err
    phone.ok("conflicts", "resolve", "a", "--ours")
    phone.sync()
    desk.sync()
    assert desk.ok("conflicts", "list", "--json").json == []
    assert desk.ok("get", "a").text == DESK.replace("THREE", "trois")


def test_a_renamed_side_brings_its_name(desk: Machine, phone: Machine) -> None:
    desk.ok("add", "a", "text")
    desk.sync()
    phone.sync()
    desk.ok("move", "a", "of-desk")
    phone.ok("move", "a", "of-phone")
    desk.sync()
    phone.sync()
    phone.ok("conflicts", "resolve", "of-desk", "--ours")
    assert phone.ok("list", "--plain").lines == ["of-phone"]
    phone.sync()
    desk.sync()
    assert desk.ok("list", "--plain").lines == ["of-phone"]


def test_a_name_that_is_taken_meanwhile_stays_behind(
    desk: Machine, phone: Machine
) -> None:
    desk.ok("add", "a", "text")
    desk.sync()
    phone.sync()
    desk.ok("move", "a", "of-desk")
    phone.ok("move", "a", "of-phone")
    desk.sync()
    phone.sync()
    phone.ok("add", "of-phone", "another prompt")
    row = phone.ok("conflicts", "resolve", "of-desk", "--ours", "--json").json
    assert (row["name"], row["kept"]) == ("of-desk", ["name"])


@pytest.mark.usefixtures("conflict")
def test_tab_offers_prompts_in_conflict_and_is_quick(
    phone: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    phone.ok("add", "work/b", "text")
    monkeypatch.setenv("PROMPTVAULT_HOME", str(phone.home))
    assert completed("promptvault conflicts show wo", "work/a") & HEAVY == set()
    with pytest.raises(AssertionError):
        completed("promptvault conflicts show wo", "work/b")


def test_nothing_in_a_conflict_acts_on_the_terminal(
    desk: Machine, phone: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.ok("add", "a", "body")
    desk.sync()
    phone.sync()
    for device in (desk, phone):
        device.ok("add", "--upsert", "a", f"body{HOSTILE} of {device.home.name}")
        with connected(device.home / "data" / "vault.db") as vault:
            words = f"{device.home.name}{HOSTILE}"
            vault.execute("UPDATE prompts SET title = ?, description = ?", [words] * 2)
            tags = (json.dumps([words]),)
            vault.execute("UPDATE prompts SET tags = ?", tags)
            change = "UPDATE versions SET message = ?, author_name = ? WHERE number = 2"
            vault.execute(change, [words] * 2)
        device.sync()
    with connected(phone.home / "data" / "vault.db") as vault:
        vault.execute("UPDATE sync_items SET writer = ?", (f"device{HOSTILE}",))
    monkeypatch.setenv("PROMPTVAULT_HOME", str(phone.home))
    monkeypatch.setenv("PROMPTVAULT_PAGER", "cat")
    for words in ("show a", "show a --json", "list", "resolve a"):
        command = Process().command("conflicts", *words.split())
        _, screen = on_a_terminal(command, (b"? ", b"q\r"))
        assert acting(screen) == [], words
        if words != "list":
            assert "body" in screen, words
