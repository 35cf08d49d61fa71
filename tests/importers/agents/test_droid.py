"""Droid: what was typed in a session."""

from typing import Any

import pytest

from promptvault.importers.agents import droid
from promptvault.importers.input.candidate import Skipped
from tests.importers.build import Json, bodies, candidates, of_lines, skipped

START = {"type": "session_start", "id": "s1", "title": "Counting", "cwd": "C:\\w"}


def said(key: str, parent: str | None, text: Json, **message: Json) -> Json:
    return {
        "type": "message",
        "id": key,
        "parentId": parent,
        "timestamp": "2026-09-29T03:00:00.000Z",
        "message": {"role": "user", "content": text, **message},
    }


def read(*records: Json, **start: Json) -> list[Any]:
    return list(droid.read(of_lines([{**START, **start}, *records])))


def test_ids_title_and_model() -> None:
    answer = said("m2", "m1", "Hi.", role="assistant", modelId="opus")
    (only,) = candidates(read(said("m1", None, "one"), answer))
    assert (only.conversation_id, only.conversation_title) == ("s1", "Counting")
    assert (only.drafts[0].message_id, only.drafts[0].model) == ("m1", "opus")


@pytest.mark.parametrize(
    "message",
    [
        {"visibility": "llm_only"},
        {"visibility": "user_only"},
        {"userMessageSource": "automation"},
        {"hookEventName": "Stop", "hookResults": []},
    ],
)
def test_what_no_person_typed_is_left_out(message: Json) -> None:
    assert bodies(read(said("m1", None, "no", **message), said("m2", "m1", "one"))) == [
        "one"
    ]


def test_result_of_a_tool_and_an_image() -> None:
    result = [{"type": "tool_result", "tool_use_id": "x", "content": "a"}]
    image = [{"type": "image", "source": {"type": "base64", "data": ""}}]
    items = read(
        said("m1", None, "one"), said("m2", "m1", result), said("m3", "m2", image)
    )
    assert bodies(items) == ["one"]
    assert skipped(items) == [{"no text": 1}]


def test_prompts_of_a_subagent_are_counted() -> None:
    items = read(said("m1", None, "one"), callingSessionId="s0")
    assert items == [Skipped("subagent", 1)]


def test_edited_prompt() -> None:
    items = read(said("m1", "m0", "one"), said("m2", "m0", "won"))
    (only,) = candidates(items)
    assert [draft.body for draft in only.drafts] == ["one", "won"]


def test_other_sessions_are_not_claimed() -> None:
    assert not droid.probe(of_lines([{"type": "session_start", "id": "1", "ts": 1}]))
