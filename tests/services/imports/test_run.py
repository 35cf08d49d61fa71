"""Imports through the command line: what is imported, what is not, and the report."""

import json
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.conftest import Git, Pvt
from tests.importers.build import Json, archive, chat, message, talk, turn

START = 1_700_000_000
"""2023-11-14T22:13:20Z, in seconds."""


def asked(key: str, *drafts: str, title: str | None = None, time: int = START) -> Json:
    """Return a ChatGPT conversation that begins with a prompt, and one draft of it."""
    turns = [turn("root", None, role="system")]
    for number, text in enumerate(drafts):
        made = float(time + number)
        turns.append(turn(f"q{number}", "root", text, create_time=made))
    return chat(*turns, conversation_id=key, title=title or f"Chat {key}")


def write(path: Path, *values: Json) -> str:
    """Write an export to *path*, and return that as an argument."""
    path.write_text(json.dumps(values))
    return str(path)


@pytest.fixture
def bring(pvt: Pvt, tmp_path: Path) -> "Bring":
    """Return a function that imports conversations."""
    return Bring(pvt, tmp_path / "export.json")


class Bring:
    """Imports conversations with the program."""

    def __init__(self, pvt: Pvt, path: Path) -> None:
        self.pvt = pvt
        self.path = path

    def __call__(self, *chats: Json, options: tuple[str, ...] = ()) -> Json:
        """Import *chats* and return the report."""
        path = write(self.path, *chats)
        return self.pvt.ok("import", path, *options, "--json").json


def names(pvt: Pvt) -> list[str]:
    return pvt.ok("list", "--plain").lines


def bodies(pvt: Pvt) -> dict[str, str]:
    """Return the name and the text of every prompt."""
    found = pvt("export", "-")
    return {row["name"]: row["body"] for row in found.json} if found.out else {}


def origins(pvt: Pvt, name: str) -> list[tuple[str, str]]:
    """Return source and conversation of each origin of a prompt."""
    found = pvt.ok("show", name, "--json").json["origins"]
    return [(origin["source"], origin["conversation_id"]) for origin in found]


def taught(key: str, about: str, *said: str) -> Json:
    """Return a conversation of several turns, with custom instructions in it."""
    data = {"user_context_message_data": {"about_user_message": about}}
    turns = [turn("about", None, "…", metadata=data | {"is_user_system_message": True})]
    for number, text in enumerate(said):
        before = f"a{number - 1}" if number else "about"
        turns.append(turn(f"q{number}", before, text))
        turns.append(turn(f"a{number}", f"q{number}", "Well.", "assistant"))
    return chat(*turns, conversation_id=key, title=f"Chat {key}")


@pytest.mark.parametrize(
    ("take", "wanted", "skipped"),
    [
        ("first", {"I teach.", "One?"}, {"later turn": 2}),
        ("all", {"I teach.", "One?", "Two?", "Three?"}, {}),
        ("system", {"I teach."}, {"no instructions": 3}),
    ],
)
def test_take(
    bring: Bring, take: str, wanted: set[str], skipped: dict[str, int]
) -> None:
    talked = taught("c1", "I teach.", "One?", "Two?", "Three?")
    report = bring(talked, options=("--take", take))
    assert set(bodies(bring.pvt).values()) == wanted
    assert report["skipped"] == skipped
    assert report["found"] == report["added"] == len(wanted)


def test_kinds_say_what_is_taken_and_a_later_import_takes_the_rest(
    pvt: Pvt, tmp_path: Path
) -> None:
    path = tmp_path / "history.jsonl"
    typed = ["/review 42 be strict", "/clear", "Fix it."]
    rows = [
        {"display": each, "project": "/w", "timestamp": START * 1000 + number}
        for number, each in enumerate(typed)
    ]
    path.write_text("\n".join(map(json.dumps, rows)))
    pvt.ok("import", str(path), "--kind", "command")
    assert list(bodies(pvt).values()) == ["/review 42 be strict"]
    report = pvt.ok("import", str(path), "--take", "all", "--json").json
    assert report["added"] == 1
    assert report["skipped"] == {"slash command": 1}
    assert pvt.ok("import", str(path), "--kind", "prompt", "--json").json["unchanged"]
    refused = pvt("import", str(path), "--take", "system", "--kind", "prompt")
    assert refused.code == 2


def test_messages_that_no_reader_understands_are_a_failure(
    pvt: Pvt, tmp_path: Path
) -> None:
    said = {"id": "m", "author": {"user": True}, "role": "user", "text": "A silence."}
    lost = {"mapping": {"a": {"message": said, "children": []}}, "current_node": "a"}
    path = write(tmp_path / "drifted.json", lost)
    for _ in range(2):  # it is not remembered as read
        failed = pvt("import", path)
        assert failed.code == 8
        assert "messages, but none could be read as chatgpt" in failed.err
        assert "silence" not in failed.err
    unknown = {"log": [{"who": {"role": "user"}, "from": "user", "text": "A silence."}]}
    write(tmp_path / "unknown.json", unknown)
    (tmp_path / "good.json").write_text(json.dumps([asked("c1", "One?")]))
    report = pvt.ok("import", str(tmp_path), "--json").json
    assert report["added"] == 1
    assert {f["where"]: f["reason"] for f in report["failed"]} == {
        "drifted.json": "it holds messages, but none could be read as chatgpt",
        "unknown.json": "it holds messages, but its format is not known",
    }


def test_an_empty_export_is_no_failure(bring: Bring) -> None:
    report = bring({"mapping": {}, "current_node": None})
    assert report["skipped"] == {"empty conversation": 1}
    assert report["failed"] == []


def test_setting_says_what_is_taken_by_default(bring: Bring) -> None:
    bring.pvt.ok("config", "set", "import.take", "all")
    assert bring(taught("c1", "I teach.", "One?", "Two?"))["added"] == 3


def test_turns_of_one_conversation_share_a_folder(bring: Bring) -> None:
    talked = taught("c1", "I teach.", "One?", "Two?")
    bring(talked, options=("--take", "all", "--folder", "old/chats"))
    wanted = ["chat-c1/one", "chat-c1/two", "instructions/about-me"]
    assert names(bring.pvt) == [f"old/chats/{name}" for name in wanted]


def test_folder_and_tags(bring: Bring) -> None:
    tags = ("--tag", "Old", "--tag", "gpt", "--tag", "old")
    bring(asked("c1", "One?"), options=("--folder", "work/", *tags))
    (row,) = bring.pvt.ok("list", "--json").json
    assert row["name"] == "work/chat-c1"
    assert row["folder"] == "work"
    assert row["tags"] == ["old", "gpt"]
    assert row["source"] == "chatgpt"


@pytest.mark.parametrize("folder", ["Work", "a//b", "../up", "."])
def test_impossible_folder_is_refused(pvt: Pvt, tmp_path: Path, folder: str) -> None:
    path = write(tmp_path / "export.json", asked("c1", "One?"))
    assert pvt("import", path, "--folder", folder).code == 2
    assert names(pvt) == []


@pytest.mark.parametrize(
    ("since", "added"),
    [
        ("2023-11-14", 2),
        ("2023-11-15", 1),
        ("2023-11-14T22:13:20Z", 2),
        ("2023-11-14T23:13:21+01:00", 1),
        ("2024-01-01", 0),
    ],
)
def test_since(bring: Bring, since: str, added: int) -> None:
    day = 24 * 60 * 60
    chats = asked("c1", "One?"), asked("c2", "Two?", time=START + day)
    report = bring(*chats, options=("--since", since))
    assert report["added"] == added
    assert report["skipped"].get("before the date", 0) == 2 - added


def test_since_counts_the_last_draft(bring: Bring) -> None:
    chats = asked("c1", "Old?", "New?")
    bring(chats, options=("--since", "2023-11-14T22:13:21Z"))
    assert [row["versions"] for row in bring.pvt.ok("list", "--json").json] == [2]


def test_min_chars(bring: Bring) -> None:
    chats = asked("c1", "four"), asked("c2", "fünf!")
    report = bring(*chats, options=("--min-chars", "5"))
    assert list(bodies(bring.pvt).values()) == ["fünf!"]
    assert report["skipped"] == {"too short": 1}


@pytest.mark.parametrize(
    "options",
    [
        ("--since", "yesterday"),
        ("--min-chars", "-1"),
        ("--take", "second"),
        ("--source", "myspace"),
        ("--tag", "two words"),
    ],
)
def test_wrong_options_are_refused(
    pvt: Pvt, tmp_path: Path, options: tuple[str, str]
) -> None:
    path = write(tmp_path / "export.json", asked("c1", "One?"))
    assert pvt("import", path, *options).code == 2
    assert names(pvt) == []


def test_dry_run_tells_and_changes_nothing(bring: Bring, git: Git) -> None:
    bring(asked("c1", "One?"))
    before = bring.pvt.ok("export", "-").json, git("rev-parse", "main")
    chats = asked("c1", "One?", "One, please?"), asked("c2", "Two?", "Zwei?")
    told = bring(*chats, options=("--dry-run",))
    assert (told["id"], told["added"], told["updated"]) == (None, 1, 1)
    assert (bring.pvt.ok("export", "-").json, git("rev-parse", "main")) == before
    assert len(bring.pvt.ok("imports", "list", "--json").json) == 1
    assert bring.pvt.ok("search", "zwei", "--json").json == []
    done = bring(*chats)
    assert (done["added"], done["updated"]) == (1, 1)


def test_source_can_be_named(bring: Bring) -> None:
    assert bring(asked("c1", "One?"), options=("--source", "chatgpt"))["added"] == 1


def test_source_narrows_what_a_folder_brings(pvt: Pvt, tmp_path: Path) -> None:
    folder = tmp_path / "exports"
    folder.mkdir()
    write(folder / "gpt.json", asked("c1", "One?"))
    write(folder / "claude.json", talk(message("u", "Two?", 1)))
    report = pvt.ok("import", str(folder), "--source", "claude", "--json").json
    assert report["source"] == "claude"
    assert list(bodies(pvt).values()) == ["Two?"]


def test_drafts_become_versions_with_their_own_times(bring: Bring) -> None:
    bring(asked("c1", "Tea?\n", "Green tea?\n", "Green tea, please.\n"))
    rows = bring.pvt.ok("log", "chat-c1", "--json").json
    assert [(row["version"], row["created_at"]) for row in rows] == [
        (3, "2023-11-14T22:13:22.000Z"),
        (2, "2023-11-14T22:13:21.000Z"),
        (1, "2023-11-14T22:13:20.000Z"),
    ]
    difference = bring.pvt.ok("diff", "chat-c1@1", "@2").text
    assert "-Tea?\n+Green tea?\n" in difference
    (row,) = bring.pvt.ok("list", "--json").json
    assert row["created_at"] == "2023-11-14T22:13:20.000Z"
    assert row["updated_at"] == "2023-11-14T22:13:22.000Z"
    assert bring.pvt.ok("get", "chat-c1@2023-11-14T22:13:21Z").out == b"Green tea?\n"


def test_history_has_a_commit_for_each_draft_before_that_of_the_import(
    bring: Bring, git: Git
) -> None:
    one = asked("c1", "A?", "B?", "C?")
    bring(one, asked("c2", "D?", "E?", time=START - 9))
    log = git("log", "--reverse", "--format=%at %s", "main").splitlines()
    assert log[:3] == [
        f"{START - 9} Draft 1 of 2 from chatgpt",
        f"{START} Draft 1 of 3 from chatgpt",
        f"{START + 1} Draft 2 of 3 from chatgpt",
    ]
    time, _, subject = log[3].partition(" ")
    assert subject == "Import 2 prompts from chatgpt"
    assert abs(int(time) - datetime.now(UTC).timestamp()) < 60
    for row in bring.pvt.ok("log", "chat-c1", "--json").json:
        text = git("show", f"{row['commit']}:chatgpt/chat-c1.md")
        assert text.endswith("\n" + "?ABC"[row["version"]] + "?")


def test_copy_in_another_conversation_is_a_second_origin(bring: Bring) -> None:
    report = bring(asked("c1", "Tea?"), asked("c2", "  Tea?\r\n"))
    assert (report["found"], report["added"], report["duplicates"]) == (2, 1, 1)
    assert names(bring.pvt) == ["chatgpt/chat-c1"]
    assert origins(bring.pvt, "chat-c1") == [("chatgpt", "c1"), ("chatgpt", "c2")]


def test_copy_in_another_source_is_a_second_origin(
    bring: Bring, git: Git, tmp_path: Path
) -> None:
    bring(asked("c1", "Tea?"))
    report = bring(talk(message("u", "Tea?", 1), uuid="t1"))
    assert (report["source"], report["added"], report["duplicates"]) == ("claude", 0, 1)
    wanted = [("chatgpt", "c1"), ("claude", "t1")]
    assert origins(bring.pvt, "chat-c1") == wanted
    assert "conversation: t1" in git("show", "main:chatgpt/chat-c1.md")
    assert bring.pvt("doctor").code == 0


def test_text_that_was_written_here_gets_an_origin(bring: Bring) -> None:
    bring.pvt.ok("add", "mine", "Tea?")
    assert bring(asked("c1", "Tea?"))["duplicates"] == 1
    assert names(bring.pvt) == ["mine"]
    assert origins(bring.pvt, "mine") == [("chatgpt", "c1")]


def test_same_export_twice_adds_nothing(bring: Bring, git: Git) -> None:
    chats = [
        asked("c1", "A?", "B?"),
        asked("c2", "C?"),
        asked("c3", "C?"),
        taught("c4", "I teach.", "D?"),
    ]
    first = bring(*chats)
    before = bring.pvt.ok("export", "-").json, git("rev-parse", "main")
    report = bring(*chats)
    assert (report["found"], report["duplicates"]) == (first["found"], first["found"])
    assert (report["added"], report["updated"]) == (0, 0)
    assert (bring.pvt.ok("export", "-").json, git("rev-parse", "main")) == before


def test_newer_export_adds_the_newer_drafts(bring: Bring, git: Git) -> None:
    bring(asked("c1", "A?"))
    bring.pvt.ok("set", "chat-c1", "--title", "Mine", "--tag", "mine")
    report = bring(asked("c1", "A?", "B?", "C?"), asked("c2", "D?"))
    assert (report["added"], report["updated"], report["duplicates"]) == (1, 1, 0)
    assert bring.pvt.ok("get", "chat-c1").out == b"C?"
    assert bring.pvt.ok("get", "chat-c1@2").out == b"B?"
    row = bring.pvt.ok("show", "chat-c1", "--json").json
    assert (row["title"], row["tags"], row["versions"]) == ("Mine", ["mine"], 3)
    assert [hit["name"] for hit in bring.pvt.ok("search", "c", "--json").json]
    assert git("show", "main:chatgpt/chat-c1.md").endswith("\nC?")
    assert bring.pvt("doctor").code == 0
    again = bring(asked("c1", "A?", "B?", "C?"), asked("c2", "D?"))
    assert (again["added"], again["updated"], again["duplicates"]) == (0, 0, 2)


def test_newer_drafts_stay_out_of_a_prompt_that_was_edited_here(bring: Bring) -> None:
    bring(asked("c1", "A?"))
    bring.pvt.ok("add", "chatgpt/chat-c1", "Mine!", "--upsert")
    report = bring(asked("c1", "A?", "B?"))
    assert (report["updated"], report["skipped"]) == (0, {"edited here since": 1})
    assert bring.pvt.ok("get", "chat-c1").out == b"Mine!"


def test_what_was_deleted_here_stays_deleted(bring: Bring) -> None:
    bring(asked("c1", "A?"))
    bring.pvt.ok("delete", "chat-c1")
    assert bring(asked("c1", "A?"))["added"] == 0
    assert bring(asked("c1", "A?", "B?"))["added"] == 0
    assert names(bring.pvt) == []


def test_moved_prompt_is_known_by_its_message(bring: Bring) -> None:
    bring(asked("c1", "A?"))
    bring.pvt.ok("move", "chatgpt/chat-c1", "tea/time")
    assert bring(asked("c1", "A?", "B?"))["updated"] == 1
    assert bodies(bring.pvt) == {"tea/time": "B?"}


def test_custom_instructions_come_once(bring: Bring) -> None:
    chats = [taught(f"c{n}", "I teach.", f"{n}?") for n in range(5)]
    report = bring(*chats, taught("c9", "I learn.", "9?"))
    found = bring.pvt.ok("export", "-", "--folder", "chatgpt/instructions").json
    assert [row["body"] for row in found] == ["I teach.", "I learn."]
    assert report["added"] == 8


LONG = "Please explain to me in plain words how a transistor works and why it matters"


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Fix: the *login* page (v2)!", "fix-the-login-page-v2"),
        ("Größe übersetzen", "größe-übersetzen"),
        ("納期変更のメール", "納期変更のメール"),
        ("../../etc/passwd", "etc-passwd"),
        ("🎉🎉", "one"),
        ("", "one"),
        (LONG, "please-explain-to-me-in-plain-words-how-a-transistor-works"),
        ("x" * 500, "x" * 60),
        ("CON.md", "con-md"),
    ],
)
def test_name_comes_from_the_title(bring: Bring, title: str, name: str) -> None:
    each = asked("c1", "One?") | {"title": title}
    assert bring(each)["added"] == 1
    assert names(bring.pvt) == [f"chatgpt/{name}"]
    assert bring.pvt.ok("get", name).out == b"One?"


def test_titles_keep_their_spelling(bring: Bring) -> None:
    bring(asked("c1", "One?", title="Größe  *übersetzen*\n(v2)"))
    (row,) = bring.pvt.ok("list", "--json").json
    assert row["title"] == "Größe *übersetzen* (v2)"


def test_names_that_are_taken_get_a_number(bring: Bring) -> None:
    bring.pvt.ok("add", "chatgpt/tea", "Mine.")
    bring(*(asked(f"c{n}", f"{n}?", title="Tea") for n in range(3)))
    bring(asked("c3", "3?", title="tea!"))
    assert bodies(bring.pvt) == {
        "chatgpt/tea": "Mine.",
        "chatgpt/tea-2": "0?",
        "chatgpt/tea-3": "1?",
        "chatgpt/tea-4": "2?",
        "chatgpt/tea-5": "3?",
    }


def test_report_has_the_keys_of_the_contract(bring: Bring) -> None:
    report = bring(asked("c1", "One?"), asked("c2", "One?"), {"mapping": 5})
    assert report.pop("seconds") >= 0
    assert report.pop("failed") == [
        {"where": "export.json, conversation 3", "reason": "it has no messages"}
    ]
    tally = report.pop("sources").pop("chatgpt")
    assert tally == {key: report[key] for key in tally if key != "failed"} | {
        "failed": 1
    }
    assert report == {
        "id": 1,
        "source": "chatgpt",
        "files": 1,
        "unchanged": 0,
        "held_back": 0,
        "failed_unlisted": 0,
        "conversations": 2,
        "found": 2,
        "added": 1,
        "updated": 0,
        "duplicates": 1,
        "skipped": {},
    }


def test_report_says_what_was_imported_and_what_was_not(
    pvt: Pvt, tmp_path: Path
) -> None:
    chats = asked("c1", "One?"), asked("c2", "One?"), {"mapping": 5}
    result = pvt.ok("import", write(tmp_path / "export.json", *chats))
    assert result.out == b""
    for part in ("1 prompt", "chats", "known", "conversation 3"):
        assert part in result.err


def test_zip_folder_pipe_and_several_paths(pvt: Pvt, tmp_path: Path) -> None:
    chats = [json.dumps([asked(f"c{n}", f"{n}?")]).encode() for n in range(5)]
    zipped, folder = tmp_path / "export.zip", tmp_path / "folder"
    zipped.write_bytes(archive({"a/b.json": chats[0], "photo.png": b"\x89PNG\0"}))
    (folder / "deep").mkdir(parents=True)
    (folder / "deep/conversations.json").write_bytes(chats[1])
    (folder / "inner.zip").write_bytes(archive({"c.json": chats[2]}))
    single = tmp_path / "single.json"
    single.write_bytes(chats[4])
    paths = [str(zipped), str(folder), "-", str(single)]
    report = pvt.ok("import", *paths, "--json", stdin=chats[3]).json
    assert (report["files"], report["added"]) == (5, 5)
    assert sorted(bodies(pvt).values()) == ["0?", "1?", "2?", "3?", "4?"]


def test_zip_through_a_pipe(pvt: Pvt) -> None:
    data = archive({"conversations.json": json.dumps([asked("c1", "One?")]).encode()})
    assert pvt.ok("import", "-", "--json", stdin=data).json["added"] == 1


def test_missing_path(pvt: Pvt, tmp_path: Path) -> None:
    result = pvt("import", str(tmp_path / "nothing.zip"), "--json")
    assert (result.code, result.error["code"]) == (3, "not_found")
    assert "nothing.zip" in result.error["message"]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<html><body>Dear diary</body></html>",
        b"[]",
        b'{"a": 1}',
        b"\x89PNG\r\n\x1a\n\0",
        b"PK\x03\x04",
        b'[{"a',
    ],
)
def test_nothing_importable(pvt: Pvt, tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "file"
    path.write_bytes(data)
    for arguments in ([str(path)], ["-"], [str(tmp_path)]):
        result = pvt("import", *arguments, "--json", stdin=data)
        assert (result.code, result.error["code"]) == (8, "import_failed")
        assert result.out == b""
    assert pvt.ok("imports", "list", "--json").json == []


def test_damaged_file_costs_that_file(pvt: Pvt, tmp_path: Path) -> None:
    write(tmp_path / "good.json", asked("c1", "One?"))
    (tmp_path / "bad.zip").write_bytes(b"PK\x03\x04 and then nothing")
    report = pvt.ok("import", str(tmp_path), "--json").json
    assert report["added"] == 1
    assert [failure["where"] for failure in report["failed"]] == ["bad.zip"]


def test_export_that_breaks_off_brings_what_is_whole(pvt: Pvt) -> None:
    data = json.dumps([asked("c1", "One?"), asked("c2", "Two?")]).encode()[:-40]
    report = pvt.ok("import", "-", "--json", stdin=data).json
    assert report["added"] == 1
    assert len(report["failed"]) == 1


def test_nothing_new_is_no_failure(bring: Bring) -> None:
    chats = asked("c1", "One?")
    assert bring(chats, options=("--since", "2030-01-01"))["added"] == 0
    assert bring(chats)["added"] == 1
    assert bring(chats)["added"] == 0


def test_imported_prompts_can_be_searched_at_once(bring: Bring) -> None:
    bring(*(asked(f"c{n}", f"Word{n} prompt", f"Term{n} prompt") for n in range(50)))
    hits = bring.pvt.ok("search", "term31", "--json").json
    assert [hit["name"] for hit in hits] == ["chatgpt/chat-c31"]
    assert bring.pvt.ok("search", "word31", "--json").json == []
    assert bring.pvt("doctor").code == 0


def test_history_of_an_import_is_plain_git(bring: Bring, home: Path) -> None:
    bring(asked("c1", "A?", "B?", title="Ünïcode"))
    clone = home.parent / "clone"
    command = ["git", "clone", "-q", str(home / "data/history.git"), str(clone)]
    subprocess.run(command, check=True)
    assert (clone / "chatgpt/ünïcode.md").read_text().endswith("---\nB?")


def test_millions_of_failures_do_not_fill_the_report(bring: Bring) -> None:
    report = bring(asked("c1", "One?"), *[{"mapping": 5}] * 1200)
    assert (len(report["failed"]), report["failed_unlisted"]) == (1000, 200)
    assert report["sources"]["chatgpt"]["failed"] == 1200
