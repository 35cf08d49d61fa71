"""Claude.ai exports: what a person typed is imported, everything else is not."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from promptvault.importers.chats import claude
from promptvault.importers.input.candidate import Candidate, CandidateKind, Draft, Item
from tests.importers.build import (
    Json,
    archive,
    bodies,
    candidates,
    failures,
    imported,
    message,
    of_json,
    of_lines,
    skipped,
    talk,
)

ROOT = "00000000-0000-4000-8000-000000000000"
UNSUPPORTED = "```\nThis block is not supported on your current device yet.\n```"


def read(value: Json) -> list[Item]:
    return list(claude.read(of_json(value)))


def said(text: str, **fields: Json) -> list[str]:
    """Return the prompts in a chat of one message."""
    return bodies(read(talk(message("m", text, 1, **fields))))


def test_prompt_carries_all_that_the_source_says() -> None:
    items = read([talk(message("m", "hello", 5))])
    assert candidates(items) == [
        Candidate(
            (Draft("hello", datetime(2026, 1, 1, 0, 0, 5, tzinfo=UTC), "m"),),
            opening=True,
            conversation_id="c1",
            conversation_title="A talk",
            url="https://claude.ai/chat/c1",
        )
    ]


@pytest.mark.parametrize("shape", ["array", "object", "wrapped", "lines"])
def test_outer_shapes(shape: str) -> None:
    talks = [talk(message("m", text, 1)) for text in ("one", "two")]
    documents = {
        "array": of_json(talks),
        "object": of_json(talks[0]),
        "wrapped": of_json({"conversations": talks}),
        "lines": of_lines(talks),
    }
    expected = ["one"] if shape == "object" else ["one", "two"]
    assert bodies(claude.read(documents[shape])) == expected


def test_messages_on_lines_of_their_own_are_put_together() -> None:
    lines = [
        message("a1", "one", 1, conversation_uuid="a"),
        message("b1", "other", 2, conversation_uuid="b"),
        message("a2", "Hi.", 3, "assistant", conversation_uuid="a"),
        message("a3", "two", 4, conversation_uuid="a"),
        message("x", "nowhere", 5),
    ]
    found = candidates(claude.read(of_lines(lines)))
    assert [(c.conversation_id, c.drafts[0].body) for c in found] == [
        ("a", "one"),
        ("a", "two"),
        ("b", "other"),
        (None, "nowhere"),
    ]


def block(text: Json, kind: str = "text") -> dict[str, Json]:
    return {"type": kind, "text": text}


@pytest.mark.parametrize(
    ("text", "content", "expected"),
    [
        ("plain", None, ["plain"]),
        ("plain", [], ["plain"]),
        ("poisoned", [block("real")], ["real"]),
        ("x", [block("one"), block("y", "thinking"), block("two")], ["one\n\ntwo"]),
        ("", [block("spoken", "voice_note")], ["spoken"]),
        ("plain", [block("y", "some_future_kind")], ["plain"]),
        (
            "real, injected",
            [block("real"), block("z", "injected_prompt_block")],
            ["real"],
        ),
        ("injected", [block("injected", "injected_prompt_block")], []),
        (UNSUPPORTED, [block(None, "voice_note")], []),
        ("plain", "not a list", ["plain"]),
        ("plain", [7, None], ["plain"]),
        (" leading\0", None, [" leading\ufffd"]),
    ],
)
def test_text_of_a_message(text: str, content: Json, expected: list[str]) -> None:
    assert said(text, content=content) == expected


@pytest.mark.parametrize(
    ("text", "attachments", "expected"),
    [
        ("", [{"file_name": "", "extracted_content": "a log"}], ["a log"]),
        ("", [{"extracted_content": "a"}, {"extracted_content": "b"}], ["a\n\nb"]),
        ("typed", [{"extracted_content": "a log"}], ["typed"]),
        ("", [{"file_name": "x.png"}, None], []),
        ("", None, []),
    ],
)
def test_pasted_text_is_the_prompt_where_nothing_was_typed(
    text: str, attachments: Json, expected: list[str]
) -> None:
    assert said(text, attachments=attachments) == expected


def test_message_without_text_is_counted() -> None:
    items = read(talk(message("m", "", 1, files=[{"file_name": "x.png"}])))
    assert skipped(items) == [{"no text": 1}]


def test_empty_conversation_is_counted() -> None:
    items = read([talk(name=""), talk(message("m", "hello", 1))])
    assert skipped(items) == [{"empty conversation": 1}, {}]


def test_file_order_is_not_trusted() -> None:
    items = read(talk(*(message(str(n), f"at {n}", n) for n in (3, 1, 2))))
    assert bodies(items) == ["at 1", "at 2", "at 3"]


@pytest.mark.parametrize("uuids", [["a", "a", "a"], ["#1", None, 7], ["", "", "#0"]])
def test_messages_without_a_uuid_of_their_own(uuids: list[Json]) -> None:
    messages = (message(uuid, f"no {n}", n) for n, uuid in enumerate(uuids))
    assert bodies(read(talk(*messages))) == ["no 0", "no 1", "no 2"]


def test_equal_times_keep_the_order_of_the_file() -> None:
    items = read(talk(*(message(str(n), f"no {n}", 1) for n in (2, 1, 3))))
    assert bodies(items) == ["no 2", "no 1", "no 3"]


def test_parents_come_before_times() -> None:
    items = read(
        talk(
            message("b", "two", 1, parent_message_uuid="x"),
            message("x", "answer", 1, "assistant", parent_message_uuid="a"),
            message("a", "one", 1, parent_message_uuid=ROOT),
        )
    )
    assert bodies(items) == ["one", "two"]


def branched(**fields: Json) -> dict[str, Json]:
    return talk(
        message("a", "one", 1, parent_message_uuid=ROOT),
        message("x", "answer", 2, "assistant", parent_message_uuid="a"),
        message("b", "two, draft", 3, parent_message_uuid="x"),
        message("y", "answer", 4, "assistant", parent_message_uuid="b"),
        message("c", "deep", 5, parent_message_uuid="y"),
        message("d", "two", 6, parent_message_uuid="x"),
        **fields,
    )


def test_newest_leaf_is_current_and_edits_are_drafts() -> None:
    items = read(branched())
    assert [[d.body for d in c.drafts] for c in candidates(items)] == [
        ["one"],
        ["two, draft", "two"],
    ]
    assert skipped(items) == [{"abandoned branch": 1}]


def test_leaf_that_is_given_is_current() -> None:
    items = read(branched(current_leaf_message_uuid="c"))
    assert bodies(items) == ["one", "two, draft", "deep"]


def test_edited_first_prompt() -> None:
    items = read(
        talk(
            message("a", "draft", 1, parent_message_uuid=ROOT),
            message("b", "final", 2, parent_message_uuid=ROOT),
        )
    )
    assert [[d.body for d in c.drafts] for c in candidates(items)] == [
        ["draft", "final"]
    ]


def test_messages_whose_parents_are_not_there_are_not_lost() -> None:
    items = read(
        talk(
            message("a", "one", 1, parent_message_uuid="gone 1"),
            message("b", "two, draft", 2, parent_message_uuid="gone 2"),
            message("c", "two", 3, parent_message_uuid="gone 2"),
            message("x", "answer", 4, "assistant", parent_message_uuid="c"),
            message("d", "three", 5),
        )
    )
    assert [[d.body for d in c.drafts] for c in candidates(items)] == [
        ["one"],
        ["two, draft", "two"],
        ["three"],
    ]


def test_edited_first_prompt_stored_after_its_answer() -> None:
    items = read(
        talk(
            message("x", "answer", 1, "assistant", parent_message_uuid="a"),
            message("a", "draft", 1, parent_message_uuid=ROOT),
            message("b", "final", 2, parent_message_uuid=ROOT),
        )
    )
    assert [[d.body for d in c.drafts] for c in candidates(items)] == [
        ["draft", "final"]
    ]


def project(**fields: Json) -> dict[str, Json]:
    return {
        "uuid": "p1",
        "name": "Runbooks",
        "prompt_template": "Answer in steps.",
        "docs": [{"filename": "a.md", "content": "not a prompt"}],
        **fields,
    }


@pytest.mark.parametrize("wrap", [lambda one: one, lambda one: [one]])
def test_project_gives_its_instructions(wrap: Json) -> None:
    (found,) = candidates(read(wrap(project())), CandidateKind.INSTRUCTIONS)
    assert found.title == "Runbooks"
    assert found.drafts[0].body == "Answer in steps."


@pytest.mark.parametrize("template", ["", None, 7])
def test_project_without_instructions_is_counted(template: Json) -> None:
    assert skipped(read(project(prompt_template=template))) == [{"no instructions": 1}]


def test_design_chat() -> None:
    items = read(
        {
            "uuid": "d1",
            "title": "Chat",
            "project": {"name": "Site"},
            "messages": [
                {
                    "uuid": "m1",
                    "role": "user",
                    "content": {
                        "content": "Redo the page.",
                        "timestamp": "2026-08-14T06:36:35.268Z",
                        "attachments": [{"type": "text", "content": "not typed"}],
                    },
                },
                {
                    "uuid": "m2",
                    "role": "assistant",
                    "content": {
                        "content": "not typed",
                        "contentBlocks": [
                            {"type": "text", "text": "not typed"},
                            {"type": "user_interjection", "text": "Wait, in blue."},
                        ],
                    },
                },
                {"uuid": "m3", "role": "user", "content": {"content": ""}},
            ],
        }
    )
    assert bodies(items) == ["Redo the page.", "Wait, in blue."]
    assert skipped(items) == [{"no text": 1}]
    first = candidates(items)[0]
    assert (first.conversation_title, first.url) == ("Site", None)
    assert first.drafts[0].created_at == datetime(
        2026, 8, 14, 6, 36, 35, 268_000, tzinfo=UTC
    )


@pytest.mark.parametrize(
    "value", [None, 7, [], {"uuid": "x"}, {"chat_messages": None}, {"chat_messages": 7}]
)
def test_broken_conversation_costs_itself(value: Json) -> None:
    items = read([talk(message("m", "one", 1)), value, talk(message("m", "two", 1))])
    assert bodies(items) == ["one", "two"]
    (bad,) = failures(items)
    assert bad.where == "file, conversation 2"


def test_whole_batch_is_read_and_personal_data_passed_over(tmp_path: Path) -> None:
    files = {
        "conversations.json": [talk(message("m", "hello", 1))],
        "projects/p1.json": project(),
        "memories.json": {"account_uuid": "a", "conversations_memory": "secret"},
        "users.json": [{"uuid": "u", "email_address": "a@example.org"}],
        "login_history.json": [{"ip": "192.0.2.1"}],
    }
    path = tmp_path / "data-batch-0000.zip"
    path.write_bytes(archive({n: json.dumps(v).encode() for n, v in files.items()}))
    items = imported(path)
    assert bodies(items) == ["hello"]
    assert bodies(items, CandidateKind.INSTRUCTIONS) == ["Answer in steps."]
    assert not failures(items)


def test_chat_that_a_browser_extension_wrapped() -> None:
    wrapped = {"session": {}, "raw_provider_payload": talk(message("m", "one", 1))}
    assert claude.probe(of_json(wrapped))
    assert bodies(claude.read(of_json(wrapped))) == ["one"]


def test_tool_result_in_the_name_of_a_person_is_no_message() -> None:
    block = {"type": "tool_result", "content": [{"type": "text", "text": "42"}]}
    chat = talk(message("m", "one", 1), message("r", "", 2, content=[block]))
    items = list(claude.read(of_json(chat)))
    assert (bodies(items), skipped(items)) == (["one"], [{}])


@pytest.mark.parametrize(
    "fields",
    [
        {"content": "one"},
        {"content": [{"type": "voice_note", "transcript": "one"}]},
        {"content": [{"type": "text", "text": "one"}], "sender": None, "role": "user"},
    ],
)
def test_text_of_a_person_is_found_in_other_fields(fields: dict[str, Json]) -> None:
    sender = fields.get("sender", "human")
    said = message("m", "", 1, **{**fields, "sender": sender})
    assert bodies(claude.read(of_json(talk(said)))) == ["one"]
