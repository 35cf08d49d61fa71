"""Prompts of Langfuse are imported with versions, labels and variables."""

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
from promptvault.importers.tools import langfuse
from tests.importers.build import Json, bodies, candidates, failures, of_json, of_lines
from tests.importers.filling import filled


def version(number: Json, prompt: Json, **fields: Json) -> dict[str, Json]:
    kind = "text" if isinstance(prompt, str) else "chat"
    row = {"name": "work/critic", "type": kind, "prompt": prompt, "version": number}
    return {**row, "config": {}, "labels": [], "tags": [], **fields}


def read(value: Json) -> list[Item]:
    return list(langfuse.read(of_json(value)))


def test_versions_become_drafts_and_labels_follow_them() -> None:
    rows = [
        version(3, "As a {{level}} critic {{ not this }}", labels=["latest", "Canary"]),
        version(1, "As a critic", labels=["production", "no label"], tags=["x y", "z"]),
        version(2, "As critics", createdAt="2026-01-02T03:04:05.000Z", tags=["z"]),
    ]
    rows[0]["config"] = {"model": "gpt-4o"}
    (found,) = read(rows)
    assert found == Candidate(
        (
            Draft("As a critic", message_id="work/critic@1"),
            Draft(
                "As critics",
                datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
                "work/critic@2",
            ),
            Draft(
                'As a {{ level }} critic {{ "{{" }} not this }}',
                message_id="work/critic@3",
                model="gpt-4o",
                template=True,
                variables=(Variable("level"),),
            ),
        ),
        title="work/critic",
        name="work/critic",
        tags=("x y", "z"),
        labels={"production": 1, "canary": 3},
    )
    text = filled(found.drafts[-1], {"level": "stern"})
    assert text == "As a stern critic {{ not this }}"


CHAT = [
    {"role": "system", "content": "You rate {{what}}."},
    {"type": "placeholder", "name": "history"},
    {"role": "user", "content": "First."},
    {"role": "assistant", "content": "Answer."},
    {"role": "user", "content": "Rate @@@langfusePrompt:name=a|label=b@@@"},
]


def test_chat_is_instructions_and_a_prompt_for_each_message() -> None:
    items = read([version(1, CHAT), version(2, CHAT[2:3], labels=["a"])])
    (standing,) = candidates(items, CandidateKind.INSTRUCTIONS)
    assert standing.name == "work/critic-system"
    assert standing.drafts[0].body == "You rate {{ what }}."
    first, second = candidates(items)
    assert [d.message_id for d in first.drafts] == ["work/critic@1", "work/critic@2"]
    assert (first.labels, second.labels) == ({"a": 2}, {})
    assert second.name == "work/critic-2"
    assert second.drafts[0].body == "Rate @@@langfusePrompt:name=a|label=b@@@"


@pytest.mark.parametrize("wrap", ["object", "array", "lines", "data", "prompts"])
def test_outer_shapes(wrap: str) -> None:
    row = version(1, "one")
    value = {
        "object": row,
        "data": {"data": [row], "meta": {}},
        "prompts": {"prompts": [row]},
    }
    file = of_lines([row, row]) if wrap == "lines" else of_json(value.get(wrap, [row]))
    assert langfuse.probe(file)
    assert set(bodies(langfuse.read(file))) == {"one"}


def test_listing_without_texts_says_so() -> None:
    listing = {"name": "a", "versions": [1, 2], "labels": [], "tags": []}
    file = of_json({"data": [listing, {**listing, "name": "b"}], "meta": {"page": 1}})
    assert langfuse.probe(file)
    assert list(langfuse.read(file)) == [Skipped("listed without its text", 4)]


def test_versions_without_numbers_keep_the_order_of_the_file() -> None:
    rows = [version(None, text) for text in ("one", "two")]
    (found,) = candidates(read(rows))
    assert [(d.body, d.message_id) for d in found.drafts] == [
        ("one", "work/critic"),
        ("two", "work/critic"),
    ]


def test_strange_rows_cost_themselves() -> None:
    items = read([version(1, "one"), 7, {"name": ""}, version(1, [], name="b")])
    assert bodies(items) == ["one"]
    assert len(failures(items)) == 2
    assert Skipped("no text") in items


@pytest.mark.parametrize(
    "row",
    [
        {"name": "a", "prompt": "b"},
        {"name": "a", "prompt": "b", "version": 1},
        {"name": "a", "versions": ["1.0"], "labels": []},
        {"id": "pmpt_1", "name": "a", "prompt": "b", "version": 1, "config": {}},
        {"name": "a", "body": "b", "labels": {}},
    ],
)
def test_other_rows_are_left_alone(row: Json) -> None:
    assert not langfuse.probe(of_json([row]))
