"""A claimed document in which nothing is found, although it holds messages, fails."""

from collections.abc import Iterable

import pytest

from promptvault.errors import ImportSourceError
from promptvault.importers.importer import Importer
from promptvault.importers.input.candidate import (
    Candidate,
    Conversation,
    Draft,
    Failure,
    Item,
    Skipped,
)
from promptvault.importers.reading import (
    find_unclaimed,
    holds_user_message,
    read_items,
)
from tests.importers.build import Json, document, of_json

SAID = {"role": "user", "content": "Hello."}


def yielding(*items: Item) -> Importer:
    return Importer("mine", lambda _: True, lambda _: iter(items))


@pytest.mark.parametrize(
    "items",
    [
        [],
        [Conversation((), {})],
        [Conversation((), {"empty conversation": 1}), Skipped("no text")],
    ],
)
def test_nothing_found_in_messages_fails(items: Iterable[Item]) -> None:
    with pytest.raises(ImportSourceError, match="none could be read as mine"):
        list(read_items(yielding(*items), of_json([SAID])))
    assert list(read_items(yielding(*items), of_json([{"role": "system"}]))) == items


@pytest.mark.parametrize(
    "item",
    [
        Candidate((Draft("Hello."),)),
        Conversation((Candidate((Draft("Hello."),)),)),
        Conversation((), {"empty conversation": 1, "subagent": 1}),
        Skipped("another Google product"),
        Failure("here", "it is damaged"),
    ],
)
def test_what_was_found_or_left_out_is_enough(item: Item) -> None:
    assert list(read_items(yielding(Skipped("no text"), item), of_json([SAID])))


@pytest.mark.parametrize(
    "value",
    [
        {"messages": [{"author": {"role": "USER"}, "content": {"parts": ["", "Hi"]}}]},
        {"mapping": {"a": {"message": {"fragments": [
            {"type": "REQUEST", "content": "Hi"}]}}}},
        {"turns": [{"sender": "Human", "blocks": [{"kind": "text", "text": "Hi"}]}]},
        {"type": "user", "message": {"content": "Hi"}},
    ],
)  # fmt: skip
def test_messages_are_known_in_any_structure(value: Json) -> None:
    assert holds_user_message(of_json([value]))


@pytest.mark.parametrize(
    "value",
    [
        {"role": "user", "content": ""},
        {"role": "user", "content": "<environment_context>x</environment_context>"},
        {"role": "user", "content": [{"type": "tool_result", "content": "Hi"}]},
        {"role": "user", "id": "u1", "created_at": "2026-01-01"},
        {"role": "assistant", "content": "Hi"},
        {"user": {"name": "Ann", "content": 7}},
    ],
)
def test_no_message_is_seen_where_no_person_wrote(value: Json) -> None:
    assert not holds_user_message(of_json([value]))


def test_an_export_that_is_cut_off_in_its_first_chat_is_named() -> None:
    cut = b'[{"mapping": {"a": {"message": {"author": {"role": "user"}, "con'
    assert find_unclaimed(document(cut, "conversations.json")) == Failure(
        "conversations.json", "it holds messages, but its JSON is damaged"
    )
    assert find_unclaimed(document(b'{"role": "admin", "con', "a.json")) is None
