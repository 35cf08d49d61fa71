"""Answers of the server's model, whole and as a stream."""

import json
from typing import Any

import httpx
import openai

from promptvault.wire.ai import MOST_OUTPUT_TOKENS
from tests.model_server import MODEL, ModelServer, Raw, Status, Text
from tests.server.ai.conftest import (
    PATH,
    UPSTREAM_KEY,
    UPSTREAM_MODEL,
    Asker,
    body,
    operation,
)
from tests.server.conftest import Server


def test_a_whole_answer_and_what_it_cost(asker: Asker, model: ModelServer) -> None:
    answer = asker.ask("Improve this.", temperature=0)
    assert answer.status_code == 200, answer.text
    assert answer.json()["choices"] == [
        {
            "index": 0,
            "message": {
                "role": "assistant",
                "content": "Hello from the model.",
                "refusal": None,
            },
            "finish_reason": "stop",
        }
    ]
    assert answer.json()["model"] == "promptvault-hosted"
    (asked,) = model.requests
    assert asked.body["model"] == UPSTREAM_MODEL
    assert asked.body["messages"] == [{"role": "user", "content": "Improve this."}]
    assert asked.body["stream_options"] == {"include_usage": True}
    assert asked.headers["Authorization"] == f"Bearer {UPSTREAM_KEY}"
    assert asker.usage()["spent_usd"] == (20 * 1 + 10 * 2) / 1_000_000


def test_openais_library_reads_the_stream(
    server: Server, token: str, model: ModelServer
) -> None:
    model.script(Text("Grüße, 😀 und 漢字.", finish="length"))
    client = openai.OpenAI(
        base_url=f"{server.url}/v1/ai", api_key=token, max_retries=0, timeout=30
    )
    with (
        client,
        client.chat.completions.create(
            model="any",
            messages=[{"role": "user", "content": "Say hello."}],
            stream=True,
            stream_options={"include_usage": True},
            extra_headers={"PV-Task": "suggest"},
        ) as stream,
    ):
        chunks = [*stream]
    choices = [chunk.choices[0] for chunk in chunks if chunk.choices]
    assert "".join(each.delta.content or "" for each in choices) == (
        "Grüße, 😀 und 漢字."
    )
    assert len(choices) > 2  # it arrives in pieces
    assert choices[-1].finish_reason == "length"
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.total_tokens == 30
    assert {chunk.model for chunk in chunks} == {"promptvault-hosted"}


def test_a_character_in_two_halves(asker: Asker, model: ModelServer) -> None:
    model.script(Text("", pieces=["\ud83d", "\ude00"]))
    answer = asker.ask().json()
    assert answer["choices"][0]["message"]["content"] == "😀"


def test_a_model_that_cannot_stream(asker: Asker, model: ModelServer) -> None:
    message = {"role": "assistant", "content": "At once."}
    whole = {
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 2},
    }
    model.script(Raw(json.dumps(whole).encode()), Raw(json.dumps(whole).encode()))
    assert asker.ask().json()["choices"][0]["message"]["content"] == "At once."
    assert "At once." in asker.ask(stream=True).text
    assert asker.usage()["spent_usd"] == 2 * 7 / 1_000_000


def test_the_limit_of_an_answer_is_ours(asker: Asker, model: ModelServer) -> None:
    asker.ask(max_tokens=10_000_000)
    asker.ask(max_tokens=None)
    asker.ask(max_completion_tokens=5)
    limits = [each.body["max_tokens"] for each in model.requests]
    assert limits == [MOST_OUTPUT_TOKENS, MOST_OUTPUT_TOKENS, 5]


def test_parameters_that_the_model_does_not_know(
    asker: Asker, model: ModelServer
) -> None:
    hint = {"message": "'max_tokens': use 'max_completion_tokens' instead"}
    model.script(Status(400, error=hint), Status(400, error={"message": "temperature"}))
    assert asker.ask(temperature=0).status_code == 200
    assert asker.ask(temperature=0).status_code == 200
    names = [sorted(each.body.keys() & _VARIED) for each in model.requests]
    assert names == [
        ["max_tokens", "temperature"],
        ["max_completion_tokens", "temperature"],
        ["max_completion_tokens"],
        ["max_completion_tokens", "temperature"],
    ]


_VARIED = {"max_tokens", "max_completion_tokens", "temperature"}


_WRONG: list[dict[str, Any]] = [
    {"tools": []},
    {"n": 2},
    {"messages": []},
    {"messages": [{"role": "tool", "content": "x"}]},
    {"messages": [{"role": "user", "content": [{"type": "text", "text": "x"}]}]},
    {"logprobs": True},
    {"response_format": {"type": "grammar"}},
    {"max_tokens": 0},
]


def test_anything_else_is_refused(asker: Asker, model: ModelServer) -> None:
    for wrong in _WRONG:
        for stream in (False, True):
            answer = asker.ask(**{"stream": stream, **wrong})
            assert answer.status_code == 422, wrong
    assert model.requests == []
    assert asker.usage()["spent_usd"] == 0


def test_a_request_that_is_too_long(asker: Asker, model: ModelServer) -> None:
    assert asker.ask("word " * 60_000).status_code == 413
    assert asker.ask("word " * 50_000).status_code == 200
    assert len(model.requests) == 1


def test_each_request_has_a_task(server: Server, client: httpx.Client) -> None:
    for headers in ({}, {"PV-Task": "poem"}, {"PV-Operation": "7"}):
        answer = client.post(PATH, json=body(), headers=headers)
        assert answer.status_code == 422


def test_an_optimization_is_one_whatever_it_asks(asker: Asker) -> None:
    first, second = operation(), operation()
    for id in (first, first, second):
        asker.ask(headers={"PV-Operation": id})
    asker.ask(headers={"PV-Task": "suggest"})
    used = asker.usage()
    assert used["optimizations"] == 2
    assert used["by_task"]["optimize"] == {"requests": 3, "spent_usd": 120 / 1e6}
    assert used["by_task"]["suggest"]["requests"] == 1


def test_the_schema_of_an_answer_is_passed_on(asker: Asker, model: ModelServer) -> None:
    wanted = {
        "type": "json_schema",
        "json_schema": {
            "name": "score",
            "schema": {"type": "object", "default": None},
            "strict": True,
        },
    }
    assert asker.ask(response_format=wanted).status_code == 200
    assert model.requests[0].body["response_format"] == wanted
    assert MODEL not in asker.ask().text
