"""Transcripts of Cursor's agents, and what Cursor adds to a prompt."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from promptvault.importers.cursor import source as cursor
from promptvault.importers.cursor.envelope import parse_message
from promptvault.importers.input.candidate import Candidate, Draft, Item, Skipped
from promptvault.importers.registry import find_importer
from tests.importers.build import (
    Json,
    bodies,
    candidates,
    document,
    failures,
    imported,
    skipped,
)

CHAT = "0b5f6f1e-0000-4000-8000-00000000abcd"


def line(text: Json, role: str = "user") -> bytes:
    content = [{"type": "text", "text": text}]
    return json.dumps({"role": role, "message": {"content": content}}).encode()


def read(*lines: bytes, name: str = "a.jsonl") -> list[Item]:
    each = document(b"\n".join(lines), name)
    assert cursor.probe(each)
    return list(cursor.read(each))


def test_transcript() -> None:
    items = read(
        line(
            "<timestamp>Friday, May 8, 2026, 6:05 AM (UTC+5:30)</timestamp>\n"
            "<user_query>\nadd a health check\n</user_query>"
        ),
        line("I will look first.", "assistant"),
        b'{"type":"error","error":"aborted"}',
        b'{"type":"turn_ended","status":"ok"}',
        line("<user_query>\nnow with tests\n</user_query>"),
        name=f"projects/home-ada-demo/agent-transcripts/{CHAT}/{CHAT}.jsonl",
    )
    at = datetime(2026, 5, 8, 0, 35, tzinfo=UTC)
    assert candidates(items) == [
        Candidate(
            (Draft("add a health check", at),), opening=True, conversation_id=CHAT
        ),
        Candidate((Draft("now with tests"),), conversation_id=CHAT),
    ]
    assert not failures(items)


def test_folder_names_the_chat_where_the_file_does_not(tmp_path: Path) -> None:
    (tmp_path / CHAT).mkdir()
    (tmp_path / CHAT / "log.jsonl").write_bytes(line("hello"))
    (found,) = candidates(imported(tmp_path / CHAT / "log.jsonl"))
    assert found.conversation_id == CHAT


def test_transcript_without_an_id_is_still_one_chat() -> None:
    first, second = candidates(read(line("one"), line("two"), name="with-tools.jsonl"))
    assert first.conversation_title == second.conversation_title == "with-tools"
    assert (first.opening, second.opening) == (True, False)


def test_subagents_are_counted_and_left_out() -> None:
    name = f"agent-transcripts/{CHAT}/subagents/{CHAT}.jsonl"
    assert read(line("explore"), name=name) == [Skipped("subagent", 1)]


def test_damaged_line_costs_itself() -> None:
    items = read(line("one"), line("two")[:-9], line("three"))
    assert bodies(items) == ["one", "three"]
    (bad,) = failures(items)
    assert bad.where == "a.jsonl, line 2"


@pytest.mark.parametrize("value", [None, 7, [], {"content": 7}, {"content": [7, {}]}])
def test_line_of_another_shape_is_passed_over(value: Json) -> None:
    strange = json.dumps({"role": "user", "message": value}).encode()
    assert bodies(read(line("one"), strange, b"[7]", line("two"))) == ["one", "two"]


@pytest.mark.parametrize(
    "other",
    [
        {"type": "user", "uuid": "u", "message": {"role": "user", "content": "x"}},
        {"role": "user", "message": {"content": "x"}, "sessionId": "s"},
        {"role": "user", "content": "x"},
        {"messages": [{"role": "user", "content": "x"}]},
        {"role": "user", "message": "x"},
        {"role": 7, "message": {"content": "x"}},
    ],
)
def test_lines_of_others_are_not_ours(other: Json) -> None:
    assert not cursor.probe(document(json.dumps(other).encode()))


PLAIN = """user:
<user_query>
add a health check

assistant:
is not a turn here
</user_query>

A:
[Thinking] Hm.
[Tool call] Read
  path: log.txt

[Tool result] Read
user:
from a log, not typed

assistant:
Done.

user:
<attached_files>
<code_selection path="a.py">
user:
</code_selection>
</attached_files>
<user_query>
and a test
</user_query>
"""


def test_plain_transcript_of_2025() -> None:
    items = read(PLAIN.encode(), name=f"agent-transcripts/{CHAT}.txt")
    assert bodies(items) == [
        "add a health check\n\nassistant:\nis not a turn here",
        "and a test",
    ]
    assert {each.conversation_id for each in candidates(items)} == {CHAT}


def test_text_that_only_begins_alike_is_not_ours() -> None:
    assert not cursor.probe(document(b"user:\nhello\n\nassistant:\nHi.\n"))


def said(raw: str) -> str | None:
    found = parse_message(raw)
    return found.body if found else None


@pytest.mark.parametrize(
    ("raw", "body"),
    [
        ("hello", "hello"),
        ("  hello\n", "  hello\n"),
        ("<user_query>hello</user_query>", "hello"),
        (
            "<user_query>\nis </user_query> a tag?\n</user_query>\n",
            "is </user_query> a tag?",
        ),
        ("<user_query>\ncut off", "cut off"),
        (
            "<attached_files>\nx\n</attached_files>\n<user_query>\nhello\n</user_query>",
            "hello",
        ),
        ("[Image]\n<image_files>\n1. a.png\n</image_files>\nhello", "hello"),
        (
            "<open_and_recently_viewed_files>\nx\n</open_and_recently_viewed_files>hello",
            "hello",
        ),
        ("hello\n<system_reminder>\nBe quick.\n</system_reminder>", "hello"),
        ("<rules>\nmine\n</rules>\nhello", "<rules>\nmine\n</rules>\nhello"),
        ("<attached_files> is a tag", "<attached_files> is a tag"),
        (
            "/fix a.py\n\n--- Cursor Command: fix.md ---\nDo it.\n--- End Command ---",
            "/fix a.py\n\n",
        ),
        ("[Image]", None),
        ("<user_query>\n\n</user_query>", None),
    ],
)
def test_what_was_typed_is_taken_out_of_its_wrapping(
    raw: str, body: str | None
) -> None:
    assert parse_message(raw)
    assert said(raw) == body


@pytest.mark.parametrize(
    "raw",
    [
        "<user_info>\nOS: linux\n</user_info>",
        "<timestamp>Monday, May 4, 2026, 12:47 AM (UTC)</timestamp>\n"
        "<system_notification>\nThe task has finished.\n</system_notification>",
        "<timestamp>Monday, May 4, 2026, 12:47 AM (UTC)</timestamp>\n\n<user_query>"
        "The above subagent result is already visible to the user.</user_query>",
    ],
)
def test_what_no_person_typed_is_no_prompt(raw: str) -> None:
    assert parse_message(raw) is None


@pytest.mark.parametrize(
    "raw",
    [
        "/review",
        "<user_query>\n/sc:improve\n</user_query>",
        "--- Cursor Command: Create Draft PR ---\nDo it.\n--- End Command ---",
        "<cursor_commands>\n\n--- Cursor Command: a ---\nDo it.\n--- End Command ---\n"
        "</cursor_commands>\n<user_query>\n/a\n</user_query>",
    ],
)
def test_bare_command_is_counted_as_one(raw: str) -> None:
    assert skipped(read(line(raw), line("hello"))) == [{"slash command": 1}]


@pytest.mark.parametrize(
    ("stamp", "time"),
    [
        ("Tuesday, Sep 22, 2026, 2:35 PM (UTC)", (2026, 9, 22, 14, 35)),
        ("Tuesday, Jun 16, 2026, 8:41 PM (UTC-4)", (2026, 6, 17, 0, 41)),
        ("Sunday, Sep 20, 2026, 12:31 AM (UTC+3)", (2026, 9, 19, 21, 31)),
        ("Tuesday, September 22, 2026, 12:05 PM (UTC)", (2026, 9, 22, 12, 5)),
        ("Tuesday, Sep 22, 2026, 2:35 PM", None),
        ("Tuesday, Sep 99, 2026, 2:35 PM (UTC)", None),
        ("2026", None),
    ],
)
def test_stamp(stamp: str, time: tuple[int, ...] | None) -> None:
    found = parse_message(
        f"<timestamp>{stamp}</timestamp>\n<user_query>\nx\n</user_query>"
    )
    assert found
    assert found.sent_at == (datetime(*time, tzinfo=UTC) if time else None)  # type: ignore[misc, arg-type]


def test_registry_gives_our_files_to_us() -> None:
    importer = find_importer(document(line("hello")))
    assert importer
    assert importer.source == "cursor"
