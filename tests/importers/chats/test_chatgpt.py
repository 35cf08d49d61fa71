"""ChatGPT exports: what a person typed is imported, everything else is not."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from promptvault.importers.chats import chatgpt
from promptvault.importers.input.candidate import (
    EMPTY_CONVERSATION,
    NOT_TYPED,
    Candidate,
    CandidateKind,
    Draft,
    Failure,
    Item,
)
from tests.importers.build import (
    Json,
    archive,
    bodies,
    candidates,
    chat,
    document,
    failures,
    imported,
    of_json,
    of_lines,
    skipped,
    turn,
)


def read(value: Json) -> list[Item]:
    return list(chatgpt.read(of_json(value)))


def said(content: Json, **message: Json) -> list[str]:
    """Return the prompts in a chat of one message with that *content*."""
    return bodies(read(chat(turn("u", None, content=content, **message))))


def multimodal(*parts: Json) -> dict[str, Json]:
    return {"content_type": "multimodal_text", "parts": list(parts)}


def test_prompt_carries_all_that_the_source_says() -> None:
    items = read(
        [
            chat(
                turn("u", None, "hello", create_time=1700000000.5),
                turn("a", "u", "Hi.", "assistant", metadata={"model_slug": "gpt-4o"}),
                default_model_slug="auto",
            )
        ]
    )
    made = datetime(2023, 11, 14, 22, 13, 20, 500_000, UTC)
    assert candidates(items) == [
        Candidate(
            (Draft("hello", made, "m-u", "gpt-4o"),),
            opening=True,
            conversation_id="c1",
            conversation_title="A chat",
            url="https://chatgpt.com/c/c1",
        )
    ]


def test_only_the_first_turn_is_opening() -> None:
    items = read(
        chat(
            turn("u", None, "one"),
            turn("a", "u", role="assistant"),
            turn("v", "a", "two"),
            turn("w", "v", "three"),
        )
    )
    assert [each.opening for each in candidates(items)] == [True, False, False]
    assert bodies(items) == ["one", "two", "three"]


@pytest.mark.parametrize("shape", ["array", "object", "wrapped", "lines"])
def test_outer_shapes(shape: str) -> None:
    chats = [chat(turn("u", None, text)) for text in ("one", "two")]
    documents = {
        "array": of_json(chats),
        "object": of_json(chats[0]),
        "wrapped": of_json({"version": 1, "conversations": chats}),
        "lines": of_lines(chats),
    }
    expected = ["one"] if shape == "object" else ["one", "two"]
    assert bodies(chatgpt.read(documents[shape])) == expected


@pytest.mark.parametrize("title", [None, "", " ", 7])
def test_missing_title(title: Json) -> None:
    (one,) = candidates(read(chat(turn("u", None, "hello"), title=title)))
    assert one.conversation_title is None


@pytest.mark.parametrize(
    ("fields", "key"),
    [
        ({"conversation_id": "a", "id": "b"}, "a"),
        ({"conversation_id": None, "id": "b"}, "b"),
        ({"conversation_id": None}, None),
        ({"conversation_id": 7}, None),
    ],
)
def test_conversation_id(fields: dict[str, Json], key: str | None) -> None:
    (one,) = candidates(read(chat(turn("u", None, "hello"), **fields)))
    assert one.conversation_id == key
    assert one.url == (key and f"https://chatgpt.com/c/{key}")


def test_message_of_the_barest_kind() -> None:
    bare = {"author": {"role": "user"}, "content": {"parts": ["hello"]}}
    items = read({"mapping": {"n": {"message": bare}}, "default_model_slug": "gpt-4"})
    (one,) = candidates(items)
    assert one.drafts == (Draft("hello", None, "n", "gpt-4"),)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ({"content_type": "text", "parts": ["a", "", "b"]}, "a\nb"),
        (multimodal("look", {"content_type": "image_asset_pointer"}), "look"),
        (multimodal({"content_type": "image_asset_pointer"}, None, "look"), "look"),
        (multimodal({"content_type": "audio_transcription", "text": "hi"}), "hi"),
        ({"content_type": "text", "parts": ["  kept \r\n"]}, "  kept \r\n"),
        ({"content_type": "text", "parts": ["a\0\ud800"]}, "a\ufffd\ufffd"),
        ({"content_type": "new_kind", "parts": ["hello"]}, "hello"),
    ],
)
def test_text_of_a_message(content: Json, text: str) -> None:
    assert said(content) == [text]


@pytest.mark.parametrize(
    "content",
    [
        None,
        [],
        " ",
        {"content_type": "text"},
        {"content_type": "text", "parts": [" \n"]},
        {"content_type": "text", "parts": {"0": "a"}},
        multimodal({"content_type": "image_asset_pointer", "text": "no"}),
        multimodal(
            {"content_type": "audio_transcription", "text": "no", "direction": "out"}
        ),
    ],
)
def test_message_without_text_is_counted(content: Json) -> None:
    items = read(chat(turn("u", None, content=content)))
    assert bodies(items) == []
    assert skipped(items) == [{"no text": 1}]


@pytest.mark.parametrize(
    "message",
    [
        {"metadata": {"is_visually_hidden_from_conversation": True}},
        {"metadata": {"is_user_system_message": True}},
        {"author": {"role": "tool"}},
        {"author": None},
        *(
            {"content": {"content_type": kind, "text": "x", "parts": ["x"]}}
            for kind in (
                "model_editable_context",
                "code",
                "execution_output",
                "computer_output",
                "citable_code_output",
                "tether_quote",
                "tether_browsing_code",
                "tether_browsing_display",
                "sonic_webpage",
                "system_error",
                "thoughts",
                "reasoning_recap",
            )
        ),
    ],
)
def test_message_that_no_person_typed(message: dict[str, Json]) -> None:
    items = read(chat(turn("u", None, "x", **message)))
    assert candidates(items) == []
    reason = EMPTY_CONVERSATION if "author" in message else NOT_TYPED
    assert skipped(items) == [{reason: 1}]


def edited(**fields: Json) -> dict[str, Json]:
    return chat(
        turn("root", None, role="system"),
        turn("first", "root", "draft", create_time=10),
        turn("its answer", "first", role="assistant", create_time=11),
        turn("deep", "its answer", "deep in a branch", create_time=12),
        turn("second", "root", "final", create_time=20),
        turn("answer", "second", role="assistant", create_time=21),
        **fields,
    )


def test_edited_prompt_has_its_drafts() -> None:
    items = read(edited())
    assert [[d.body for d in each.drafts] for each in candidates(items)] == [
        ["draft", "final"]
    ]
    assert skipped(items) == [{"abandoned branch": 1}]


def test_current_node_decides_and_not_the_time() -> None:
    items = read(edited(current_node="deep"))
    assert bodies(items) == ["draft", "deep in a branch"]
    assert [d.body for d in candidates(items)[0].drafts] == ["final", "draft"]


@pytest.mark.parametrize("current", [None, "missing", 7, []])
def test_newest_leaf_replaces_the_current_node(current: Json) -> None:
    assert bodies(read(edited(current_node=current))) == ["final"]


def test_cycle_of_parents_ends() -> None:
    value = chat(turn("a", "b", "one"), turn("b", "a", "two"))
    assert bodies(read(value)) == ["one", "two"]


PROFILE = (
    "The user provided the following information about themselves.\n"
    "User profile:\n```Preferred name: Ann\n```"
)
RESPONSE = (
    "The user provided the additional info about how they would like you to "
    "respond:\n```Use ``` fences.```"
)


def context(profile: Json, response: Json, **data: Json) -> dict[str, Any]:
    return turn(
        "c",
        None,
        content={
            "content_type": "user_editable_context",
            "user_profile": profile,
            "user_instructions": response,
        },
        metadata={"user_context_message_data": data or None},
    )


@pytest.mark.parametrize(
    ("node", "texts"),
    [
        (context(PROFILE, RESPONSE), ["Preferred name: Ann", "Use ``` fences."]),
        (context("Plain.", "Use ```x```"), ["Plain.", "Use ```x```"]),
        (
            context(PROFILE, RESPONSE, about_user_message="Raw\n"),
            ["Raw\n", "Use ``` fences."],
        ),
        (context(None, 7), []),
    ],
)
def test_custom_instructions(node: dict[str, Any], texts: list[str]) -> None:
    items = read(chat(node, turn("u", "c", "hello")))
    found = candidates(items, CandidateKind.INSTRUCTIONS)
    assert [each.drafts[0].body for each in found] == texts
    assert {each.conversation_id for each in found} <= {None}
    assert {each.drafts[0].message_id for each in found} <= {None}
    assert bodies(items) == ["hello"]


def test_custom_instructions_come_once_a_document() -> None:
    chats = [
        chat(context(PROFILE, text), turn("u", "c", "hello"))
        for text in ("Be brief.", "Be brief.  ", "Be long.")
    ]
    assert bodies(read(chats), CandidateKind.INSTRUCTIONS) == [
        "Preferred name: Ann",
        "Be brief.",
        "Be long.",
    ]


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ('You are a GPT - customized.\nName: "Recipe Bot".\n', "Recipe Bot"),
        (
            'You are a "GPT", a version of ChatGPT. You yourself are a GPT created '
            "by a user, and your name is Chef 2.0. Note: GPT is also a term.\n",
            "Chef 2.0",
        ),
        ("You are a GPT.\n", None),
    ],
)
def test_instructions_of_a_custom_gpt(text: str, title: str | None) -> None:
    text += (
        "Here are instructions from the user outlining your goals and how you "
        "should respond:\nOnly leeks.\nAlways."
    )
    items = read(chat(turn("s", None, text, "system"), turn("u", "s", "hello")))
    (found,) = candidates(items, CandidateKind.INSTRUCTIONS)
    assert (found.drafts[0].body, found.title) == ("Only leeks.\nAlways.", title)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "not a conversation"),
        (7, "not a conversation"),
        ({"title": "corrupt"}, "no messages"),
        ({"mapping": None}, "no messages"),
        ({"mapping": []}, "no messages"),
    ],
)
def test_broken_conversation_costs_itself(value: Json, reason: str) -> None:
    items = read([chat(turn("u", None, "one")), value, chat(turn("u", None, "two"))])
    assert bodies(items) == ["one", "two"]
    (bad,) = failures(items)
    assert bad.where == "file, conversation 2"
    assert reason in bad.reason


def manifest(*shards: str) -> bytes:
    listed = {"conversations.json": {"files": list(shards), "sharded": True}}
    return json.dumps({"logical_files": listed, "version": 1}).encode()


def shard(*texts: str) -> bytes:
    return json.dumps([chat(turn("u", None, text)) for text in texts]).encode()


@pytest.mark.parametrize("folder", ["", "export/"])
def test_shards_are_all_read_and_missing_ones_named(
    tmp_path: Path, folder: str
) -> None:
    names = [f"conversations-{n:03}.json" for n in range(3)]
    files = {
        "export_manifest.json": manifest(*names),
        names[0]: shard("one", "two"),
        names[2]: shard("three"),
        "user.json": b'{"id": "u"}',
    }
    path = tmp_path / "export.zip"
    path.write_bytes(archive({folder + name: data for name, data in files.items()}))
    items = imported(path)
    assert bodies(items) == ["one", "two", "three"]
    (bad,) = failures(items)
    assert bad.where == f"{folder}export_manifest.json"
    assert bad.reason.endswith(" conversations-001.json")


def test_complete_manifest_is_silent() -> None:
    siblings = ["export_manifest.json", "conversations-000.json"]
    complete = document(manifest(siblings[1]), siblings[0], siblings)
    assert list(chatgpt.read(complete)) == []


def test_strange_manifest_is_survived() -> None:
    assert read({"logical_files": {"conversations.json": 7}}) == []
    assert read({"logical_files": {"conversations.json": {"files": [7]}}}) == []
    assert isinstance(
        read({"logical_files": {"conversations.json": {"files": ["a"]}}})[0], Failure
    )


def test_text_in_an_object_counts_as_typed() -> None:
    assert said(multimodal({"content_type": "text", "text": "one"}, "two")) == [
        "one\ntwo"
    ]


def test_conversation_that_a_browser_extension_wrapped() -> None:
    wrapped = {
        "source": "browser-extension",
        "session": {"turns": [{"role": "user", "text": "not this"}]},
        "raw_provider_payload": chat(turn("u", None, "one")),
    }
    assert chatgpt.probe(of_json(wrapped))
    assert bodies(read(wrapped)) == bodies(read([wrapped])) == ["one"]


def test_what_agent_mode_writes_is_no_instructions() -> None:
    context = {
        "content_type": "user_editable_context",
        "user_profile": "Very important: The user's timezone is Europe/Stockholm.",
        "user_instructions": "Currently there are no APIs available through API Tool.",
    }
    items = read(chat(turn("c", None, content=context), turn("u", "c", "one")))
    assert bodies(items) == ["one"]
    assert not bodies(items, CandidateKind.INSTRUCTIONS)


@pytest.mark.parametrize(
    "content",
    [
        "one",
        {"content_type": "text", "text": "one"},
        {"content_type": "multimodal_text", "parts": [{"text": "one"}, {"size": 1}]},
    ],
)
def test_text_is_found_outside_of_plain_parts(content: Json) -> None:
    assert bodies(read(chat(turn("u", None, content=content)))) == ["one"]


def test_role_beside_the_author_counts() -> None:
    said = turn("u", None, "one", author=None)
    said["u"]["message"]["role"] = "user"
    answered = turn("a", "u", "Well.", "assistant")
    assert bodies(read(chat(said, answered))) == ["one"]
