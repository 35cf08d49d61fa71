"""ChatWise: the files of its export, never those with keys, and its database."""

import json
import sqlite3
from pathlib import Path

from promptvault.importers.chats import chatwise
from promptvault.importers.input.candidate import CandidateKind, Skipped
from tests.importers.build import (
    Json,
    archive,
    bodies,
    candidates,
    document,
    failures,
    imported,
    of_json,
    skipped,
)

KEY = "sk-not-to-be-read"


def chat(*messages: Json, **fields: Json) -> Json:
    return {
        "id": "c1",
        "title": "A chat",
        "model": "m",
        "systemInstruction": "Be brief.",
        "messages": list(messages),
        **fields,
    }


def said(content: Json, **fields: Json) -> Json:
    made = "2026-01-01T00:00:00.000Z"
    return {"id": "1", "role": "user", "content": content, "createdAt": made} | fields


def test_prompt_with_all_that_is_known_of_it() -> None:
    answer = said("@message_part::reasoning-1_0\nno", role="assistant")
    value = chat(said("@message_part::text_0\nask"), answer, said("", files=["/a"]))
    items = list(chatwise.read(of_json(value)))
    (found,) = candidates(items)
    (draft,) = found.drafts
    assert (draft.body, draft.message_id, draft.model) == ("ask", "1", "m")
    assert str(draft.created_at) == "2026-01-01 00:00:00+00:00"
    assert (found.conversation_id, found.conversation_title) == ("c1", "A chat")
    assert bodies(items, CandidateKind.INSTRUCTIONS) == ["Be brief."]
    assert skipped(items) == [{"no text": 1}]


def test_export(tmp_path: Path) -> None:
    plain = {"id": "c2", "title": "B", "messages": [said("plain")]}
    files = {
        "chatwise-export-verison.txt": b"1",
        "chat-1.json": json.dumps(chat(said("ask"))).encode(),
        "chat-2.json": json.dumps(plain).encode(),
        "prompts.json": json.dumps([{"title": "Sum", "content": "Sum it."}]).encode(),
        "assistants.json": json.dumps(
            [{"name": "Pirate", "systemInstruction": "Talk so."}]
        ).encode(),
        "providers.json": json.dumps([{"name": "x", "apiKey": KEY}]).encode(),
        "config.json": json.dumps({"prompt": KEY, "name": "x"}).encode(),
    }
    path = tmp_path / "export.zip"
    path.write_bytes(archive(files))
    items = imported(path)
    assert sorted(bodies(items)) == ["Sum it.", "ask", "plain"]
    assert set(bodies(items, CandidateKind.INSTRUCTIONS)) == {"Be brief.", "Talk so."}
    assert KEY not in str(items)
    assert items.count(Skipped("settings of the app")) == 2


def test_strange_values_stop_nothing() -> None:
    strange = [None, 3, {}, {"messages": 3}, chat(None, 3, said(None)), chat(deleted=1)]
    items = list(chatwise.read(of_json([*strange, chat(said("ask"))])))
    assert bodies(items) == ["ask"]
    assert len(failures(items)) == 4
    assert Skipped("deleted") in items


def database(script: str) -> bytes:
    with sqlite3.connect(":memory:") as connection:
        connection.executescript(script)
    return connection.serialize()


def test_database_of_the_app() -> None:
    data = database(
        """CREATE TABLE chat (id, title, model, createdAt, lastReplyAt, assistantId,
            systemInstruction);
        CREATE TABLE message (id, chatId, role, content, model, createdAt);
        INSERT INTO chat VALUES ('a', 'A', 'm', 1, 2, NULL, 'Be brief.'),
            ('b', NULL, NULL, 'x', 2, NULL, 'Be brief.');
        INSERT INTO message VALUES ('2', 'a', 'user', 'second', 'm', 1772359300000),
            ('1', 'a', 'user', 'first', 'm', 1772359200000),
            ('3', 'a', 'assistant', 'no', 'm', 1772359200001),
            ('4', 'b', 'User', x'ff', NULL, 'x'), ('5', 'b', 'user', 'other', 3, NULL),
            (6, 'gone', 'user', 'alone', NULL, 1.5)"""
    )
    assert chatwise.probe(document(data, "app.db"))
    items = list(chatwise.read(document(data, "app.db")))
    assert bodies(items) == ["first", "second", "other", "alone"]
    assert bodies(items, CandidateKind.INSTRUCTIONS) == ["Be brief."]
    first = candidates(items)[0]
    assert (first.conversation_id, first.conversation_title) == ("a", "A")
    assert str(first.drafts[0].created_at) == "2026-03-01 10:00:00+00:00"


def test_database_of_another_program_with_such_tables() -> None:
    data = database(
        "CREATE TABLE chat (_id, subject); CREATE TABLE message (_id, text)"
    )
    assert not chatwise.probe(document(data, "msgstore.db"))
