"""Requests over a socket: what is sent, and what a server does not support."""

import contextlib
import itertools
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptvault.domain.chat import Message, Request, Role, Schema, Usage
from promptvault.errors import (
    InvalidInputError,
    NotFoundError,
    PromptVaultError,
)
from promptvault.providers.answer_reader import clean
from promptvault.providers.endpoint import Endpoint
from promptvault.providers.failure import (
    ConnectionLostError,
    EmptyAnswerError,
    RefusedError,
    ServerBusyError,
    ServerDownError,
)
from promptvault.providers.openai_chat import ChatClient
from tests.model_kit import KEY, user
from tests.model_server import (
    MODEL,
    Cut,
    ModelServer,
    Parts,
    Raw,
    Reply,
    Status,
    Text,
)
from tests.providers.chat_kit import ask, chunk, event, message

SCHEMA = Schema("reply", {"type": "object"})


def test_what_is_sent_is_what_was_asked(
    chat: ChatClient, model_server: ModelServer, is_stream: bool
) -> None:
    messages = (Message(Role.SYSTEM, "Be short."), Message(Role.USER, "Ünï?"))
    request = Request(messages, temperature=0.5, max_tokens=7, schema=SCHEMA)

    text, (usage, finish) = ask(chat, request)

    assert (text, usage) == ("Hello from the model.", Usage(20, 10))
    assert finish == "stop"
    (asked,) = model_server.requests
    assert asked.path == "/v1/chat/completions"
    assert asked.body["messages"] == [
        {"role": "system", "content": "Be short."},
        {"role": "user", "content": "Ünï?"},
    ]
    assert (asked.body["temperature"], asked.body["max_tokens"]) == (0.5, 7)
    assert asked.body["response_format"]["json_schema"]["strict"] is True


def test_nothing_is_sent_that_nobody_asked_for(
    chat: ChatClient, model_server: ModelServer, is_stream: bool
) -> None:
    ask(chat, user())

    asked = set(model_server.requests[0].body)
    assert asked == {"model", "messages", "stream", "stream_options"}


@pytest.mark.parametrize("status", [400, 422])
@pytest.mark.parametrize(
    "name", ["response_format", "stream_options"], ids=lambda name: name
)
def test_what_a_server_does_not_know_is_left_out(
    chat: ChatClient, model_server: ModelServer, name: str, status: int
) -> None:
    refusal = Status(status, error={"message": f"Unknown field: {name}"})
    model_server.script(refusal)

    first = list(chat.stream(user(schema=SCHEMA)))
    list(chat.stream(user(schema=SCHEMA)))

    assert "".join(map(str, first[:-1])) == "Hello from the model."
    sent = [name in asked.body for asked in model_server.requests]
    assert sent == [True, False, False]  # and it is not repeated


def test_both_may_be_unknown(chat: ChatClient, model_server: ModelServer) -> None:
    model_server.script(
        Status(400, error={"message": "response_format is not supported"}),
        Status(422, error={"detail": [{"loc": ["body", "stream_options"]}]}),
    )

    assert list(chat.stream(user(schema=SCHEMA)))
    assert len(model_server.requests) == 3


def test_a_limit_goes_by_the_name_that_the_server_knows(
    chat: ChatClient, model_server: ModelServer, is_stream: bool
) -> None:
    complaint = "Unsupported: 'max_tokens'. Use 'max_completion_tokens' instead."
    model_server.script(Status(400, error={"message": complaint}))

    ask(chat, user(max_tokens=9))

    first, second = (asked.body for asked in model_server.requests)
    assert first["max_tokens"] == second["max_completion_tokens"] == 9
    assert "max_tokens" not in second


def test_names_that_are_all_refused_end_it(
    chat: ChatClient, model_server: ModelServer, is_stream: bool
) -> None:
    complaint = "max_tokens, max_completion_tokens, response_format, stream_options"
    model_server.answer = lambda _: Status(400, error={"message": complaint})

    with pytest.raises(InvalidInputError):
        ask(chat, user(max_tokens=9, schema=SCHEMA))

    assert len(model_server.requests) <= 5


def test_a_user_and_a_password_go_to_the_server_alone(
    chat: ChatClient, model_server: ModelServer
) -> None:
    ask(chat, user())

    header = model_server.requests[0].headers["Authorization"]
    assert header.startswith("Basic ")


def test_the_key_goes_into_the_header(model_server: ModelServer) -> None:
    ask(ChatClient(Endpoint(model_server.url, MODEL, KEY)), user())

    assert model_server.requests[0].headers["authorization"] == f"Bearer {KEY}"


def test_a_query_of_the_url_is_kept(model_server: ModelServer) -> None:
    url = f"{model_server.url}/deployments/x?api-version=2026-01-01"

    ask(ChatClient(Endpoint(url, MODEL)), user())

    path = "/v1/deployments/x/chat/completions?api-version=2026-01-01"
    assert model_server.requests[0].path == path


@pytest.mark.parametrize("name", ["HTTP_PROXY", "ALL_PROXY", "all_proxy"])
def test_what_is_for_this_computer_goes_past_any_proxy(
    model_server: ModelServer, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    proxy = ModelServer()
    proxy.start()
    monkeypatch.setenv(name, proxy.url.removesuffix("/v1"))

    ask(ChatClient(Endpoint(model_server.url, MODEL)), user())
    proxy.script(Status(404))
    with pytest.raises(NotFoundError):
        ask(ChatClient(Endpoint("http://models.invalid/v1", MODEL)), user())

    assert (len(model_server.requests), len(proxy.requests)) == (1, 1)
    proxy.stop()


@pytest.mark.parametrize("code", [302, 307, 308])
def test_a_server_that_sends_us_elsewhere_does_not_take_the_key_along(
    chat: ChatClient, model_server: ModelServer, code: int
) -> None:
    other = ModelServer()
    other.start()
    model_server.script(Status(code, {"Location": f"{other.url}/chat/completions"}))

    with contextlib.suppress(PromptVaultError):
        ask(chat, user())

    for asked in other.requests:
        headers = {name.lower(): value for name, value in asked.headers.items()}
        assert "authorization" not in headers
        assert KEY not in str(headers)
    other.stop()


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (Raw(b"{not json"), ServerDownError),
        (Raw(b""), ServerDownError),
        (Raw(b'"words"'), ServerDownError),
        (Raw(b"[]"), ServerDownError),
        (Raw(b"{}"), ServerDownError),
        (Raw(b"null"), ServerDownError),
        (Raw(b'{"choices": []}'), ServerDownError),
        (Raw(b'{"choices": [{}]}'), EmptyAnswerError),
        (Raw(b'{"choices": [{"message": "hi"}]}'), EmptyAnswerError),
        (Raw(b'{"choices": 7}'), ServerDownError),
        (Raw(b"[" * 200_000), ServerDownError),
        (Raw(b'{"choices": [{"message": {"content": "\xff"}}]}'), ServerDownError),
        (Raw(b"<html>Log in</html>", "text/html"), ServerDownError),
        (Raw(b'{"error": {"code": 429, "message": "x"}}'), ServerBusyError),
        (Raw(b'{"error": {"code": "502", "message": "x"}}'), ConnectionLostError),
        (Raw(b'{"error": {"code": 400, "message": "x"}}'), InvalidInputError),
        (Raw(b'{"error": "words"}'), ConnectionLostError),
        (message(content=None), EmptyAnswerError),
        (message(content=""), EmptyAnswerError),
        (message(content=None, refusal="No."), RefusedError),
        (Text("", finish="length"), RefusedError),
        (Text("", finish="content_filter"), RefusedError),
        (Text("Half a", finish="content_filter"), RefusedError),
        (Cut(), ConnectionLostError),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_whole_answer_that_is_none(
    chat: ChatClient,
    model_server: ModelServer,
    reply: Reply,
    error: type[PromptVaultError],
) -> None:
    model_server.script(reply)

    with pytest.raises(error) as caught:
        ask(chat, user())

    assert type(caught.value) is error


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (Cut(), ConnectionLostError),
        (Cut(["Half", " a"]), ConnectionLostError),
        (Parts([b"data: [DONE]\n\n"]), EmptyAnswerError),
        (Parts([event(chunk("Half"))]), ConnectionLostError),
        (Parts([b"data: {not json\n\n"]), ServerDownError),
        (Parts([b"data: 7\n\n"]), ServerDownError),
        (Parts([b"data: {}\n\n"]), ConnectionLostError),
        (Parts([b"data: " + b"[" * 200_000 + b"\n\n"]), ServerDownError),
        (Parts([event({"choices": 7})]), ServerDownError),
        (Parts([event({"choices": [{}]})]), ConnectionLostError),
        (Parts([event(chunk(None, "stop"))]), EmptyAnswerError),
        (Parts([event(chunk("", "stop"))]), EmptyAnswerError),
        (Parts([event(chunk(None, "length"))]), RefusedError),
        (Parts([event(chunk("No", "content_filter"))]), RefusedError),
        (Parts([event({"error": {"code": 502, "message": "x"}})]), ConnectionLostError),
        (Parts([event({"error": {"code": 429, "message": "x"}})]), ServerBusyError),
        (Parts([event({"error": {"code": 400, "message": "x"}})]), InvalidInputError),
        (Parts([event({"error": "x"} | chunk("", "error"))]), ConnectionLostError),
        (Raw(b"<html>Log in</html>", "text/html"), ServerDownError),
        (Raw(b'{"choices": []}'), ServerDownError),
    ],
    ids=lambda value: str(value)[:60],
)
def test_a_stream_that_is_no_answer(
    chat: ChatClient,
    model_server: ModelServer,
    reply: Reply,
    error: type[PromptVaultError],
) -> None:
    model_server.script(reply)

    with pytest.raises(error) as caught:
        list(chat.stream(user()))

    assert type(caught.value) is error


def test_what_came_before_a_fault_was_handed_on(
    chat: ChatClient, model_server: ModelServer
) -> None:
    parts = [event(chunk("One ")), event(chunk("two")), event({"error": {"code": 502}})]
    model_server.script(Parts(parts))

    stream = chat.stream(user())
    assert (next(stream), next(stream)) == ("One ", "two")
    with pytest.raises(ConnectionLostError, match="in the middle of its answer"):
        next(stream)


def test_a_server_that_does_not_count(
    chat: ChatClient, model_server: ModelServer, is_stream: bool
) -> None:
    model_server.script(Text("Hi.", usage=None))

    assert ask(chat, user()) == ("Hi.", (None, "stop"))


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        ({"prompt_tokens": -5, "completion_tokens": 3}, Usage(0, 3)),
        ({"prompt_tokens": 10**30, "completion_tokens": 3}, Usage(10**9, 3)),
        ({"prompt_tokens": "many", "completion_tokens": 3}, None),
        ({"prompt_tokens": 5}, None),
        ({}, None),
        (None, None),
        (7, None),
    ],
    ids=str,
)
def test_a_count_that_makes_no_sense(
    chat: ChatClient, model_server: ModelServer, usage: Any, expected: Usage | None
) -> None:
    answer = {"choices": [{"message": {"content": "Hi."}}], "usage": usage}
    model_server.script(
        Raw(json.dumps(answer).encode()),
        Parts([event(chunk("Hi.", "stop", usage=usage))]),
    )

    assert ask(chat, user())[1][0] == expected
    assert list(chat.stream(user()))[-1] == (expected, "stop")


def test_an_answer_without_a_reason_is_whole_when_it_came_in_one_piece(
    chat: ChatClient, model_server: ModelServer
) -> None:
    model_server.script(message(content="Hi."))

    assert ask(chat, user()) == ("Hi.", (None, "stop"))


def test_a_text_in_parts(chat: ChatClient, model_server: ModelServer) -> None:
    thought = {"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]}
    model_server.script(message(content=[thought, {"type": "text", "text": "Hi."}]))

    assert ask(chat, user())[0] == "Hi."


def test_a_huge_answer(
    chat: ChatClient, model_server: ModelServer, is_stream: bool
) -> None:
    text = "wörd " * 200_000
    model_server.script(Text(text, pieces=[text[:500_000], text[500_000:]]))

    assert ask(chat, user())[0] == text


def test_a_stream_with_all_that_is_allowed(
    chat: ChatClient, model_server: ModelServer
) -> None:
    other = {"choices": [{"index": 1, "delta": {"content": "another"}}]}
    model_server.script(
        Parts(
            [
                b": OPENROUTER PROCESSING\n\n",
                event({"choices": [], "prompt_filter_results": [{}]}),  # Azure
                event(chunk(None) | {"id": None}),
                event(chunk("One ")),
                event(other),
                event({"choices": [{"index": 0, "delta": None}]}),
                b": keep-alive\n\n",
                event(chunk("two")),
                event(chunk(None, "stop")),
                event({"choices": None, "usage": {"prompt_tokens": 3}}),
                event(
                    {
                        "choices": [],
                        "usage": {"prompt_tokens": 3, "completion_tokens": 2},
                    }
                ),
                b"data: [DONE]\n\n",
            ]
        )
    )

    assert list(chat.stream(user())) == ["One ", "two", (Usage(3, 2), "stop")]


@given(cuts=st.lists(st.integers(1, 200), max_size=12))
def test_a_stream_may_be_split_between_any_two_bytes(cuts: list[int]) -> None:
    server = ModelServer()
    server.start()
    try:
        stream = "".join(
            f"data: {json.dumps(chunk(text), ensure_ascii=False)}\r\n\r\n"
            for text in ("Grüße ", "漢字 ", "🎉👩‍👩‍👧")
        ).encode() + event(chunk(None, "stop"))
        places = sorted({0, len(stream), *cuts})
        server.script(Parts([stream[a:b] for a, b in itertools.pairwise(places)]))
        chat = ChatClient(Endpoint(server.url, MODEL))

        *pieces, _ = chat.stream(user())

        assert "".join(map(str, pieces)) == "Grüße 漢字 🎉👩‍👩‍👧"
        chat.close()
    finally:
        server.stop()


def test_a_character_that_a_server_cut_in_two(
    chat: ChatClient, model_server: ModelServer
) -> None:
    halves = [event(chunk("a\ud83c")), event(chunk("\udf89b")), event(chunk("\ud83c"))]
    model_server.script(Parts([*halves, event(chunk(None, "stop"))]))

    *pieces, _ = chat.stream(user())

    assert "".join(map(str, pieces)) == "a🎉b\ufffd"


def test_half_a_character_cannot_be_answered(
    chat: ChatClient, model_server: ModelServer
) -> None:
    model_server.script(message(content="a\udf89b"))

    assert ask(chat, user())[0] == "a\ufffdb"


@given(st.text(st.characters(codec="utf-8")))
def test_whole_characters_stay_as_they_are(text: str) -> None:
    assert clean(text) == text


@given(st.text(st.characters()))
def test_any_text_can_be_written_to_a_file(text: str) -> None:
    clean(text).encode()
