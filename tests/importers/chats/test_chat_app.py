"""Chats of Grok and Open WebUI in shapes that drift: unordered, without ids, older."""

from promptvault.importers.chats.chat_app import is_chat, read_chat
from promptvault.importers.conversation.message_list import SystemPrompts
from tests.importers.build import Json, bodies


def read(value: Json) -> list[str]:
    assert is_chat(value)
    return bodies([read_chat(value, SystemPrompts())])


def test_messages_without_links_are_sorted_by_time() -> None:
    responses = [
        {"response": {"sender": sender, "message": text, "create_time": made}}
        for sender, text, made in (
            ("human", "second", 1777629600),
            ("ASSISTANT", "no", "2026-04-01T00:00:01Z"),
            ("Human", "first", {"$date": {"$numberLong": "1775001600000"}}),
        )
    ]
    assert read({"conversation": {}, "responses": responses}) == ["first", "second"]


def test_open_webui_before_it_stored_a_tree() -> None:
    messages = [
        {"id": "1", "role": "user", "content": "first", "timestamp": 1},
        {"id": "2", "role": "assistant", "content": "no", "timestamp": 2},
        {"role": "user", "content": [{"type": "text", "text": "second"}]},
    ]
    assert read({"id": "o", "chat": {"messages": messages}}) == ["first", "second"]
