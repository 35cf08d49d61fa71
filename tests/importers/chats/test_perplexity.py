"""Perplexity's threads in three shapes, sorted, with what is known of them."""

import pytest

from promptvault.importers.chats import perplexity
from promptvault.importers.input.candidate import Candidate
from promptvault.importers.registry import find_importer
from tests.importers.build import (
    Json,
    bodies,
    candidates,
    failures,
    of_json,
    skipped,
)

EXTENSION = {
    "metadata": {"thread_id": "t", "thread_title": "Tea", "thread_url": "tea-t"},
    "conversations": [
        {"uuid": "b", "query": "second", "timestamp": "2026-01-02T00:00:00Z"},
        {
            "uuid": "a",
            "query": "first",
            "answer": "no",
            "model": "m",
            "timestamp": "2026-01-01T00:00:00Z",
        },
    ],
}
WEBSITE = {
    "status": "success",
    "entries": [
        {
            "backend_uuid": key,
            "context_uuid": "t",
            "thread_url_slug": "tea-t",
            "query_str": text,
            "display_model": "m",
            "entry_created_datetime": f"2026-01-0{day}T00:00:00.123",
            "blocks": [{"markdown_block": {"answer": "no"}}],
        }
        for key, text, day in (("b", "second", 2), ("a", "first", 1))
    ],
    "thread_metadata": {"title": "Tea", "created_at": "2026-01-01T00:00:00"},
}
OWN = {
    "context_uuid": "t",
    "context_title": "Tea",
    "created_at": "2026-01-01T00:00:00Z",
    "entries": [
        {
            "entry_uuid": key,
            "query": text,
            "answer": "no",
            "created_at": f"2026-01-0{day}T00:00:00",
        }
        for key, text, day in (("a", "first", 1), ("b", "second", 2))
    ],
}


def read(value: Json) -> list[Candidate]:
    document = of_json(value)
    assert perplexity.probe(document)
    return candidates(perplexity.read(document))


@pytest.mark.parametrize(
    "value",
    [EXTENSION, [EXTENSION], WEBSITE, [WEBSITE], {"conversations": [OWN]}, OWN],
    ids=["extension", "extensions", "website", "websites", "own", "one of its own"],
)
def test_each_shape(value: Json) -> None:
    first, second = read(value)
    assert (first.drafts[0].body, second.drafts[0].body) == ("first", "second")
    assert first.drafts[0].message_id == "a"
    assert str(first.drafts[0].created_at)[:10] == "2026-01-01"
    assert (first.conversation_id, first.conversation_title) == ("t", "Tea")
    assert first.opening
    assert not second.opening


def test_address_and_model() -> None:
    for value in (EXTENSION, WEBSITE):
        first = read(value)[0]
        assert first.url == "https://www.perplexity.ai/search/tea-t"
        assert first.drafts[0].model == "m"


def test_entries_without_text_and_strange_threads() -> None:
    entries = [None, 3, {"query_str": None}, {"query_str": "said"}, {"answer": "no"}]
    items = list(perplexity.read(of_json([{"entries": entries}, 3, {}, None])))
    assert bodies(items) == ["said"]
    assert len(failures(items)) == 3
    assert skipped(items) == [{"no text": 4}]


def test_an_account_of_many_threads_is_read_thread_by_thread() -> None:
    empty = {"context_uuid": "e", "entries": []}
    items = list(perplexity.read(of_json({"conversations": [OWN, empty, OWN]})))
    assert bodies(items) == ["first", "second"] * 2
    assert skipped(items)[1] == {"empty conversation": 1}


@pytest.mark.parametrize(
    "value",
    [
        {"metadata": {"name": "x"}, "conversations": [{"from": "human", "value": "a"}]},
        {"conversations": [{"conversation": {"id": "g"}, "responses": []}]},
        {
            "conversations": [
                {"id": "s", "messages": [{"role": "user", "content": "a"}]}
            ]
        },
        [{"query": "a", "answer": "b"}],
        [{"query": "a", "answer": "b", "thread_id": "https://www.perplexity.ai"}],
    ],
    ids=["ShareGPT", "Grok", "messages", "questions", "questions with their thread"],
)
def test_what_others_write_is_not_taken(value: Json) -> None:
    found = find_importer(of_json(value))
    assert found is None or found.source != "perplexity"
