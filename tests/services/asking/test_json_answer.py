"""Answers in JSON: parsed leniently, validated strictly, requested again."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptvault.domain.chat import Message, Request, Role, Schema
from promptvault.services.asking.json_answer import (
    InvalidAnswerError,
    ask_json,
    find_mismatch,
    parse_json,
)
from tests.model_kit import Kit
from tests.model_server import ModelServer, Raw, Status, Text, json_text

SCHEMA = Schema(
    "reply",
    {
        "type": "object",
        "properties": {
            "title": {"type": "string", "maxLength": 20},
            "scores": {"type": "array", "items": {"type": "number", "maximum": 10}},
        },
        "required": ["title", "scores"],
        "additionalProperties": False,
    },
)
REQUEST = Request((Message(Role.USER, "Rate it."),), schema=SCHEMA)
GOOD = {"title": "Fine", "scores": [1, 2.5]}
SECRET = "the-text-of-a-prompt"


WRITTEN = json.dumps(GOOD)
FORMS = {
    "plain": WRITTEN,
    "spaced": f"\n\n {json.dumps(GOOD, indent=4)} \n",
    "fenced": f"```json\n{WRITTEN}\n```",
    "fenced, unnamed": f"\n```\n{WRITTEN}\n```\n",
    "fenced on one line": f"```json\n{WRITTEN}```",
    "in prose": f"Sure! Here it is:\n\n{WRITTEN}\n\nI hope this helps.",
    "fenced in prose": f"Here {{it}} is:\n```json\n{WRITTEN}\n```\nDone [1].",
    "after a thought without a beginning": f"Is {{this}} right?\n</think>\n{WRITTEN}",
}


@pytest.mark.parametrize("text", FORMS.values(), ids=FORMS)
def test_json_is_found_in_what_models_put_around_it(
    kit: Kit, model_server: ModelServer, text: str
) -> None:
    model_server.script(Text(text))

    value, answer = ask_json(kit.model(model_server.url), REQUEST)

    assert value == GOOD
    assert answer.text == text
    assert len(model_server.requests) == 1


WRONG = {
    "prose": (Text(f"I will not: {SECRET}"), "no JSON"),
    "half": (Text(f'{{"title": "{SECRET}'), "no JSON"),
    "cut": (Text(WRITTEN[:9], finish="length"), "cut off"),
    "list": (json_text([SECRET]), "'type' object"),
    "missing": (json_text({"title": "x"}), "'required' ['title', 'scores']"),
    "more": (json_text(GOOD | {SECRET: 1}), "'additionalProperties' False"),
    "too large": (json_text(GOOD | {"scores": [1, 11]}), "$.scores[1]"),
    "nested": (Text("[" * 100_000), "no JSON"),
    "NaN": (Text('{"title": "x", "scores": [NaN]}'), "no JSON"),
    "infinite": (Text('{"title": "x", "scores": [-Infinity]}'), "no JSON"),
    "endless": (Text('{"title": "x", "scores": [1e999]}'), "no JSON"),
    "huge": (Text(f'{{"title": "x", "scores": [{"9" * 5000}]}}'), "no JSON"),
    "large": (Text(f'{{"title": "x", "scores": [-{"9" * 20}]}}'), "no JSON"),
    "twice": (Text('{"title": "a", "title": "b", "scores": []}'), "no JSON"),
    "nothing": (Text("null"), "'type' object"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_answer_is_shown_to_the_model_once(
    kit: Kit, model_server: ModelServer, name: str
) -> None:
    reply, complaint = WRONG[name]
    model_server.script(reply, json_text(GOOD))

    value, _ = ask_json(kit.model(model_server.url), REQUEST)

    assert value == GOOD
    first, second = model_server.requests
    *before, shown, asked = second.body["messages"]
    assert before == first.body["messages"]
    assert shown == {"role": "assistant", "content": reply.text}
    assert complaint in asked["content"]
    assert second.body["response_format"] == first.body["response_format"]


def test_a_text_that_is_a_little_too_long_is_no_reason_to_ask_again(
    kit: Kit, model_server: ModelServer
) -> None:
    model_server.script(json_text(GOOD | {"title": "x" * 21}))

    value, _ = ask_json(kit.model(model_server.url), REQUEST)

    assert value["title"] == "x" * 21
    assert len(model_server.requests) == 1


@pytest.mark.parametrize("name", WRONG)
def test_wrong_twice_ends_it_unquoted(
    kit: Kit, model_server: ModelServer, name: str
) -> None:
    reply, complaint = WRONG[name]
    model_server.answer = lambda _: reply

    with pytest.raises(InvalidAnswerError) as caught:
        ask_json(kit.model(model_server.url), REQUEST)

    assert caught.value.exit_code == 6
    assert complaint in str(caught.value)
    assert SECRET not in str(caught.value)
    assert len(model_server.requests) == 2
    assert kit.kept.answers == 0


def test_a_mended_answer_is_the_first_one_s_from_then_on(
    kit: Kit, model_server: ModelServer
) -> None:
    model_server.script(Text("Hm?"), json_text(GOOD))
    _, mended = ask_json(kit.model(model_server.url), REQUEST)

    model = kit.model(model_server.url)
    value, answer = ask_json(model, REQUEST)

    assert (value, answer.cached) == (GOOD, True)
    assert answer.text == mended.text
    assert len(model_server.requests) == 2
    assert model.spent.requests == 0


def title_is_new(value: Any) -> str | None:
    """Check a rule that no schema can express."""
    return "The title is taken." if value["title"] == "Fine" else None


def test_a_check_says_what_a_schema_cannot(kit: Kit, model_server: ModelServer) -> None:
    model_server.script(json_text(GOOD), json_text(GOOD | {"title": "New"}))

    value, _ = ask_json(kit.model(model_server.url), REQUEST, title_is_new)

    assert value["title"] == "New"
    asked = model_server.requests[1].body["messages"][-1]["content"]
    assert "The title is taken." in asked


def test_a_check_that_came_later_looks_at_kept_answers(
    kit: Kit, model_server: ModelServer
) -> None:
    model_server.script(json_text(GOOD), json_text(GOOD | {"title": "New"}))
    ask_json(kit.model(model_server.url), REQUEST)

    mended, _ = ask_json(kit.model(model_server.url), REQUEST, title_is_new)
    again, answer = ask_json(kit.model(model_server.url), REQUEST, title_is_new)

    assert mended["title"] == again["title"] == "New"
    assert answer.cached


def test_a_check_sees_only_values_of_the_right_shape(
    kit: Kit, model_server: ModelServer
) -> None:
    seen: list[Any] = []
    model_server.script(json_text([]), json_text(GOOD))

    ask_json(kit.model(model_server.url), REQUEST, seen.append)

    assert seen == [GOOD]


def test_a_server_without_structured_outputs_is_told_in_words(
    kit: Kit, model_server: ModelServer
) -> None:
    model_server.script(
        Status(400, error={"message": "response_format is unknown"}), json_text(GOOD)
    )

    value, _ = ask_json(kit.model(model_server.url), REQUEST)

    assert value == GOOD
    (_, asked) = model_server.requests
    system, message = asked.body["messages"]
    assert json.dumps(SCHEMA.schema) in system["content"]
    assert message == {"role": "user", "content": "Rate it."}


def test_words_of_the_caller_s_own_stay_in_front(
    kit: Kit, model_server: ModelServer
) -> None:
    model_server.script(json_text(GOOD))
    system = Message(Role.SYSTEM, "Be kind.")

    ask_json(
        kit.model(model_server.url),
        REQUEST._replace(messages=(system, *REQUEST.messages)),
    )

    messages = model_server.requests[0].body["messages"]
    assert [message["role"] for message in messages] == ["system", "user"]
    assert messages[0]["content"].startswith("Be kind.\n\nAnswer with JSON alone")


def test_a_mend_that_fails_is_told_as_what_it_is(
    kit: Kit, model_server: ModelServer
) -> None:
    model_server.script(Text("Hm?"), Status(401))

    with pytest.raises(Exception, match="does not accept the key"):
        ask_json(kit.model(model_server.url), REQUEST)

    assert kit.kept.answers == 0


def test_a_server_that_speaks_no_json_at_all(
    kit: Kit, model_server: ModelServer
) -> None:
    model_server.answer = lambda _: Raw(b"<html>")

    with pytest.raises(Exception, match="other than a chat completion"):
        ask_json(kit.model(model_server.url, retries=0), REQUEST)


def values() -> st.SearchStrategy[Any]:
    """Return any JSON."""
    leaf = (
        st.none()
        | st.booleans()
        | st.integers(-(2**63), 2**63 - 1)
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text()
    )
    return st.recursive(
        leaf, lambda below: st.lists(below) | st.dictionaries(st.text(), below)
    )


@given(values(), st.booleans())
def test_any_json_is_read_back(value: Any, is_fenced: bool) -> None:
    text = json.dumps(value)

    assert parse_json(f"```json\n{text}\n```" if is_fenced else text) == value


@given(st.text())
def test_other_text_is_refused_in_one_way(text: str) -> None:
    try:
        parse_json(text)
    except ValueError:
        return
    json.loads(text)


@given(values())
def test_what_is_wrong_is_said_in_the_schema_s_words(value: Any) -> None:
    wrong = find_mismatch({SECRET: value}, SCHEMA.schema)

    assert wrong is not None
    assert SECRET not in wrong


def test_a_place_under_a_name_of_the_answer_s_own_is_not_quoted() -> None:
    schema = {"additionalProperties": {"type": "array", "items": {"type": "null"}}}

    wrong = find_mismatch({SECRET: [None, 1]}, schema)

    assert wrong == "At $.*[1] it breaks the rule 'type' null."
