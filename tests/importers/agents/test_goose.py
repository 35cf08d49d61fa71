"""Goose: what is shown, and what was typed, in its database and its files."""

import json

import pytest

from promptvault.importers.agents import goose
from promptvault.importers.input.candidate import Item
from tests.importers.agents.database_build import (
    GOOSE,
    Row,
    database,
    goose_message,
    goose_session,
)
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


def read(*rows: Row) -> list[Item]:
    return list(goose.read(document(database(GOOSE, *rows))))


def test_results_of_tools_and_hidden_texts_are_left_out() -> None:
    for_model = {"audience": ["assistant"]}
    items = read(
        goose_session("1"),
        goose_message("1", "look", {"type": "image"}, "closer", message_id="m1"),
        goose_message("1", {"type": "toolResponse", "id": "t"}, "with a note"),
        goose_message("1", "a summary", metadata_json={"userVisible": False}),
        goose_message("1", {"type": "text", "text": "x", "annotations": for_model}),
        goose_message("1", {"type": "image", "data": ""}),
        goose_message("1", "/clear"),
    )
    assert bodies(items) == ["look\ncloser"]
    assert skipped(items) == [{"no text": 1, "slash command": 1}]
    (one,) = candidates(items)
    assert (one.conversation_id, one.conversation_title) == ("1", "A chat")
    assert one.drafts[0].message_id == "m1"


@pytest.mark.parametrize("kind", ["sub_agent", "hidden", "scheduled"])
def test_sessions_in_which_no_person_types(kind: str) -> None:
    items = read(goose_session("1", session_type=kind), goose_message("1", "an order"))
    assert bodies(items) == []
    assert list(skipped(items)[0].values()) == [1]


def test_the_prompt_of_a_recipe_is_not_typed() -> None:
    items = read(
        goose_session(
            "1",
            recipe_json={"prompt": "Review {{ pull }} now"},
            user_recipe_values_json={"pull": "42"},
        ),
        goose_message("1", "Review 42 now"),
        goose_message("1", "and be strict"),
    )
    assert bodies(items) == ["and be strict"]
    assert skipped(items) == [{"recipe": 1}]


def test_a_damaged_message_costs_no_other_one() -> None:
    items = read(
        goose_session("1"),
        goose_message("1", "one"),
        ("messages", {"session_id": "1", "role": "user", "content_json": "["}),
        goose_message("1", "two"),
    )
    assert bodies(items) == ["one", "two"]
    assert len(failures(items)) == 1


def test_the_first_schema_is_read() -> None:
    schema = """CREATE TABLE sessions (id TEXT, working_dir TEXT, description TEXT);
        CREATE TABLE messages (id INTEGER PRIMARY KEY, session_id TEXT, role TEXT,
        content_json TEXT, created_timestamp INTEGER)"""
    _, row = goose_message("1", "hello")
    rows = ("sessions", {"id": "1", "description": "A"}), ("messages", row)
    (one,) = candidates(goose.read(document(database(schema, *rows))))
    assert (one.conversation_title, one.drafts[0].message_id) == ("A", "1/1")


def message(said: str, role: str = "user", **fields: Json) -> Json:
    content = [{"type": "text", "text": said}]
    return {"role": role, "created": 1750000000, "content": content, **fields}


def test_files_and_exports_are_read() -> None:
    header = {"working_dir": "/w", "description": "A chat", "message_count": 2}
    rows = [message("one"), message("Hm.", "assistant"), message("two")]
    for given in (
        of_lines([header, *rows]),
        of_json({"id": "1", **header, "conversation": rows, "extension_data": {}}),
    ):
        assert goose.probe(given)
        found = candidates(goose.read(given))
        assert [each.drafts[0].body for each in found] == ["one", "two"]
        assert found[0].conversation_title == "A chat"
    assert goose.probe(of_lines(rows))


def test_files_of_others_are_not_claimed() -> None:
    assert not goose.probe(of_lines([{"role": "user", "content": "hello"}]))
    assert not goose.probe(of_json({"working_dir": "/w", "conversation": []}))
    other = "CREATE TABLE sessions (id); CREATE TABLE messages (id, role, content)"
    assert not goose.probe(document(database(other)))
    assert not goose.probe(of_lines([{**message("a"), "uuid": json.dumps(1)}]))
