"""Databases of OpenCode: what a person typed, and nothing else."""

import json
import sqlite3
from pathlib import Path

import pytest

from promptvault.importers.input.candidate import Item
from promptvault.importers.opencode import database, source
from tests.importers.build import (
    bodies,
    candidates,
    document,
    failures,
    imported,
    skipped,
)
from tests.importers.opencode.build import SCHEMA, START, Database, answer, text, user


def read(found: Database) -> list[Item]:
    return list(source.read(document(found.data, "opencode.db")))


def test_a_prompt_has_its_message_session_time_and_model() -> None:
    found = Database(SCHEMA + "ALTER TABLE session ADD COLUMN share_url text;")
    model = {"providerID": "p", "modelID": "opus"}
    found.add("ses_1", user("hello", model=model), share_url="https://x.test/s/1")
    (one,) = candidates(read(found))
    (draft,) = one.drafts
    assert (draft.message_id, draft.model) == ("msg_1", "opus")
    assert draft.created_at is not None
    assert draft.created_at.timestamp() == START / 1000 + 1
    assert (one.conversation_id, one.conversation_title) == ("ses_1", "A chat")
    assert (one.opening, one.url) == (True, "https://x.test/s/1")


def test_texts_that_the_program_adds_are_left_out() -> None:
    found = Database()
    found.add(
        "ses_1",
        user(
            text("Called the Read tool", synthetic=True),
            {"type": "file", "mime": "text/plain", "url": "file:///a.py"},
            "look at this",
            text("seen by nobody", ignored=True),
            "and at that",
        ),
        user({"type": "compaction", "auto": True}),
        user(text("Continue if you have next steps", synthetic=True)),
        user({"type": "file", "mime": "image/png", "url": "data:image/png;base64,AA"}),
        user({"type": "subtask", "prompt": "Search", "agent": "explore"}),
        user("/clear"),
    )
    items = read(found)
    assert bodies(items) == ["look at this\nand at that"]
    assert skipped(items) == [{"no text": 1, "slash command": 1}]


def test_sessions_of_subagents_are_counted() -> None:
    found = Database()
    found.add("ses_1", user("mine"))
    found.add("ses_2", user("its order"), user("another"), parent_id="ses_1")
    items = read(found)
    assert bodies(items) == ["mine"]
    assert skipped(items) == [{}, {"subagent": 2}]


@pytest.mark.parametrize(
    ("revert", "kept"),
    [
        ({"messageID": "msg_3"}, ["one"]),
        ({"messageID": "msg_3", "partID": "prt_msg_3_1"}, ["one", "two"]),
        ({"messageID": "msg_2", "partID": "prt_msg_2_1"}, ["one"]),
        ({"messageID": "msg_9"}, ["one", "two\nmore", "three"]),
        ("damaged", ["one", "two\nmore", "three"]),
    ],
)
def test_what_the_person_undid_is_an_abandoned_branch(
    revert: object, kept: list[str]
) -> None:
    found = Database(SCHEMA + "ALTER TABLE session ADD COLUMN revert text;")
    messages = (user("one"), answer(), user("two", "more"), answer(), user("three"))
    found.add("ses_1", *messages, revert=json.dumps(revert))
    assert bodies(read(found)) == kept


def test_a_title_that_the_program_gave_is_none() -> None:
    found = Database()
    found.add("ses_1", user("a"), title="New session - 2026-03-22T10:00:00.000Z")
    (one,) = candidates(read(found))
    assert one.conversation_title is None


def test_the_oldest_session_comes_first() -> None:
    found = Database()
    found.add("ses_1", user("the fork"), time_created=START + 9)
    found.add("ses_2", user("the original"))
    assert bodies(read(found)) == ["the original", "the fork"]


def test_messages_of_the_next_schema_are_read_once() -> None:
    found = Database(
        SCHEMA
        + """CREATE TABLE session_message (id text PRIMARY KEY, session_id text,
        type text, seq integer, time_created integer, data text);"""
    )
    found.add("ses_1", user("in both"))
    rows = [
        ("msg_1", "user", 1, {"text": "in both"}),
        ("msg_8", "user", START + 9000, {"text": "only here"}),
        ("msg_9", "synthetic", START + 9001, {"text": "a machine's"}),
        ("msg_a", "user", START + 9002, {"text": "", "files": [{"uri": "a.png"}]}),
    ]
    found.connection.executemany(
        "INSERT INTO session_message VALUES (?, 'ses_1', ?, 0, ?, ?)",
        [(key, kind, made, json.dumps(data)) for key, kind, made, data in rows],
    )
    assert bodies(read(found)) == ["in both", "only here"]


def test_a_damaged_message_costs_no_other_one() -> None:
    found = Database()
    found.add("ses_1", user("one"), user("two"), user("three"))
    found.connection.execute("UPDATE part SET data = '{' WHERE message_id = 'msg_2'")
    items = read(found)
    assert bodies(items) == ["one", "three"]
    (bad,) = failures(items)
    assert bad.where == "opencode.db, message msg_2"


def test_a_damaged_page_costs_the_sessions_on_it_alone() -> None:
    indexed = "CREATE INDEX i ON message (session_id, time_created, id);"
    found = Database(SCHEMA + indexed)
    for number in range(40):
        found.add(f"ses_{number:02}", user(f"prompt {number}", agent="x" * 200))
    data = bytearray(found.data)
    place = data.index(b'"role": "user"', len(data) // 2) // 1024 * 1024
    data[place : place + 1024] = bytes(1024)
    items = list(source.read(document(bytes(data), "opencode.db")))
    assert 30 < len(bodies(items)) < 40
    assert len(bodies(items)) + len(failures(items)) == 40


def test_answers_are_not_read() -> None:
    """A part larger than SQLite is allowed to return would end the import."""
    found = Database()
    found.add("ses_1", user("one"), answer(), user("two"))
    sql = "UPDATE part SET data = zeroblob(70000000) WHERE message_id = 'msg_2'"
    found.connection.execute(sql)
    items = read(found)
    assert (bodies(items), failures(items)) == (["one", "two"], [])


def test_databases_of_others_are_not_claimed() -> None:
    other = Database(
        "CREATE TABLE session (id, title); CREATE TABLE message (id, data);"
        "CREATE TABLE part (id, data)"
    )
    assert not database.is_database(document(other.data))
    assert not source.probe(document(Database().data, "kilo.db"))


def test_a_log_that_was_not_written_back_is_read(tmp_path: Path) -> None:
    found = Database()
    found.add("ses_1", user("one"))
    path = tmp_path / "opencode.db"
    path.write_bytes(found.data)
    with sqlite3.connect(path) as other:
        other.execute("PRAGMA journal_mode = WAL")
        other.execute("UPDATE part SET data = replace(data, 'one', 'newer')")
        other.commit()
        assert bodies(imported(path)) == ["newer"]
    other.close()
