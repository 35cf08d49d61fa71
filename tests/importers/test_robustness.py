"""Reading any file yields items or failures; it never raises."""

import contextlib
import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from promptvault.errors import ImportSourceError
from promptvault.importers.importer import Importer
from promptvault.importers.input.candidate import Failure, Item
from promptvault.importers.registry import find_importer, importers
from tests.importers.build import Json, bodies, document, failures, of_json
from tests.importers.examples import EXAMPLES, Example

# Keys that the importers look at, so that strange values meet their readers.
KEYS = st.sampled_from(
    """mapping message author role content content_type parts parent metadata
    create_time current_node conversation_id logical_files conversations.json files
    user_context_message_data user_profile about_user_message chat_messages uuid
    sender text type created_at parent_message_uuid attachments extracted_content
    prompt_template docs messages project name contentBlocks data_files filename
    current_leaf_message_uuid fragments inserted_at chatId contentChunks entries
    query_str conversations versions currentlySelected object thread_id assistants
    chatID data chats userPrompts userCharacters systemInstruction a b""".split()
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
IMPORTERS = tuple(importers())
every_importer = pytest.mark.parametrize(
    "importer", IMPORTERS, ids=lambda each: each.source
)
examples = pytest.mark.parametrize("example", EXAMPLES, ids=lambda e: f"{e[0]} {e[1]}")
json_examples = pytest.mark.parametrize(
    "example",
    [each for each in EXAMPLES if not isinstance(each.value, bytes)],
    ids=lambda e: f"{e[0]} {e[1]}",
)
other_examples = pytest.mark.parametrize(
    "example",
    [each for each in EXAMPLES if isinstance(each.value, bytes)],
    ids=lambda e: f"{e[0]} {e[1]}",
)
WANTED = ["one é", "two", "three"]


def drain(importer: Importer, data: bytes, name: str = "file") -> list[Item]:
    siblings = ["one", "two"]
    return list(importer.read(document(data, name, siblings)))


def read(example: Example, data: bytes) -> list[Item]:
    """Read *data* as the source of *example*; only the contract's exception is
    allowed."""
    importer = importer_of(example)
    items: list[Item] = []
    try:
        for item in importer.read(document(data, example.name)):
            items.append(item)
    except ImportSourceError as error:
        items.append(Failure(example.name, str(error)))
    return items


def importer_of(example: Example) -> Importer:
    return next(each for each in IMPORTERS if each.source == example.source)


@st.composite
def bent(draw: st.DrawFn, value: Json) -> Json:
    """Draw *value* with any part of it replaced by an unexpected one."""
    if draw(st.integers(0, 12)) == 0:
        return draw(VALUES)
    if isinstance(value, dict):
        return {key: draw(bent(inner)) for key, inner in value.items()}
    if isinstance(value, list):
        return [draw(bent(inner)) for inner in value]
    return value


@st.composite
def mangled(draw: st.DrawFn, data: bytes) -> bytes:
    """Draw *data* with a few parts cut out, doubled or overwritten."""
    for _ in range(draw(st.integers(1, 3))):
        start, end = sorted(draw(st.integers(0, len(data))) for _ in range(2))
        end = min(end, start + 40)
        put = draw(st.sampled_from([b"", data[start:end] * 2]) | st.binary(max_size=8))
        data = data[:start] + put + data[end:]
    return data


def test_every_importer_has_an_example() -> None:
    assert {each.source for each in EXAMPLES} == {each.source for each in IMPORTERS}


@examples
def test_example_is_known_by_its_own_importer_and_read(example: Example) -> None:
    importer = find_importer(document(example.data, example.name))
    assert importer
    assert importer.source == example.source
    assert sorted(bodies(read(example, example.data))) == sorted(example.wanted)


@every_importer
@given(st.lists(VALUES, max_size=4))
@settings(max_examples=50, deadline=None)
def test_arbitrary_json(importer: Importer, value: Any) -> None:
    with contextlib.suppress(ImportSourceError):
        items = drain(importer, json.dumps(value).encode())
        json.dumps([str(item) for item in items]).encode()
    assert importer.probe(of_json(value)) in (True, False)


@json_examples
@given(st.data())
@settings(max_examples=60, deadline=None)
def test_export_with_strange_parts(example: Example, data: st.DataObject) -> None:
    value = data.draw(bent(example.value))
    for body in bodies(read(example, json.dumps(value).encode())):
        body.encode()  # which a lone surrogate would not let
        assert body.strip()


@examples
@given(st.data())
@settings(max_examples=50, deadline=None)
def test_mangled_export(example: Example, data: st.DataObject) -> None:
    mangled_data = data.draw(mangled(example.data))
    if not mangled_data:
        return
    try:
        importer_of(example).probe(document(mangled_data, example.name))
    except ImportSourceError:
        pytest.fail("a probe says no, it never fails")
    for body in bodies(read(example, mangled_data)):
        body.encode()
        assert body.strip()


@json_examples
def test_export_cut_off_at_every_byte(example: Example) -> None:
    whole = example.data
    for cut in range(len(whole)):
        items = read(example, whole[:cut])
        assert bodies(items) == WANTED[: len(bodies(items))]
        assert cut == 0 or isinstance(items[-1], Failure)
        assert len([item for item in items if isinstance(item, Failure)]) <= 1


@other_examples
def test_other_export_cut_off(example: Example) -> None:
    whole = example.data
    for cut in range(0, len(whole), max(1, len(whole) // 400)):
        for body in bodies(read(example, whole[:cut])):
            rest = body.strip("\ufffd")
            assert any(wanted.startswith(rest) for wanted in example.wanted)


@examples
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_encodings_and_line_ends(
    example: Example, encoding: str, line_end: str
) -> None:
    data = example.data
    if data.startswith(b"SQLite"):
        return
    if not isinstance(example.value, bytes):
        data = json.dumps(example.value, ensure_ascii=False, indent=1).encode()
    data = data.decode().replace("\n", line_end).encode(encoding)
    importer = find_importer(document(data, example.name))
    assert importer
    assert importer.source == example.source
    assert sorted(bodies(read(example, data))) == sorted(example.wanted)


@json_examples
@pytest.mark.parametrize("depth", [500, 10_000, 100_000])
def test_deep_nesting(example: Example, depth: int) -> None:
    deep = '{"x": ' + "[" * depth + "]" * depth + "}"
    first, *others = map(json.dumps, example.value)
    items = read(example, f"[{', '.join([first, deep, *others])}]".encode())
    assert bodies(items) == WANTED
    assert sum(isinstance(item, Failure) for item in items) == 1


@pytest.mark.parametrize("source", ["chatgpt", "claude", "promptvault"])
def test_failure_says_where_and_why_without_the_text(source: str) -> None:
    example = next(each for each in EXAMPLES if each.source == source)
    data = example.data.replace(b'"two"', b'"two" secret', 1)
    items = read(example._replace(name="file"), data)
    (bad, *others) = failures(items)
    assert not others
    assert re.fullmatch("file, (conversation|prompt) 2", bad.where)
    assert "secret" not in bad.reason
