"""AI Studio prompts: what a person sent, titled by the file."""

from datetime import UTC, datetime

import pytest

from promptvault.importers.gemini import ai_studio
from promptvault.importers.input.candidate import Candidate, CandidateKind, Draft, Item
from tests.importers.build import Json, bodies, candidates, failures, of_json, skipped


def read(value: Json, name: str = "Drive/Release notes") -> list[Item]:
    return list(ai_studio.read(of_json(value, name)))


def said(text: Json, role: str = "user", **fields: Json) -> dict[str, Json]:
    return {"role": role, "text": text, **fields}


def prompt(*chunks: Json, **fields: Json) -> dict[str, Json]:
    return {
        "runSettings": {"model": "models/gemini-2.5-pro", "temperature": 1.0},
        "systemInstruction": {},
        "chunkedPrompt": {"chunks": list(chunks), "pendingInputs": []},
        **fields,
    }


def test_prompt_carries_all_that_the_source_says() -> None:
    items = read(prompt(said("hello", createTime="2026-01-02T03:04:05Z")))
    assert candidates(items) == [
        Candidate(
            (
                Draft(
                    "hello",
                    datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
                    model="gemini-2.5-pro",
                ),
            ),
            opening=True,
            conversation_title="Release notes",
        )
    ]
    assert skipped(items) == [{}]


def test_third_party_ids_and_titles_are_honoured() -> None:
    value = prompt(said("hello", id="u1"), id="p1", title="A title")
    (found,) = candidates(read(value, "x.json"))
    assert found.conversation_id == "p1"
    assert found.conversation_title == "A title"
    assert found.drafts[0].message_id == "u1"


def test_ending_is_no_part_of_the_title() -> None:
    (found,) = candidates(read(prompt(said("hello")), "A prompt.v2.json"))
    assert found.conversation_title == "A prompt.v2"


@pytest.mark.parametrize(
    "instruction",
    [
        {"text": "Be brief."},
        {"parts": [{"text": "Be "}, {"text": "brief."}]},
        "Be brief.",
    ],
)
def test_system_instruction(instruction: Json) -> None:
    items = read(prompt(said("hello"), systemInstruction=instruction))
    (found,) = candidates(items, CandidateKind.INSTRUCTIONS)
    assert (found.drafts[0].body, found.title) == ("Be brief.", "Release notes")
    assert bodies(items) == ["hello"]


@pytest.mark.parametrize("instruction", [{}, None, {"text": " "}, 7])
def test_no_system_instruction(instruction: Json) -> None:
    items = read(prompt(said("hello"), systemInstruction=instruction))
    assert not candidates(items, CandidateKind.INSTRUCTIONS)


def test_files_go_with_the_text_and_each_text_is_a_prompt() -> None:
    items = read(
        prompt(
            {"role": "user", "driveDocument": {"id": "d"}},
            {"role": "user", "inlineFile": {"mimeType": "image/png", "data": "AA=="}},
            said("Compare them."),
            said("Hm.", "model"),
            said("First."),
            said("Second."),
        )
    )
    assert bodies(items) == ["Compare them.", "First.", "Second."]
    assert [each.opening for each in candidates(items)] == [True, False, False]
    assert skipped(items) == [{}]


def test_files_alone_are_counted() -> None:
    items = read(prompt({"role": "user", "driveImage": {"id": "d"}}, said("", "model")))
    assert bodies(items) == []
    assert skipped(items) == [{"no text": 1}]


@pytest.mark.parametrize(
    "chunk",
    [
        said("one", parts=[{"text": "o"}, {"text": "ne"}]),
        {"role": "user", "parts": [{"text": "o"}, {"text": "ne"}]},
        {
            "role": "user",
            "text": "",
            "parts": [{"text": "x", "thought": True}, {"text": "one"}],
        },
        {"role": "user", "parts": [{"inlineData": {"data": "AA=="}}, {"text": "one"}]},
    ],
)
def test_parts_say_the_text_again(chunk: Json) -> None:
    assert bodies(read(prompt(chunk))) == ["one"]


def test_answers_thoughts_errors_and_chunks_without_role_are_left_out() -> None:
    items = read(
        prompt(
            said("one"),
            said("thinking", "model", isThought=True),
            said("answer", "model", branchParent={"id": "x"}),
            said("", "model", errorMessage="An internal error has occurred."),
            {"text": "nobody's"},
            said("system's", "system"),
            None,
            said("two", branchChildren=[{"id": "y"}]),
        )
    )
    assert bodies(items) == ["one", "two"]


def test_drafts_that_were_never_sent_are_counted() -> None:
    value = prompt(said("one"))
    value["chunkedPrompt"]["pendingInputs"] = [said("unsent"), said("")]
    items = read(value)
    assert bodies(items) == ["one"]
    assert skipped(items) == [{"draft never sent": 1}]


def test_times_come_before_the_order_of_the_file() -> None:
    items = read(
        prompt(
            said("two", createTime="2026-01-02T00:00:03Z"),
            said("and more"),
            said("one", createTime="2026-01-02T00:00:01Z"),
            said("answer", "model", createTime="2026-01-02T00:00:02Z"),
        )
    )
    assert bodies(items) == ["one", "two", "and more"]


def test_chunks_of_older_files() -> None:
    value = {"runSettings": {"model": "models/x"}, "chunks": [said("one")]}
    document = of_json(value)
    assert ai_studio.probe(document)
    assert bodies(ai_studio.read(document)) == ["one"]


@pytest.mark.parametrize(
    "value",
    [
        {"chunks": [{"text": "of something else"}]},
        {"runSettings": {}},
        {"chunkedPrompt": "x"},
        {"systemInstruction": {"text": "x"}},
    ],
)
def test_other_json_is_not_claimed(value: Json) -> None:
    assert not ai_studio.probe(of_json(value))


def test_broken_prompt_costs_itself() -> None:
    items = read([prompt(said("one")), {"x": 1}, prompt(said("two"))], "file")
    assert bodies(items) == ["one", "two"]
    assert [bad.where for bad in failures(items)] == ["file, prompt 2"]
