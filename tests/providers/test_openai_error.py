"""Errors of a server become our own, without quoting a request."""

import socket
import time
from email.utils import formatdate

import pytest

from promptvault.errors import (
    AuthenticationError,
    InvalidInputError,
    NotFoundError,
    PermissionDeniedError,
    PromptVaultError,
    UnavailableError,
)
from promptvault.providers.endpoint import Endpoint
from promptvault.providers.failure import (
    ResponseTimeoutError,
    ServerBusyError,
    ServerDownError,
)
from promptvault.providers.openai_chat import ChatClient
from tests.model_kit import KEY, PASSWORD, user
from tests.model_server import (
    MODEL,
    ModelServer,
    Status,
    Text,
)
from tests.providers.chat_kit import ask


@pytest.mark.parametrize(
    ("status", "error", "words"),
    [
        (Status(400), InvalidInputError, "refuses the request (HTTP 400)"),
        (Status(401), AuthenticationError, "does not accept the key"),
        (Status(402), PermissionDeniedError, "no credit"),
        (Status(403), PermissionDeniedError, "may not use test-model"),
        (Status(404), NotFoundError, "no model 'test-model'"),
        (Status(408), ServerDownError, "HTTP 408"),
        (Status(418), InvalidInputError, "HTTP 418"),
        (Status(429), ServerBusyError, "fewer requests"),
        (
            Status(429, error={"code": "insufficient_quota"}),
            PermissionDeniedError,
            "no credit",
        ),
        (
            Status(400, error={"code": "context_length_exceeded"}),
            InvalidInputError,
            "too long for test-model",
        ),
        (Status(500), ServerDownError, "fails (HTTP 500)"),
        (Status(502, body=b"<html>Bad Gateway</html>"), ServerDownError, "HTTP 502"),
        (Status(503), ServerDownError, "HTTP 503"),
    ],
    ids=str,
)
def test_each_status_has_its_error(
    chat: ChatClient,
    model_server: ModelServer,
    is_stream: bool,
    status: Status,
    error: type[PromptVaultError],
    words: str,
) -> None:
    model_server.script(status)

    with pytest.raises(error, match=words.replace("(", r"\(").replace(")", r"\)")):
        ask(chat, user())

    assert len(model_server.requests) == 1


@pytest.mark.parametrize(
    ("headers", "least", "most"),
    [
        ({"Retry-After": "7"}, 7, 7),
        ({"Retry-After": "0.5"}, 0.5, 0.5),
        ({"Retry-After-Ms": "250", "Retry-After": "7"}, 0.25, 0.25),
        ({"Retry-After": "-3"}, 0, 0),
        ({"Retry-After": "inf"}, float("inf"), float("inf")),
    ],
    ids=str,
)
def test_a_server_says_how_long_to_wait(
    chat: ChatClient,
    model_server: ModelServer,
    headers: dict[str, str],
    least: float,
    most: float,
) -> None:
    model_server.script(Status(429, headers))

    with pytest.raises(ServerBusyError) as caught:
        ask(chat, user())

    assert caught.value.wait is not None
    assert least <= caught.value.wait <= most


@pytest.mark.parametrize(("seconds", "least", "most"), [(-9, 0, 0), (900, 600, 900)])
def test_a_server_says_until_when_to_wait(
    chat: ChatClient, model_server: ModelServer, seconds: int, least: float, most: float
) -> None:
    date = formatdate(time.time() + seconds, usegmt=True)
    model_server.script(Status(429, {"Retry-After": date}))

    with pytest.raises(ServerBusyError) as caught:
        ask(chat, user())

    assert caught.value.wait is not None
    assert least <= caught.value.wait <= most


@pytest.mark.parametrize(
    "value", ["soon", "", "nan days", "Fri, 01 May 2026 12:00:00 -0000", "1,5"]
)
def test_a_wait_that_makes_no_sense_is_none(
    chat: ChatClient, model_server: ModelServer, value: str
) -> None:
    model_server.script(Status(503, {"Retry-After": value}))

    with pytest.raises(ServerDownError) as caught:
        ask(chat, user())

    assert caught.value.wait is None


def test_the_wait_stands_in_the_message(
    chat: ChatClient, model_server: ModelServer
) -> None:
    model_server.script(Status(429, {"Retry-After": "3600"}))

    with pytest.raises(ServerBusyError, match=r"asks to wait 3,600 s"):
        ask(chat, user())


def test_a_server_that_is_not_there(model_server: ModelServer, is_stream: bool) -> None:
    model_server.stop()
    chat = ChatClient(Endpoint(model_server.url, MODEL))

    with pytest.raises(ServerDownError, match="cannot be reached") as caught:
        ask(chat, user())

    assert str(caught.value).startswith("127.0.0.1:")
    assert "ai.base_url" in str(caught.value)


def test_a_name_that_leads_nowhere(is_stream: bool, home: None) -> None:
    chat = ChatClient(Endpoint("http://nowhere.invalid/v1", MODEL))

    with pytest.raises(ServerDownError, match=r"nowhere\.invalid cannot be reached"):
        ask(chat, user())


def test_a_server_that_says_nothing(model_server: ModelServer, is_stream: bool) -> None:
    model_server.script(Text("Too late.", delay=3))
    chat = ChatClient(Endpoint(model_server.url, MODEL, timeout=0.2))

    with pytest.raises(ResponseTimeoutError, match=r"within 0\.2 seconds.*ai\.timeout"):
        ask(chat, user())


def test_a_server_that_falls_silent(model_server: ModelServer) -> None:
    model_server.script(Text("One two.", pause=3))
    stream = ChatClient(Endpoint(model_server.url, MODEL, timeout=0.4)).stream(user())

    assert next(stream) == "One"
    with pytest.raises(ResponseTimeoutError):
        next(stream)


def test_a_server_that_takes_no_call_in_time(home: None) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        port = listener.getsockname()[1]
        fillers = [socket.socket() for _ in range(3)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", port))
        chat = ChatClient(Endpoint(f"http://127.0.0.1:{port}/v1", MODEL, timeout=0.3))
        with pytest.raises(UnavailableError):
            ask(chat, user())
        for filler in fillers:
            filler.close()


def test_half_a_character_cannot_be_asked(
    chat: ChatClient, model_server: ModelServer, is_stream: bool
) -> None:
    with pytest.raises(InvalidInputError, match="not valid UTF-8"):
        ask(chat, user("\ud83c"))

    assert model_server.requests == []


@pytest.mark.parametrize(
    "code", [400, 401, 403, 404, 409, 429, 500, 503], ids=lambda code: str(code)
)
def test_a_server_that_repeats_the_key_is_not_quoted(
    chat: ChatClient, model_server: ModelServer, is_stream: bool, code: int
) -> None:
    words = f"Bad key {KEY} for user:{PASSWORD}"
    echo = {"message": words, "code": KEY, "type": KEY, "param": KEY}
    model_server.script(Status(code, {"x-request-id": KEY, "x-echo": words}, echo))

    with pytest.raises(PromptVaultError) as caught:
        ask(chat, user())

    assert KEY not in repr(caught.value)
    assert PASSWORD not in repr(caught.value)
    assert caught.value.__cause__ is None  # nor under PROMPTVAULT_DEBUG
    assert caught.value.__suppress_context__


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ALL_PROXY", f"gopher://user:{PASSWORD}@proxy.invalid:1"),
        ("HTTPS_PROXY", f"http://user:{PASSWORD}@proxy.invalid:port"),
        ("SSL_CERT_FILE", "/nowhere/at/all.pem"),
    ],
)
def test_surroundings_that_make_no_sense(
    home: None, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)

    with pytest.raises(InvalidInputError, match=name) as caught:
        ChatClient(Endpoint("https://models.invalid/v1", MODEL))

    assert PASSWORD not in str(caught.value)
