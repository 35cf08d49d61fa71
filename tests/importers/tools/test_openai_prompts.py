"""Prompt objects of OpenAI, in any JSON that a person saved."""

from datetime import UTC, datetime

import pytest

from promptvault.domain.variable import Variable
from promptvault.importers.input.candidate import (
    Candidate,
    CandidateKind,
    Draft,
    Item,
    Skipped,
)
from promptvault.importers.tools import openai_prompts
from tests.importers.build import Json, bodies, candidates, failures, of_json


def read(value: Json) -> list[Item]:
    file = of_json(value)
    assert openai_prompts.probe(file)
    return list(openai_prompts.read(file))


def messages(system: str, user: str) -> list[Json]:
    return [
        {"role": "developer", "content": system},
        {"role": "user", "content": [{"type": "input_text", "text": user}]},
    ]


def test_written_down_with_its_versions() -> None:
    items = read(
        {
            "openai_prompt_id": "pmpt_1",
            "name": "support",
            "description": "Helps.",
            "production_version": "3",
            "versions": [
                {
                    "version": "3",
                    "messages": messages("Help {{name}}.", "Issue: {{issue}}"),
                    "config": {"model": "gpt-5"},
                },
                {"version": "2", "messages": messages("Help.", "Issue")},
            ],
        }
    )
    assert items == [
        Candidate(
            (
                Draft("Help.", message_id="pmpt_1@2 system"),
                Draft(
                    "Help {{ name }}.",
                    message_id="pmpt_1@3 system",
                    model="gpt-5",
                    template=True,
                    variables=(Variable("name"),),
                ),
            ),
            CandidateKind.INSTRUCTIONS,
            title="support",
            name="support-system",
            description="Helps.",
            labels={"production": 2},
        ),
        Candidate(
            (
                Draft("Issue", message_id="pmpt_1@2"),
                Draft(
                    "Issue: {{ issue }}",
                    message_id="pmpt_1@3",
                    model="gpt-5",
                    template=True,
                    variables=(Variable("issue"),),
                ),
            ),
            title="support",
            name="support",
            description="Helps.",
            labels={"production": 2},
        ),
    ]


@pytest.mark.parametrize(
    "fields",
    [
        {"instructions": "Be brief."},
        {"instructions": [{"role": "system", "content": "Be brief."}]},
        {"messages": [{"role": "developer", "content": "Be brief."}]},
        {"prompt": {"instructions": "Be brief."}},
        {"latest_version": {"config": {"developer_message": "Be brief."}}},
        {"versions": {"1": {"instructions": "Be brief."}}},
    ],
)
def test_instructions_in_any_field(fields: Json) -> None:
    items = read({"id": "pmpt_1", "object": "prompt", "created_at": 1, **fields})
    assert bodies(items, CandidateKind.INSTRUCTIONS) == ["Be brief."]
    assert candidates(items, CandidateKind.INSTRUCTIONS)[0].name == "pmpt_1"


def test_versions_in_rows_of_their_own() -> None:
    rows = [
        {
            "prompt_id": "pmpt_1",
            "prompt": f"In {{{{ city }}}} {n}",
            "version": n,
            "variables": ["city"],
            "is_default": n == 1,
            "created_at": 1767225600,
        }
        for n in (2, 1)
    ]
    (found,) = candidates(read({"data": rows, "object": "list"}))
    assert [d.body for d in found.drafts] == ["In {{ city }} 1", "In {{ city }} 2"]
    assert found.labels == {"default": 1}
    assert found.drafts[0].created_at == datetime(2026, 1, 1, tzinfo=UTC)


REFERENCE = {"id": "pmpt_1", "version": "2", "variables": {"city": "Rome"}}


@pytest.mark.parametrize(
    "value", [REFERENCE, {"prompt": REFERENCE, "input": "Hi.", "model": "gpt-5"}]
)
def test_reference_holds_no_text(value: Json) -> None:
    (item,) = read(value)
    assert isinstance(item, Skipped)


def test_answer_repeats_the_messages_of_its_prompt() -> None:
    items = read(
        {
            "id": "resp_1",
            "object": "response",
            "prompt": REFERENCE,
            "instructions": messages("Be in Rome.", "Go."),
            "output": [{"role": "assistant", "content": "No."}],
        }
    )
    assert bodies(items) == ["Go."]
    assert bodies(items, CandidateKind.INSTRUCTIONS) == ["Be in Rome."]


def test_strange_rows_cost_themselves() -> None:
    items = read([{"id": "pmpt_1", "text": "one"}, 7, {"id": "asst_1", "text": "x"}])
    assert bodies(items) == ["one"]
    assert len(failures(items)) == 2


def test_deep_nest_is_not_dug_through() -> None:
    value: Json = {"text": "deep"}
    for _ in range(300):
        value = {"prompt": value}
    (item,) = read({"id": "pmpt_1", **value})
    assert isinstance(item, Skipped)


@pytest.mark.parametrize(
    "value", [{"id": "asst_1"}, {"prompt": "pmpt_1"}, {"prompts": [7]}, {"id": 7}]
)
def test_other_objects_are_left_alone(value: Json) -> None:
    assert not openai_prompts.probe(of_json(value))
