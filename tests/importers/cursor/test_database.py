"""Cursor's databases of every era: a person's prompts are read, and nothing else."""

import contextlib
import json
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from promptvault.errors import ImportSourceError
from promptvault.importers.cursor import source as cursor
from promptvault.importers.input.candidate import (
    Candidate,
    Conversation,
    Draft,
    Failure,
    Item,
    Skipped,
)
from promptvault.importers.input.document import Document, documents_at
from tests.importers.build import Json, bodies, candidates, document, failures, skipped
from tests.importers.examples import key_values


def read(data: bytes) -> list[Item]:
    each = document(data)
    assert cursor.probe(each)
    return list(cursor.read(each))


def state(**rows: Json) -> list[Item]:
    """Read a database whose `cursorDiskKV` holds *rows*, "a__b" being the key "a:b"."""
    return read(key_values(ItemTable={}, cursorDiskKV=keyed(rows)))


def keyed(rows: dict[str, Json]) -> dict[str, Json]:
    return {key.replace("__", ":"): value for key, value in rows.items()}


def listed(*bubbles: tuple[str, int], **fields: Json) -> dict[str, Json]:
    headers = [{"bubbleId": key, "type": kind} for key, kind in bubbles]
    return {"_v": 10, "name": "A chat", "fullConversationHeadersOnly": headers} | fields


def asked(text: str, **fields: Json) -> dict[str, Json]:
    return {"_v": 3, "type": 1, "text": text, **fields}


def left_out(items: list[Item]) -> dict[str, int]:
    return {each.reason: each.number for each in items if isinstance(each, Skipped)}


def test_chat_of_today() -> None:
    items = state(
        composerData__c1=listed(
            ("b1", 1),
            ("b2", 2),
            ("b3", 1),
            createdAt=1765760077237,
            modelConfig={"modelName": "claude-4.5-sonnet"},
        ),
        bubbleId__c1__b1=asked("hello"),
        bubbleId__c1__b2={"type": 2, "text": "Hi."},
        bubbleId__c1__b3=asked(
            "go on",
            createdAt="2025-12-15T00:58:00.000Z",
            modelInfo={"modelName": "gpt-5"},
        ),
    )
    started = datetime(2025, 12, 15, 0, 54, 37, 237_000, tzinfo=UTC)
    later = datetime(2025, 12, 15, 0, 58, tzinfo=UTC)
    chat = Candidate((), conversation_id="c1", conversation_title="A chat")
    model = "claude-4.5-sonnet"
    assert candidates(items) == [
        chat._replace(drafts=(Draft("hello", started, "b1", model),), opening=True),
        chat._replace(drafts=(Draft("go on", later, "b3", "gpt-5"),)),
    ]


def test_order_is_that_of_the_chat_and_not_of_the_keys() -> None:
    items = state(
        composerData__c1=listed(("z", 1), ("a", 1), ("m", 1)),
        bubbleId__c1__a=asked("two"),
        bubbleId__c1__m=asked("three"),
        bubbleId__c1__z=asked("one"),
    )
    assert bodies(items) == ["one", "two", "three"]


@pytest.mark.parametrize(
    "data",
    [
        {"conversation": [asked("hello", bubbleId="b1"), {"type": 2, "text": "Hi."}]},
        {
            "fullConversationHeadersOnly": [{"bubbleId": "b1", "type": 1}],
            "conversationMap": {"b1": asked("hello")},
        },
        {"conversationMap": {"b1": asked("hello"), "b2": {"type": 2, "text": "Hi."}}},
        {
            "fullConversationHeadersOnly": [],
            "conversation": [asked("hello", bubbleId="b1")],
        },
    ],
)
def test_messages_within_the_chat(data: Json) -> None:
    (found,) = candidates(state(composerData__c1=data))
    assert found.drafts[0].body == "hello"
    assert found.drafts[0].message_id == "b1"


def test_list_of_ids_whose_messages_tell_who_sent_them() -> None:
    items = state(
        composerData__c1={"conversation": ["b1", "b2", "b3"]},
        bubbleId__c1__b1=asked("hello"),
        bubbleId__c1__b2={"type": 2, "text": "Hi."},
        bubbleId__c1__b3=asked("go on"),
    )
    assert bodies(items) == ["hello", "go on"]


def test_message_no_longer_in_the_chat_is_counted() -> None:
    items = state(
        composerData__c1=listed(("b1", 1)),
        bubbleId__c1__b1=asked("final"),
        bubbleId__c1__b0=asked("draft"),
        bubbleId__c1__b9=asked(" "),
        bubbleId__c1__b2={"type": 2, "text": "left over", "x": {"type": 1}},
    )
    assert bodies(items) == ["final"]
    assert skipped(items) == [{"abandoned branch": 1}]


@pytest.mark.parametrize("data", [{}, listed(), {"fullConversationHeadersOnly": 7}])
def test_chat_without_a_list_comes_in_the_order_of_writing(data: Json) -> None:
    items = state(
        composerData__c1=data,
        bubbleId__c1__z=asked("one"),
        bubbleId__c1__a=asked("two"),
    )
    assert bodies(items) == ["one", "two"]
    assert not any(skipped(items))


def test_damaged_chat_costs_its_order_and_no_more() -> None:
    items = state(composerData__c0=listed(("b", 1)), bubbleId__c0__b=asked("one"))
    assert bodies(items) == ["one"]
    data = key_values(
        cursorDiskKV=keyed(
            {
                "composerData__c0": listed(("b", 1)),
                "bubbleId__c0__b": asked("one"),
                "composerData__c1": {"name": "to be damaged"},
                "bubbleId__c1__b": asked("two"),
            }
        )
    )
    damaged = read(
        data.replace(b'{"name": "to be damaged"}', b'{"name": secret damaged"}')
    )
    assert sorted(bodies(damaged)) == ["one", "two"]
    (bad,) = failures(damaged)
    assert bad.where == "file, chat c1"
    assert "secret" not in bad.reason


def test_damaged_message_costs_itself() -> None:
    data = key_values(
        cursorDiskKV=keyed(
            {
                "composerData__c1": listed(("b1", 1), ("b2", 1)),
                "bubbleId__c1__b1": asked("damaged"),
                "bubbleId__c1__b2": asked("whole"),
            }
        )
    )
    items = read(data.replace(b'"damaged"', b'"dama\\xd"'))
    assert bodies(items) == ["whole"]
    assert failures(items)[0].where == "file, chat c1, message b1"


def test_deleted_chats_are_counted_and_stay_deleted() -> None:
    items = state(
        composerData__c1=None,
        bubbleId__c1__b1=asked("secret"),
        bubbleId__c2__b1=asked("secret"),
        bubbleId__c2__b2={"type": 2, "text": "Hi."},
    )
    assert items == [Skipped("deleted chat", 2)]


def test_empty_chats_are_not_worth_a_word() -> None:
    assert not state(composerData__c1=listed(), composerData__c2=None)


def test_text_from_the_editor_where_the_plain_one_is_missing() -> None:
    def node(kind: str, **fields: Json) -> Json:
        return {"type": kind, **fields}

    root = node(
        "root",
        children=[
            node(
                "paragraph",
                children=[
                    node("text", text="look at "),
                    node("mention", mentionName="a.py", text="@a.py"),
                    node("linebreak"),
                    node("text", text="and fix it"),
                ],
            ),
            node("paragraph", children=[]),
            node("paragraph", children=[node("text", text="thanks")]),
        ],
    )
    rich = json.dumps({"root": root})
    items = state(
        composerData__c1=listed(("b1", 1)), bubbleId__c1__b1=asked("", richText=rich)
    )
    assert bodies(items) == ["look at @a.py\nand fix it\n\nthanks"]


def test_messages_without_text_and_commands_are_counted() -> None:
    items = state(
        composerData__c1=listed(("b1", 1), ("b2", 1), ("b3", 1), ("b4", 1)),
        bubbleId__c1__b1=asked("", richText="{}", context={"selectedImages": [{}]}),
        bubbleId__c1__b2=asked("/review"),
        bubbleId__c1__b3=asked("/review the parser"),
    )
    assert bodies(items) == ["/review the parser"]
    assert skipped(items) == [
        {"no text": 1, "slash command": 1, "text not in the database": 1}
    ]
    assert candidates(items)[0].opening


@pytest.mark.parametrize(
    "child",
    [
        {"subagentInfo": {"parentComposerId": "c1"}},
        {"isBestOfNSubcomposer": True},
        {"isSubagent": True},
        {},
    ],
)
def test_what_agents_ask_each_other_is_left_out(child: Json) -> None:
    items = state(
        composerData__c1=listed(("b1", 1), subagentComposerIds=[] if child else ["c0"]),
        bubbleId__c1__b1=asked("mine"),
        composerData__c0=listed(("b1", 1), ("b2", 2), **child),
        bubbleId__c0__b1=asked("the agent's"),
    )
    assert bodies(items) == ["mine"]
    assert left_out(items) == {"subagent": 1}


def test_table_of_chats_names_them_and_tells_subagents() -> None:
    data = key_values(
        cursorDiskKV=keyed(
            {
                "composerData__c1": listed(("b1", 1), name=""),
                "bubbleId__c1__b1": asked("mine"),
                "composerData__c2": listed(("b1", 1)),
                "bubbleId__c2__b1": asked("the agent's"),
            }
        )
    )
    with contextlib.closing(sqlite3.connect(":memory:")) as connection:
        connection.deserialize(data)
        connection.execute(
            "CREATE TABLE composerHeaders (composerId TEXT, isSubagent, value TEXT)"
        )
        connection.executemany(
            "INSERT INTO composerHeaders VALUES (?, ?, ?)",
            [
                ("c1", 0, '{"name": "Named", "createdAt": 1700000000000}'),
                ("c2", 1, None),
            ],
        )
        connection.commit()
        items = read(connection.serialize())
    (found,) = candidates(items)
    assert found.conversation_title == "Named"
    assert found.drafts[0].created_at == datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)
    assert left_out(items) == {"subagent": 1}


def test_workspace_and_global_database_agree_on_ids() -> None:
    chat = listed(("b1", 1), composerId="c1")
    whole = key_values(
        cursorDiskKV={"composerData:c1": chat, "bubbleId:c1:b1": asked("hello")}
    )
    old = key_values(
        ItemTable={
            "composer.composerData": {
                "allComposers": [
                    {
                        "composerId": "c1",
                        "name": "A chat",
                        "conversation": [asked("hello", bubbleId="b1")],
                    }
                ]
            }
        }
    )
    assert candidates(read(whole)) == candidates(read(old))


def test_workspace_that_only_names_chats_gives_none() -> None:
    heads = {
        "allComposers": [{"composerId": "c1", "name": "A chat", **listed(("b", 1))}]
    }
    items = read(
        key_values(ItemTable={"composer.composerData": heads}, cursorDiskKV={})
    )
    assert not items


def test_panel_of_2023() -> None:
    tab = {
        "tabId": "t1",
        "chatTitle": "Old",
        "bubbles": [
            {"type": "user", "id": "u1", "text": "hello"},
            {"type": "ai", "id": "a1", "rawText": "Hi."},
            {"type": "user", "id": "u2", "rawText": "go on"},
            {"type": "user", "id": "u3", "text": "", "delegate": {"a": ""}},
        ],
    }
    key = "workbench.panel.aichat.view.aichat.chatdata"
    items = read(key_values(ItemTable={key: {"tabs": [tab, None, {"bubbles": 7}]}}))
    assert bodies(items) == ["hello", "go on"]
    first = candidates(items)[0]
    assert (first.opening, first.conversation_id, first.conversation_title) == (
        True,
        "t1",
        "Old",
    )
    assert first.drafts[0].message_id == "u1"
    assert skipped(items) == [{"no text": 1}]


def test_log_of_prompts_gives_what_no_chat_holds() -> None:
    items = read(
        key_values(
            ItemTable={
                "aiService.prompts": [
                    {"text": "in a chat", "commandType": 4},
                    {"text": "lost", "commandType": 4},
                    {"text": "lost", "commandType": 1},
                    {"text": " "},
                    None,
                ],
                "aiService.generations": [
                    {
                        "unixMs": 1741000000000,
                        "type": "composer",
                        "textDescription": "lost",
                    },
                    {"unixMs": 1, "type": "apply", "textDescription": "Dockerfile"},
                    {
                        "unixMs": 1741000001000,
                        "type": "cmdk",
                        "textDescription": "inline",
                    },
                ],
            },
            cursorDiskKV={
                "composerData:c1": listed(("b1", 1)),
                "bubbleId:c1:b1": asked("in a chat "),
            },
        )
    )
    assert bodies(items) == ["in a chat ", "lost", "inline"]
    lost = candidates(items)[1]
    assert lost.drafts[0].created_at == datetime(2025, 3, 3, 11, 6, 40, tzinfo=UTC)
    assert lost.conversation_title
    assert not lost.opening  # it is not known whether it began a chat


def test_commands_in_the_log_are_counted() -> None:
    items = read(key_values(ItemTable={"aiService.prompts": [{"text": "/review"}]}))
    assert bodies(items) == []
    assert skipped(items) == [{"slash command": 1}]


def test_message_stored_under_another_key_than_its_id() -> None:
    items = state(
        composerData__c1=listed(("b1", 1), ("", 1), ("b3", 1), ("b4", 1)),
        bubbleId__c1__x1=asked("one", bubbleId="b1"),
        bubbleId__c1__x2=asked("two", bubbleId=""),
        bubbleId__c1__b3=asked("three", bubbleId="b1"),
        bubbleId__c1__x4=asked("left", bubbleId="b5"),
        bubbleId__c1__x5={"type": 1},
    )
    assert bodies(items) == ["one", "two", "three"]
    counts = {"abandoned branch": 1, "text not in the database": 1}
    assert skipped(items) == [counts]


def test_view_is_never_queried() -> None:
    with sqlite3.connect(":memory:") as connection:
        connection.deserialize(key_values(ItemTable={"aiService.prompts": []}))
        connection.execute(
            """CREATE VIEW cursorDiskKV AS WITH RECURSIVE n(x) AS
            (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT x AS key, x AS value FROM n
            """
        )
        connection.commit()
        assert not read(connection.serialize())


def test_secrets_next_to_the_chats_are_never_read() -> None:
    rows = {
        "cursorAuth/accessToken": asked("token"),
        "agentKv:blob:00": {"role": "user", "content": "secret"},
        "bubbleId": asked("secret"),
        "bubbleIe:c1:b1": asked("secret"),
        "composerDatb:c1": {"conversation": [asked("secret")]},
        "interactive.sessions": [asked("secret")],
    }
    assert not read(key_values(ItemTable=rows, cursorDiskKV=rows))


def test_databases_of_other_programs_are_not_ours() -> None:
    other = key_values(ItemTable={"memento/x": {"text": "hello"}})
    assert not cursor.probe(document(other))
    assert not cursor.probe(document(key_values(meta={}, blobs={})))
    assert not cursor.probe(document(key_values(responses={})))


def on_disk(folder: Path, data: bytes) -> Document:
    (folder / "state.vscdb").write_bytes(data)
    (each,) = documents_at(folder / "state.vscdb")
    assert isinstance(each, Document)
    return each


def test_damaged_pages_cost_what_they_hold(tmp_path: Path) -> None:
    rows = {}
    for number in range(200):
        rows[f"composerData:c{number:03}"] = listed(("b", 1), name="x" * 300)
        rows[f"bubbleId:c{number:03}:b"] = asked(f"prompt {number:03}")
    data = bytearray(key_values(cursorDiskKV=rows))
    at = data.find(b"prompt 100") // 512 * 512
    data[at : at + 1024] = b"\xff" * 1024
    items = list(cursor.read(on_disk(tmp_path, bytes(data))))
    assert len(set(bodies(items))) > 150
    assert failures(items)


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_any_damage_is_a_failure_at_most(data: st.DataObject) -> None:
    rows = {f"bubbleId:c1:b{n}": asked(f"said {n}") for n in range(40)}
    chat = listed(*((f"b{n}", 1) for n in range(40)))
    whole = bytearray(key_values(cursorDiskKV={"composerData:c1": chat, **rows}))
    for _ in range(data.draw(st.integers(1, 20))):
        whole[data.draw(st.integers(600, len(whole) - 1))] = data.draw(
            st.integers(0, 255)
        )
    with contextlib.suppress(ImportSourceError):
        for item in cursor.read(document(bytes(whole))):
            assert isinstance(item, Conversation | Failure | Skipped)


@pytest.mark.parametrize("kind", ["TEXT", "BLOB"])
def test_values_of_either_type_and_text_that_is_no_utf8(kind: str) -> None:
    data = key_values(
        cursorDiskKV={
            "composerData:c1": listed(("b1", 1)),
            "bubbleId:c1:b1": asked("a~~b\ud800\0"),
        }
    ).replace(b"a~~b", b"a\xff\xfeb")
    with contextlib.closing(sqlite3.connect(":memory:")) as connection:
        connection.deserialize(data)
        connection.execute(f"UPDATE cursorDiskKV SET value = CAST(value AS {kind})")
        connection.commit()
        assert bodies(read(connection.serialize())) == ["a\ufffd\ufffdb\ufffd\ufffd"]


def test_key_that_is_no_text_does_not_hold_up() -> None:
    data = key_values(cursorDiskKV={"bubbleId:~~:b": asked("x"), "bubbleId:c:b": 1})
    read(data.replace(b"bubbleId:~~", b"bubbleId:\xff\xfe"))


@pytest.mark.parametrize(
    "value",
    [None, 7, "x", [], [[]], {"conversation": 7}, {"conversation": [7, {"type": []}]}],
)
def test_any_value_under_any_key_is_survived(value: Json) -> None:
    for key in ("composerData:c1", "bubbleId:c1:b1", "bubbleId:", "composerData:"):
        read(key_values(cursorDiskKV={key: value, "bubbleId:c1:b2": [1]}))
    for key in ("composer.composerData", "aiService.prompts"):
        read(key_values(ItemTable={key: value}, cursorDiskKV={}))
