"""Requests over a socket: what is sent, and what a server does not know of it."""

import contextlib

import pytest

from promptvault.domain.chat import Message, Request, Role, Schema, Usage
from promptvault.errors import (
    InvalidInputError,
    NotFoundError,
    PromptVaultError,
)
from promptvault.providers.endpoint import Endpoint
from promptvault.providers.openai_chat import ChatClient
from tests.model_kit import KEY, user
from tests.model_server import (
    MODEL,
    ModelServer,
    Status,
)
from tests.providers.chat_kit import ask

SCHEMA = Schema("reply", {"type": "object"})


def test_what_is_sent_is_what_was_asked(
    chat: ChatClient, model_server: ModelServer, is_stream: bool
) -> None:
    messages = (Message(Role.SYSTEM, "Be short."), Message(Role.USER, "Ünï?"))
    request = Request(messages, temperature=0.5, max_tokens=7, schema=SCHEMA)

    text, (usage, finish) = ask(chat, request, is_stream)

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
    ask(chat, user(), is_stream)

    extra = {"stream_options"} if is_stream else set()
    asked = set(model_server.requests[0].body)
    assert asked == {"model", "messages", "stream"} | extra


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
    assert sent == [True, False, False]  # it is not tried again, either


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

    ask(chat, user(max_tokens=9), is_stream)

    first, second = (asked.body for asked in model_server.requests)
    assert first["max_tokens"] == second["max_completion_tokens"] == 9
    assert "max_tokens" not in second


def test_names_that_are_all_refused_end_it(
    chat: ChatClient, model_server: ModelServer, is_stream: bool
) -> None:
    complaint = "max_tokens, max_completion_tokens, response_format, stream_options"
    model_server.answer = lambda _: Status(400, error={"message": complaint})

    with pytest.raises(InvalidInputError):
        ask(chat, user(max_tokens=9, schema=SCHEMA), is_stream)

    assert len(model_server.requests) <= 5


def test_a_user_and_a_password_go_to_the_server_alone(
    chat: ChatClient, model_server: ModelServer
) -> None:
    chat.complete(user())

    header = model_server.requests[0].headers["Authorization"]
    assert header.startswith("Basic ")


def test_the_key_goes_into_the_header(model_server: ModelServer) -> None:
    ChatClient(Endpoint(model_server.url, MODEL, KEY)).complete(user())

    assert model_server.requests[0].headers["authorization"] == f"Bearer {KEY}"


def test_a_query_of_the_url_is_kept(model_server: ModelServer) -> None:
    url = f"{model_server.url}/deployments/x?api-version=2026-01-01"

    ChatClient(Endpoint(url, MODEL)).complete(user())

    path = "/v1/deployments/x/chat/completions?api-version=2026-01-01"
    assert model_server.requests[0].path == path


@pytest.mark.parametrize("name", ["HTTP_PROXY", "ALL_PROXY", "all_proxy"])
def test_what_is_for_this_computer_goes_past_any_proxy(
    model_server: ModelServer, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    proxy = ModelServer()
    proxy.start()
    monkeypatch.setenv(name, proxy.url.removesuffix("/v1"))

    ChatClient(Endpoint(model_server.url, MODEL)).complete(user())
    proxy.script(Status(404))
    with pytest.raises(NotFoundError):
        ChatClient(Endpoint("http://models.invalid/v1", MODEL)).complete(user())

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
        chat.complete(user())

    for asked in other.requests:
        headers = {name.lower(): value for name, value in asked.headers.items()}
        assert "authorization" not in headers
        assert KEY not in str(headers)
    other.stop()
