"""A document finds its importer by structure, under any name."""

from typing import Any

import pytest

from promptvault.errors import InvalidInputError
from promptvault.importers import registry
from promptvault.importers.input.candidate import Skipped
from tests.importers.build import (
    Json,
    bodies,
    chat,
    document,
    message,
    of_json,
    of_lines,
    talk,
    turn,
)

CHAT = chat(turn("u", None, "hello"))
TALK = talk(message("m", "hello", 1))
PROJECT = {"uuid": "p", "name": "P", "prompt_template": "", "docs": []}
DESIGN = {"uuid": "d", "project": {"name": "P"}, "messages": []}


def source(value: Json) -> str | None:
    importer = registry.find_importer(of_json(value))
    return importer.source if importer else None


@pytest.mark.parametrize(
    "value",
    [
        [CHAT],
        CHAT,
        {"conversations": [CHAT]},
        [None, {"title": "no mapping"}, CHAT],
        {"mapping": {}, "current_node": None},
        {"logical_files": {"conversations.json": {"files": []}}, "version": 1},
    ],
)
def test_chatgpt_is_known(value: Json) -> None:
    assert source(value) == "chatgpt"


@pytest.mark.parametrize(
    "value",
    [
        [TALK],
        TALK,
        {"data": [TALK]},
        [PROJECT],
        PROJECT,
        DESIGN,
        message("m", "hello", 1),
        {"data_files": [{"export_url": "https://x", "filename": "a.zip"}]},
    ],
)
def test_claude_is_known(value: Json) -> None:
    assert source(value) == "claude"


@pytest.mark.parametrize(
    "value",
    [
        [],
        {},
        7,
        "mapping",
        [{"id": "f", "conversation_id": "c", "rating": "thumbs_up", "content": "{}"}],
        [{"id": "s", "conversation_id": "c", "title": "A chat"}],
        {"id": "user-1", "email": "a@example.org"},
        [{"uuid": "u", "full_name": "A", "email_address": "a@example.org"}],
        [{"uuid": "u", "conversations_memory": "x", "account_uuid": "a"}],
        {"account_uuid": "a", "conversations_memory": "x", "memory_files": []},
        [{"id": "task", "title": "t", "turns": []}],
        {"file-1.dat": "photo.jpg"},
        {"mapping": {"a": "b"}},
        {"name": "a-package", "version": "1.0.0", "scripts": {"test": "x"}},
        {"compilerOptions": {"strict": True}, "include": ["src"]},
        {"custom_id": "1", "url": "/v1/embeddings", "body": {"input": "x"}},
    ],
)
def test_decoys_are_passed_over(value: Json) -> None:
    assert source(value) is None


@pytest.mark.parametrize(
    "value",
    [
        {"messages": [{"role": "user", "content": "hello"}]},
        [{"id": "1", "conversations": [{"from": "human", "value": "hello"}]}],
        {"conversation": {}, "responses": [{"sender": "human", "message": "hello"}]},
        [{"prompt": "hello", "completion": "Hi."}],
    ],
)
def test_dataset_is_known(value: Json) -> None:
    assert source(value) == "dataset"


def test_json_lines_are_known() -> None:
    importer = registry.find_importer(of_lines([TALK, TALK]))
    assert importer
    assert importer.source == "claude"


def test_damaged_beginning_is_overcome() -> None:
    data = of_json([CHAT, CHAT]).head.replace(b"hello", b'"', 1)
    importer = registry.find_importer(document(data))
    assert importer
    assert importer.source == "chatgpt"


def test_named_source_is_taken_at_its_word_for_a_file_by_itself() -> None:
    importer = registry.find_importer(document(b"[{]"), "claude")
    assert importer
    assert importer.source == "claude"


def test_named_source_is_still_asked_in_a_container() -> None:
    decoy = document(b"[]", "user.json", ["user.json", "conversations.json"])
    assert registry.find_importer(decoy, "chatgpt") is None


def test_unknown_source_names_the_known_ones() -> None:
    with pytest.raises(InvalidInputError, match=r"auto, .*chatgpt, claude"):
        registry.find_importer(document(b"[]"), "clod")


def test_sources_are_distinct() -> None:
    names: list[Any] = [importer.source for importer in registry.importers()]
    assert len(set(names)) == len(names)


def test_what_is_in_doubt_is_counted_unless_it_is_asked_for() -> None:
    page = document(b"Use it.", "docs/a.md", ["docs/a.md", "main.py"])
    counting = registry.find_importer(page)
    assert counting
    assert list(counting.read(page)) == [Skipped("plain text among other files")]
    assert not counting.remembered
    asked = registry.find_importer(page, "text")
    assert asked
    assert bodies(asked.read(page)) == ["Use it."]


def test_uploads_of_an_export_are_skipped_anywhere_in_it() -> None:
    upload = b'{"messages": [{"role": "user", "content": "x"}]}'
    names = ["file-a.jsonl", "conversations.json"]
    importer = registry.find_importer(document(upload, names[0], names))
    assert importer
    assert list(importer.read(document(upload))) == [
        Skipped("a loose file beside a chat export")
    ]


def test_data_of_a_program_is_in_doubt() -> None:
    data = b'{"messages": [{"role": "user", "content": "x"}]}'
    found = [
        registry.find_importer(document(data, name, [name, other]))
        for name, other in (
            ("data/a.jsonl", "train.py"),
            ("prompts/a.jsonl", "train.py"),
            ("a.jsonl", "b.pdf"),
        )
    ]
    assert [bool(each and each.remembered) for each in found] == [False, True, True]


@pytest.mark.parametrize(
    ("value", "source"),
    [
        ([{"header": "Gemini Apps", "title": "x", "time": "2026"}], "gemini"),
        ([{"chunkedPrompt": {"chunks": []}}], "ai-studio"),
        ([{"sessionId": "s", "projectHash": "p", "messages": []}], "gemini-cli"),
    ],
)
def test_product_names_all_its_kinds_of_files(value: Json, source: str) -> None:
    importer = registry.find_importer(of_json(value), "gemini")
    assert importer
    assert importer.source == source
