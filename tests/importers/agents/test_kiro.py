"""Kiro: what was typed, in each of its forms."""

import sqlite3

import pytest

from promptvault.importers.agents import kiro
from promptvault.importers.input.field import as_time
from tests.importers.agent_files import KIRO_ROW, kiro_store
from tests.importers.build import (
    Json,
    bodies,
    candidates,
    document,
    failures,
    of_json,
    of_lines,
    skipped,
)


def payload(number: int, content: Json, **fields: Json) -> Json:
    time = f"2026-08-01T11:00:{number:02}Z"
    said = {"type": "user", "content": content, **fields}
    return {"id": f"{number}", "timestamp": time, "payload": said}


def test_ids_and_times_of_lines() -> None:
    content = [{"kind": "text", "data": "one"}, {"kind": "image", "data": {}}]
    data = {"message_id": "p1", "content": content, "meta": {"timestamp": 1785600005}}
    (only,) = candidates(kiro.read(of_lines([{"kind": "Prompt", "data": data}])))
    (draft,) = only.drafts
    assert (draft.body, draft.message_id) == ("one", "p1")
    assert draft.created_at == as_time(1785600005)


def test_session_in_a_folder_is_named_after_it() -> None:
    lines = of_lines([payload(1, "one"), payload(2, "", images=[{}])])
    session = document(lines.opener().read(), "w/sess_1/messages.jsonl")
    items = list(kiro.read(session))
    assert candidates(items)[0].conversation_id == "sess_1"
    assert skipped(items) == [{"no text": 1}]


@pytest.mark.parametrize(
    ("content", "wanted"),
    [
        ("<kiro-ide-message>\none\n</kiro-ide-message>", ["one"]),
        ("<EnvironmentContext>\nx\n</EnvironmentContext>\n\none", ["one"]),
        ("## Included Rules (a.md)\nx", []),
        ("You are operating in a workspace with files\nx", []),
        ([{"type": "text", "text": "one"}], ["one"]),
    ],
)
def test_what_the_editor_added(content: Json, wanted: list[str]) -> None:
    chat = [{"role": "human", "content": content}, {"role": "tool", "content": "x"}]
    value = {"executionId": "e", "chat": chat, "metadata": {"workflowId": "w"}}
    assert bodies(kiro.read(of_json(value))) == wanted


def test_session_of_the_editor() -> None:
    said = {"message": {"role": "user", "content": "one", "id": "m1"}}
    answer = {"message": {"role": "assistant", "content": "x"}, "executionId": "e"}
    value = {"sessionId": "s1", "title": "Counting", "workspaceDirectory": "C:\\w"}
    (only,) = candidates(kiro.read(of_json({**value, "history": [said, answer]})))
    assert (only.conversation_id, only.conversation_title) == ("s1", "Counting")
    assert not kiro.probe(of_json({**value, "history": [said]}))  # Continue's


def test_damaged_row_of_the_database_loses_nothing_else() -> None:
    connection = sqlite3.connect(":memory:")
    connection.deserialize(kiro_store())
    sql = "INSERT INTO conversations_v2 VALUES ('/w', 'c2', ?)"
    connection.executemany(sql, [("{",), (None,), (KIRO_ROW.replace("one é", "x"),)])
    connection.commit()
    items = list(kiro.read(document(connection.serialize(), "data.sqlite3")))
    assert bodies(items) == ["one é", "two", "three", "x", "two", "three"]
    assert len(failures(items)) == 2


def test_database_of_amazon_q() -> None:
    connection = sqlite3.connect(":memory:")
    for table in ("conversations", "auth_kv"):
        connection.execute(f"CREATE TABLE {table} (key TEXT, value TEXT)")
    connection.execute("INSERT INTO conversations VALUES ('/w', ?)", (KIRO_ROW,))
    connection.commit()
    store = document(connection.serialize(), "data.sqlite3")
    assert kiro.probe(store)
    assert bodies(kiro.read(store)) == ["one é", "two", "three"]
    assert candidates(kiro.read(store))[0].conversation_id == "c1"
