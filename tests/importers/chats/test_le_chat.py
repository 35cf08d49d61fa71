"""Le Chat's lists of messages: sorted, with versions as drafts and texts in parts."""

import json
from pathlib import Path

from promptvault.importers.chats import le_chat
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


def message(key: str, minute: int, content: Json, **fields: Json) -> Json:
    return {
        "id": key,
        "version": 0,
        "chatId": "0a1b",
        "content": content,
        "contentChunks": None,
        "role": "user",
        "createdAt": f"2026-06-01T10:{minute:02}:00.000Z",
        "files": [],
        **fields,
    }


def text(said: str) -> Json:
    return {"type": "text", "text": said}


def test_messages_are_sorted_and_only_typed_ones_taken() -> None:
    chunks = [text("in"), {"type": "tool_call", "name": "x"}, text("parts")]
    messages = [
        message("3", 3, "", contentChunks=chunks),
        message("1", 1, "first", contentChunks=[text("first")]),
        message("2", 2, "no", role="assistant"),
        message("4", 4, "", files=[{"type": "image", "name": "a.png"}]),
    ]
    items = list(le_chat.read(of_json(messages)))
    assert bodies(items) == ["first", "in\nparts"]
    assert skipped(items) == [{"no text": 1}]
    opening, last = candidates(items)
    assert opening.opening
    assert not last.opening
    assert opening.conversation_title == "first"
    assert opening.url == "https://chat.mistral.ai/chat/0a1b"


def test_versions_of_a_message_are_drafts() -> None:
    messages = [
        message("2", 9, "next"),
        message("1", 5, "final", version=2),
        message("1", 1, "first"),
    ]
    found = candidates(le_chat.read(of_json(messages)))
    texts = [[draft.body for draft in each.drafts] for each in found]
    assert texts == [["first", "final"], ["next"]]


def test_chat_without_ids_is_named_by_its_file() -> None:
    messages = [{"role": "user", "content": "a"}, {"role": "user", "content": "b"}]
    found = candidates(le_chat.read(of_json(messages, "export/chat-0c2d.json")))
    assert [each.drafts[0].body for each in found] == ["a", "b"]
    assert {each.conversation_id for each in found} == {"0c2d"}
    assert found[0].drafts[0].message_id is None


def test_times_may_be_numbers_and_chats_share_a_file() -> None:
    messages = [
        message("1", 0, "late", createdAt=1772359300),
        message("2", 0, "other", createdAt=1772359100000, chatId="ff"),
        message("3", 0, "early", createdAt=1772359200000),
    ]
    found = candidates(le_chat.read(of_json(messages)))
    ids = [(each.drafts[0].body, each.conversation_id) for each in found]
    assert ids == [("other", "ff"), ("early", "0a1b"), ("late", "0a1b")]


def test_uploads_of_an_export_are_no_prompts(tmp_path: Path) -> None:
    files = {
        "chat-0a1b.json": json.dumps([message("1", 1, "sum it")]).encode(),
        "chat-0a1b-files/notes.md": b"Notes that a person uploaded.",
        "chat-0a1b-files/table.csv": b"act,prompt\nA,Notes\n",
        "chat-0a1b-files/data.json": b'[{"prompt": "x", "completion": "y"}]',
    }
    path = tmp_path / "chat-export-1787000000000.zip"
    path.write_bytes(archive(files))
    assert bodies(imported(path)) == ["sum it"]


def test_damaged_messages_stop_nothing() -> None:
    strange = [None, 3, [], {"x": 1}, message("2", 1, {"a": []}, version="x")]
    items = list(le_chat.read(of_json([*strange, message("1", 2, "said")])))
    assert bodies(items) == ["said"]
    assert len(failures(items)) == 4
    cut = b'[{"chatId": "a", "role": "user", "content": "said", "quotes": []}, {"chatI'
    items = list(le_chat.read(document(cut)))
    assert bodies(items) == ["said"]
    assert len(failures(items)) == 1
