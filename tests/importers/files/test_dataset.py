"""Data sets of prompts and chats: each row is read by its own structure."""

import json
from collections.abc import Sequence

import pytest

from promptvault.importers.files import dataset
from promptvault.importers.input.candidate import (
    Candidate,
    CandidateKind,
    Conversation,
    Item,
    Skipped,
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


def read(*rows: Json) -> list[Item]:
    return list(dataset.read(of_lines(rows)))


def said(role: str, content: Json, **fields: Json) -> dict[str, Json]:
    return {"role": role, "content": content, **fields}


CHAT = [said("user", "one"), said("assistant", "x"), said("user", "two")]
SHAREGPT = [{"from": "human", "value": "one"}, {"from": "gpt", "value": "x"}]


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"messages": CHAT}, ["one", "two"]),
        ({"messages": [said("user", [{"type": "text", "text": "one"}])]}, ["one"]),
        ({"messages": [said("user", [{"type": "input_text", "text": "a"}])]}, ["a"]),
        ({"messages": [said("user", [{"type": "image_url"}, {"text": "a"}])]}, ["a"]),
        ({"messages": [said("tool", "x"), said("function", "x")]}, []),
        ({"custom_id": "a", "method": "POST", "body": {"messages": CHAT}}, CHAT),
        ({"custom_id": "a", "body": {"model": "m", "input": "one"}}, ["one"]),
        ({"custom_id": "a", "params": {"messages": CHAT}}, ["one", "two"]),
        ({"input": CHAT, "ideal": "x"}, ["one", "two"]),
        ({"input": {"messages": CHAT}, "preferred_output": []}, ["one", "two"]),
        ({"prompt": "one", "completion": "x"}, ["one"]),
        ({"prompt": "one", "chosen": "x", "rejected": "y"}, ["one"]),
        ({"prompt": CHAT, "chosen": [said("assistant", "x")]}, ["one", "two"]),
        ({"instruction": "one", "input": "two", "output": "x"}, ["one\n\ntwo"]),
        ({"instruction": "one", "input": "", "output": "x"}, ["one"]),
        ({"turns": ["one", "two"], "question_id": 81}, ["one", "two"]),
        ({"turns": CHAT}, ["one", "two"]),
        ({"id": "a", "conversations": SHAREGPT}, ["one"]),
        ({"id": "a", "items": SHAREGPT}, ["one"]),
        ({"conversations": SHAREGPT[::-1]}, ["one"]),
        ({"conversation_id": "a", "conversation": CHAT}, ["one", "two"]),
        ({"contents": [{"role": "user", "parts": [{"text": "one"}]}]}, ["one"]),
        ({"act": "A", "prompt": "one"}, ["one"]),
        ({"command": "/a", "title": "A", "content": "one"}, ["one"]),
        ({"row_idx": 0, "row": {"messages": CHAT}}, ["one", "two"]),
    ],
)
def test_shapes(row: Json, expected: Json) -> None:
    wanted = ["one", "two"] if expected is CHAT else expected
    for form in (of_lines([row, row]), of_json([row, row])):
        assert dataset.probe(form)
        assert bodies(dataset.read(form)) == wanted * 2
    assert bodies(dataset.read(of_json(row))) == wanted


@pytest.mark.parametrize(
    "value",
    [
        {"name": "p", "version": "1.0.0", "scripts": {"test": "x"}, "files": ["a"]},
        {"compilerOptions": {}, "include": ["src"]},
        [{"id": 1, "title": "x", "content": "y"}],
        {"prompt": {"a": 1}, "seed": 2},
        {"prompt": "a cat", "negative_prompt": "a dog", "steps": 20},
        {"role": "user", "message": {"content": "one"}},
        {"custom_id": "1", "response": {"body": {"choices": []}}},
        {
            "custom_id": "1",
            "url": "/v1/embeddings",
            "body": {"model": "m", "input": "a"},
        },
        {"data": [1, 2], "items": ["a"]},
        {"turns": [], "title": "x"},
        {"messages": [{"id": "1", "type": "user", "content": "one"}]},
    ],
)
def test_other_json_is_not_known(value: Json) -> None:
    assert not dataset.probe(of_json(value))


def test_mixed_rows() -> None:
    rows = [{"messages": CHAT}, {"prompt": "p", "completion": "x"}]
    items = read(*rows, {"id": "a", "conversations": SHAREGPT}, {"turns": ["t"]})
    assert bodies(items) == ["one", "two", "p", "one", "t"]


@pytest.mark.parametrize("key", ["conversations", "items", "data", "rows"])
def test_wrapped_rows_of_any_size(key: str) -> None:
    for size in (1, 40_000):
        row = {"messages": [said("user", "one"), said("assistant", "x" * size)]}
        wrapped = of_json({key: [row] * 3, "version": 1})
        assert dataset.probe(wrapped)
        assert bodies(dataset.read(wrapped)) == ["one"] * 3


def test_later_turns_are_known_to_be_such() -> None:
    first, second = candidates(read({"messages": CHAT}))
    assert (first.opening, second.opening) == (True, False)
    assert first.conversation_title == second.conversation_title == "one"


def test_id_and_title_of_a_chat() -> None:
    found = candidates(read({"id": 7, "title": "A chat", "messages": CHAT}))
    assert {(c.conversation_id, c.conversation_title) for c in found} == {
        ("7", "A chat")
    }


def test_system_messages_come_once_a_file() -> None:
    row = {"messages": [said("system", "Be brief."), *CHAT]}
    other = {"messages": [said("developer", "Be kind."), said("user", None)]}
    items = read(row, row, other, {"system": "Be kind.", "messages": CHAT})
    assert bodies(items, CandidateKind.INSTRUCTIONS) == ["Be brief.", "Be kind."]
    assert skipped(items)[2] == {"no text": 1}


def test_messages_on_lines_are_one_conversation() -> None:
    items = read(*CHAT)
    assert bodies(items) == ["one", "two"]
    assert [c.opening for c in candidates(items)] == [True, False]


def test_messages_on_lines_that_name_their_conversation() -> None:
    rows = [said("user", text, conversation_id=key) for text, key in ("1a", "2a", "3b")]
    found = candidates(read(*rows))
    assert [(c.conversation_id, c.opening) for c in found] == [
        ("a", True),
        ("a", False),
        ("b", True),
    ]


def test_endless_conversation_on_lines_is_handed_over_one_by_one() -> None:
    items = read(*(said("user", f"no {n}") for n in range(2500)))
    found = candidates(items)
    assert (len(items), isinstance(items[0], Conversation)) == (2500, True)
    assert [c.opening for c in found] == [True] + 2499 * [False]
    assert {c.conversation_title for c in found} == {"no 0"}


def test_template_and_its_system_prompt() -> None:
    items = read(
        {"name": "review", "system_prompt": "Be strict.", "prompt_template": "{{ a }}!"}
    )
    (found,) = candidates(items)
    assert (found.title, found.drafts[0].template) == ("review", True)
    assert [v.name for v in found.drafts[0].variables] == ["a"]
    assert bodies(items, CandidateKind.INSTRUCTIONS) == ["Be strict."]


def test_prompt_without_text_is_counted() -> None:
    assert read({"prompt": " ", "completion": "x"}) == [Skipped("no text")]


def test_damaged_and_strange_rows_cost_themselves() -> None:
    lines = [json.dumps({"messages": CHAT}), '{"messages": [', '{"a": 1}', "7"]
    items = list(dataset.read(document("\n".join([*lines, lines[0]]).encode())))
    assert bodies(items) == ["one", "two"] * 2
    assert [each.where for each in failures(items)] == [
        "file, row 2",
        "file, row 3",
        "file, row 4",
    ]


def grok(*responses: Sequence[str | None], **about: Json) -> Json:
    keys = ("_id", "parent_response_id", "sender", "message")
    time = {"$date": {"$numberLong": "1705312200000"}}
    return {
        "conversation": {"id": "c", "title": "A chat", **about},
        "responses": [
            {"response": {**dict(zip(keys, each, strict=True)), "create_time": time}}
            for each in responses
        ],
    }


def test_grok() -> None:
    chat = grok(
        ("1", None, "human", "one"),
        ("2", "1", "ASSISTANT", "x"),
        ("3", "2", "human", "two, draft"),
        ("4", "2", "human", "two"),
        ("5", "4", "grok-3", "x"),
        leaf_response_id="5",
    )
    found = candidates(dataset.read(of_json({"conversations": [chat], "tasks": []})))
    assert [[d.body for d in c.drafts] for c in found] == [
        ["one"],
        ["two, draft", "two"],
    ]
    assert [(c.conversation_id, c.conversation_title) for c in found] == [
        ("c", "A chat")
    ] * 2
    draft = found[0].drafts[0]
    assert (draft.message_id, draft.created_at and draft.created_at.year) == ("1", 2024)


def test_grok_without_links_and_with_a_leaf_that_is_not_there() -> None:
    chat = grok(("", None, "human", "one"), ("", None, "assistant", "x"))
    bare = {"sender": "human", "message": "two", "create_time": "2025-01-01T00:00:00Z"}
    chat["responses"].append(bare)
    chat["conversation"]["leaf_response_id"] = "gone"
    assert bodies(read(chat)) == ["one", "two"]


def librechat(
    key: str, parent: str | None, text: str, human: bool, **fields: Json
) -> dict[str, Json]:
    return {
        "messageId": key,
        "parentMessageId": parent,
        "text": text,
        "isCreatedByUser": human,
        "sender": "User" if human else "GPT-4",
        **fields,
    }


def drafts(found: list[Candidate]) -> list[list[str]]:
    return [[draft.body for draft in each.drafts] for each in found]


def test_librechat_tree_and_list() -> None:
    root = "00000000-0000-0000-0000-000000000000"
    third = librechat("c", "b", "two", True, createdAt="2026-01-01T00:00:03Z")
    second = librechat("b", "a", "x", False, createdAt="2026-01-01T00:00:02Z")
    first = librechat("a", root, "one", True, createdAt="2026-01-01T00:00:01Z")
    draft = librechat("d", root, "draft", True, createdAt="2026-01-01T00:00:00Z")
    head = {"conversationId": "c1", "title": "T", "options": {"promptPrefix": "Be."}}
    nested = {**first, "children": [{**second, "children": [third]}]}
    for messages in (
        {"messagesTree": [draft, nested], "recursive": True},
        {"messages": [draft, first, second, third]},
    ):
        items = list(dataset.read(of_json({**head, **messages})))
        assert drafts(candidates(items)) == [["draft", "one"], ["two"]]
        assert bodies(items, CandidateKind.INSTRUCTIONS) == ["Be."]


def webui(key: str, parent: str | None, role: str, text: str) -> dict[str, Json]:
    return {"id": key, "parentId": parent, "role": role, "content": text}


@pytest.mark.parametrize("is_old", [True, False])
def test_open_webui(is_old: bool) -> None:
    messages = [
        webui("a", None, "user", "draft"),
        webui("b", None, "user", "one"),
        webui("c", "b", "assistant", "x"),
        webui("d", "c", "user", "two"),
        webui("e", "c", "user", "two again"),
    ]
    history = {"messages": {m["id"]: m for m in messages}, "currentId": "d"}
    chat = {"history": history, "messages": messages, "params": {"system": "Be."}}
    row = {"id": "k", "title": "T"} | (chat if is_old else {"chat": chat})
    items = list(dataset.read(of_json([row])))
    assert drafts(candidates(items)) == [["draft", "one"], ["two again", "two"]]
    assert bodies(items, CandidateKind.INSTRUCTIONS) == ["Be."]


def test_chatbot_ui() -> None:
    export = {
        "version": 4,
        "history": [{"id": "a", "name": "T", "messages": CHAT, "prompt": "not typed"}],
        "folders": [{"id": "f", "name": "F", "type": "prompt"}],
        "prompts": [
            {"id": "p", "name": "P", "description": "D", "content": "three"}
            | {"folderId": None}
        ],
    }
    items = list(dataset.read(of_json(export)))
    assert bodies(items) == ["one", "two", "three"]
    assert (candidates(items)[2].title, candidates(items)[2].description) == ("P", "D")
    assert not failures(items)


def test_system_prompt_of_chatbot_ui() -> None:
    row = {"messages": CHAT, "prompt": "Be brief.", "folderId": None}
    items = read(row)
    assert bodies(items) == ["one", "two"]
    assert bodies(items, CandidateKind.INSTRUCTIONS) == ["Be brief."]


def test_grok_as_the_website_has_it() -> None:
    responses = [
        {"responseId": "a", "sender": "human", "message": "one"},
        {"responseId": "b", "parentResponseId": "a", "sender": "ASSISTANT"},
        {"responseId": "c", "parentResponseId": "b", "sender": "human"}
        | {"message": "two", "createTime": "2026-01-01T00:00:00Z"},
    ]
    about = {"conversationId": "k", "title": "T", "leafResponseId": "c"}
    form = of_json({"conversation": about, "responses": {"responses": responses}})
    assert dataset.probe(form)
    first, second = candidates(dataset.read(form))
    assert (first.conversation_id, second.drafts[0].message_id) == ("k", "c")
    assert second.drafts[0].created_at


def test_chat_that_a_browser_extension_saw() -> None:
    session = {"turns": [{"role": "user", "text": "one"}, {"role": "assistant"}]}
    assert bodies(read({"schema_version": 1, "session": session})) == ["one"]


def test_librechat_shows_the_last_of_several_branches() -> None:
    chat = {
        "title": "T",
        "messages": [
            librechat("a", None, "one", True),
            librechat("b", "a", "x", False),
            librechat("c", "b", "two, draft", True),
            librechat("d", "c", "x", False),
            librechat("f", "d", "gone", True),
            librechat("e", "b", "two", True),
        ],
    }
    items = read(chat)
    assert drafts(candidates(items)) == [["one"], ["two, draft", "two"]]
    assert skipped(items) == [{"abandoned branch": 1}]
