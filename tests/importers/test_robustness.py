"""Whatever a file holds, reading it yields or fails by the piece; it never raises."""

import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from promptvault.importers.candidate import Failure, Item
from promptvault.importers.registry import IMPORTERS, Importer

from .build import (
    Json,
    bodies,
    chat,
    document,
    failures,
    message,
    of_json,
    talk,
    turn,
)

EXPORTS: dict[str, list[Json]] = {
    "chatgpt": [
        chat(turn("u", None, "one é"), turn("a", "u", "Hi.", "assistant")),
        chat(turn("u", None, "two"), turn("v", "u", "three")),
    ],
    "claude": [
        talk(message("m", "one é", 1), message("x", "Hi.", 2, "assistant")),
        talk(message("m", "two", 1), message("n", "three", 2)),
    ],
    "promptvault": [
        {"name": "a", "body": "one é", "tags": ["x"], "labels": {"live": 1}},
        {"name": "b/c", "body": "two", "origins": [{"source": "chatgpt"}]},
        {"name": "b/d", "body": "three", "variables": [{"name": "v"}], "uses": 3},
    ],
}
# Keys that the importers look at, so that strange values meet their readers.
KEYS = st.sampled_from(
    """mapping message author role content content_type parts parent metadata
    create_time current_node conversation_id logical_files conversations.json files
    user_context_message_data user_profile about_user_message chat_messages uuid
    sender text type created_at parent_message_uuid attachments extracted_content
    prompt_template docs messages project name contentBlocks data_files filename
    current_leaf_message_uuid a b""".split()
)
WORDS = st.sampled_from(
    ["user", "human", "text", "a", "b", "", "user_editable_context", "multimodal_text"]
)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | WORDS
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=6)
    ),
    max_leaves=40,
)
importers = pytest.mark.parametrize("importer", IMPORTERS, ids=lambda each: each.source)


def drain(importer: Importer, data: bytes) -> list[Item]:
    siblings = ["one", "two"]
    return list(importer.read(document(data, "file", siblings)))


@st.composite
def bent(draw: st.DrawFn, value: Json) -> Json:
    """Draw *value* with any part of it replaced by something strange."""
    if draw(st.integers(0, 12)) == 0:
        return draw(VALUES)
    if isinstance(value, dict):
        return {key: draw(bent(inner)) for key, inner in value.items()}
    if isinstance(value, list):
        return [draw(bent(inner)) for inner in value]
    return value


@importers
@given(st.lists(VALUES, max_size=4))
@settings(max_examples=200, deadline=None)
def test_arbitrary_json(importer: Importer, value: Any) -> None:
    items = drain(importer, json.dumps(value).encode())
    json.dumps([str(item) for item in items]).encode()
    assert importer.probe(of_json(value)) in (True, False)


@importers
@given(st.data())
@settings(max_examples=200, deadline=None)
def test_export_with_strange_parts(importer: Importer, data: st.DataObject) -> None:
    value = data.draw(bent(EXPORTS[importer.source]))
    for body in bodies(drain(importer, json.dumps(value).encode())):
        body.encode()  # which a lone surrogate would not let
        assert body.strip()


@importers
def test_export_cut_off_at_every_byte(importer: Importer) -> None:
    whole = json.dumps(EXPORTS[importer.source], ensure_ascii=False).encode()
    for cut in range(len(whole)):
        items = drain(importer, whole[:cut])
        assert bodies(items) == ["one é", "two", "three"][: len(bodies(items))]
        assert cut == 0 or isinstance(items[-1], Failure)
        assert len([item for item in items if isinstance(item, Failure)]) <= 1
    assert bodies(drain(importer, whole)) == ["one é", "two", "three"]


@importers
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_encodings_and_line_ends(
    importer: Importer, encoding: str, line_end: str
) -> None:
    text = json.dumps(EXPORTS[importer.source], ensure_ascii=False, indent=1)
    data = text.replace("\n", line_end).encode(encoding)
    assert importer.probe(document(data))
    assert bodies(drain(importer, data)) == ["one é", "two", "three"]


@importers
@pytest.mark.parametrize("depth", [500, 10_000, 100_000])
def test_deep_nesting(importer: Importer, depth: int) -> None:
    deep = '{"x": ' + "[" * depth + "]" * depth + "}"
    first, *others = map(json.dumps, EXPORTS[importer.source])
    items = drain(importer, f"[{', '.join([first, deep, *others])}]".encode())
    assert bodies(items) == ["one é", "two", "three"]
    assert sum(isinstance(item, Failure) for item in items) == 1


@importers
def test_failure_says_where_and_why_without_the_text(importer: Importer) -> None:
    data = json.dumps(EXPORTS[importer.source]).replace('"two"', "two secret", 1)
    (bad, *others) = failures(drain(importer, data.encode()))
    assert not others
    assert re.fullmatch("file, (conversation|prompt) 2", bad.where)
    assert "secret" not in bad.reason
