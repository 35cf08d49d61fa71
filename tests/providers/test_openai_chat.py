"""Chat completions over a socket: what servers do wrong, and what becomes of it."""

import itertools
import json
import socket
import time
from collections.abc import Iterator
from email.utils import formatdate
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptvault.domain.chat import Message, Request, Role, Schema, Usage
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
    BusyError,
    DownError,
    EmptyAnswerError,
    LostError,
    RefusedError,
    SilentError,
)
from promptvault.providers.openai_answer import clean
from promptvault.providers.openai_chat import Chat, End
from tests.model_kit import KEY, PASSWORD, user
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

SCHEMA = Schema("reply", {"type": "object"})


@pytest.fixture(params=["whole", "stream"])
def is_stream(request: pytest.FixtureRequest) -> bool:
    """Ask in both ways."""
    return bool(request.param == "stream")


@pytest.fixture
def chat(model_server: ModelServer) -> Iterator[Chat]:
    """Return a connection whose URL and header have secrets."""
    url = model_server.url.replace("//", f"//user:{PASSWORD}@")
    chat = Chat(Endpoint(url, MODEL, KEY, timeout=5))
    yield chat
    chat.close()


def ask(chat: Chat, request: Request, is_stream: bool) -> tuple[str, End]:
    """Return the text and the end, whichever way it comes."""
    if not is_stream:
        return chat.complete(request)
    *pieces, end = list(chat.stream(request))
    assert not isinstance(end, str)
    return "".join(map(str, pieces)), end


def event(value: Any) -> bytes:
    """Return one event of a stream."""
    return f"data: {json.dumps(value)}\n\n".encode()


def chunk(text: str | None, finish: str | None = None, **more: Any) -> dict[str, Any]:
    """Return a chunk as servers send it."""
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": finish}
    return {"choices": [choice]} | more


def message(**more: Any) -> Raw:
    """Return a completion with a message of one's own."""
    choice = {"index": 0, "message": {"role": "assistant"} | more}
    return Raw(json.dumps({"choices": [choice]}).encode())


def test_what_is_sent_is_what_was_asked(
    chat: Chat, model_server: ModelServer, is_stream: bool
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
    chat: Chat, model_server: ModelServer, is_stream: bool
) -> None:
    ask(chat, user(), is_stream)

    extra = {"stream_options"} if is_stream else set()
    asked = set(model_server.requests[0].body)
    assert asked == {"model", "messages", "stream"} | extra


@pytest.mark.parametrize(
    ("status", "error", "words"),
    [
        (Status(400), InvalidInputError, "refuses the request (HTTP 400)"),
        (Status(401), AuthenticationError, "does not accept the key"),
        (Status(402), PermissionDeniedError, "no credit"),
        (Status(403), PermissionDeniedError, "may not use test-model"),
        (Status(404), NotFoundError, "no model 'test-model'"),
        (Status(408), DownError, "HTTP 408"),
        (Status(418), InvalidInputError, "HTTP 418"),
        (Status(429), BusyError, "fewer requests"),
        (
            Status(429, error={"code": "insufficient_quota"}),
            PermissionDeniedError,
            "no credit",
        ),
        (
            Status(400, error={"code": "context_length_exceeded"}),
            InvalidInputError,
            "context_length_exceeded",
        ),
        (Status(500), DownError, "fails (HTTP 500)"),
        (Status(502, body=b"<html>Bad Gateway</html>"), DownError, "HTTP 502"),
        (Status(503), DownError, "HTTP 503"),
    ],
    ids=str,
)
def test_each_status_has_its_error(
    chat: Chat,
    model_server: ModelServer,
    is_stream: bool,
    status: Status,
    error: type[PromptVaultError],
    words: str,
) -> None:
    model_server.script(status)

    with pytest.raises(error, match=words.replace("(", r"\(").replace(")", r"\)")):
        ask(chat, user(), is_stream)

    assert len(model_server.requests) == 1


PAST = formatdate(time.time() - 9, usegmt=True)
FAR = formatdate(time.time() + 900, usegmt=True)


@pytest.mark.parametrize(
    ("headers", "least", "most"),
    [
        ({"Retry-After": "7"}, 7, 7),
        ({"Retry-After": "0.5"}, 0.5, 0.5),
        ({"Retry-After-Ms": "250", "Retry-After": "7"}, 0.25, 0.25),
        ({"Retry-After": "-3"}, 0, 0),
        ({"Retry-After": PAST}, 0, 0),
        ({"Retry-After": FAR}, 600, 900),
        ({"Retry-After": "inf"}, float("inf"), float("inf")),
    ],
    ids=str,
)
def test_a_server_says_how_long_to_wait(
    chat: Chat,
    model_server: ModelServer,
    headers: dict[str, str],
    least: float,
    most: float,
) -> None:
    model_server.script(Status(429, headers))

    with pytest.raises(BusyError) as caught:
        chat.complete(user())

    assert caught.value.wait is not None
    assert least <= caught.value.wait <= most


@pytest.mark.parametrize(
    "value", ["soon", "", "nan days", "Fri, 01 May 2026 12:00:00 -0000", "1,5"]
)
def test_a_wait_that_makes_no_sense_is_none(
    chat: Chat, model_server: ModelServer, value: str
) -> None:
    model_server.script(Status(503, {"Retry-After": value}))

    with pytest.raises(DownError) as caught:
        chat.complete(user())

    assert caught.value.wait is None


def test_the_wait_stands_in_the_message(chat: Chat, model_server: ModelServer) -> None:
    model_server.script(Status(429, {"Retry-After": "3600"}))

    with pytest.raises(BusyError, match=r"asks to wait 3,600 s"):
        chat.complete(user())


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (Raw(b"{not json"), DownError),
        (Raw(b""), DownError),
        (Raw(b'"words"'), DownError),
        (Raw(b"[]"), DownError),
        (Raw(b"{}"), DownError),
        (Raw(b"null"), DownError),
        (Raw(b'{"choices": []}'), DownError),
        (Raw(b'{"choices": [{}]}'), EmptyAnswerError),
        (Raw(b'{"choices": [{"message": "hi"}]}'), EmptyAnswerError),
        (Raw(b'{"choices": 7}'), DownError),
        (Raw(b"[" * 200_000), DownError),
        (Raw(b'{"choices": [{"message": {"content": "\xff"}}]}'), DownError),
        (Raw(b"<html>Log in</html>", "text/html"), DownError),
        (Raw(b'{"error": {"code": 429, "message": "x"}}'), BusyError),
        (Raw(b'{"error": {"code": "502", "message": "x"}}'), LostError),
        (Raw(b'{"error": {"code": 400, "message": "x"}}'), InvalidInputError),
        (Raw(b'{"error": "words"}'), LostError),
        (message(content=None), EmptyAnswerError),
        (message(content=""), EmptyAnswerError),
        (message(content=None, refusal="No."), RefusedError),
        (Text("", finish="length"), RefusedError),
        (Text("", finish="content_filter"), RefusedError),
        (Text("Half a", finish="content_filter"), RefusedError),
        (Cut(), LostError),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_whole_answer_that_is_none(
    chat: Chat,
    model_server: ModelServer,
    reply: Reply,
    error: type[PromptVaultError],
) -> None:
    model_server.script(reply)

    with pytest.raises(error) as caught:
        chat.complete(user())

    assert type(caught.value) is error


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (Cut(), LostError),
        (Cut(["Half", " a"]), LostError),
        (Parts([b"data: [DONE]\n\n"]), LostError),
        (Parts([event(chunk("Half"))]), LostError),
        (Parts([b"data: {not json\n\n"]), DownError),
        (Parts([b"data: 7\n\n"]), DownError),
        (Parts([b"data: {}\n\n"]), LostError),
        (Parts([b"data: " + b"[" * 200_000 + b"\n\n"]), DownError),
        (Parts([event({"choices": 7})]), DownError),
        (Parts([event({"choices": [{}]})]), LostError),
        (Parts([event(chunk(None, "stop"))]), EmptyAnswerError),
        (Parts([event(chunk("", "stop"))]), EmptyAnswerError),
        (Parts([event(chunk(None, "length"))]), RefusedError),
        (Parts([event(chunk("No", "content_filter"))]), RefusedError),
        (Parts([event({"error": {"code": 502, "message": "x"}})]), LostError),
        (Parts([event({"error": {"code": 429, "message": "x"}})]), BusyError),
        (Parts([event({"error": {"code": 400, "message": "x"}})]), InvalidInputError),
        (Parts([event({"error": "x"} | chunk("", "error"))]), LostError),
        (Raw(b"<html>Log in</html>", "text/html"), DownError),
        (Raw(b'{"choices": []}'), DownError),
    ],
    ids=lambda value: str(value)[:60],
)
def test_a_stream_that_is_no_answer(
    chat: Chat,
    model_server: ModelServer,
    reply: Reply,
    error: type[PromptVaultError],
) -> None:
    model_server.script(reply)

    with pytest.raises(error) as caught:
        list(chat.stream(user()))

    assert type(caught.value) is error


def test_what_came_before_a_fault_was_handed_on(
    chat: Chat, model_server: ModelServer
) -> None:
    parts = [event(chunk("One ")), event(chunk("two")), event({"error": {"code": 502}})]
    model_server.script(Parts(parts))

    stream = chat.stream(user())
    assert (next(stream), next(stream)) == ("One ", "two")
    with pytest.raises(LostError, match="in the middle of its answer"):
        next(stream)


def test_a_server_that_is_not_there(model_server: ModelServer, is_stream: bool) -> None:
    model_server.stop()
    chat = Chat(Endpoint(model_server.url, MODEL))

    with pytest.raises(DownError, match="cannot be reached") as caught:
        ask(chat, user(), is_stream)

    assert str(caught.value).startswith("127.0.0.1:")
    assert "ai.base_url" in str(caught.value)


def test_a_name_that_leads_nowhere(is_stream: bool, home: None) -> None:
    chat = Chat(Endpoint("http://nowhere.invalid/v1", MODEL))

    with pytest.raises(DownError, match=r"nowhere\.invalid cannot be reached"):
        ask(chat, user(), is_stream)


def test_a_server_that_says_nothing(model_server: ModelServer, is_stream: bool) -> None:
    model_server.script(Text("Too late.", delay=3))
    chat = Chat(Endpoint(model_server.url, MODEL, timeout=0.2))

    with pytest.raises(SilentError, match=r"within 0\.2 seconds.*ai\.timeout"):
        ask(chat, user(), is_stream)


def test_a_server_that_falls_silent(model_server: ModelServer) -> None:
    model_server.script(Text("One two.", pause=3))
    stream = Chat(Endpoint(model_server.url, MODEL, timeout=0.4)).stream(user())

    assert next(stream) == "One"
    with pytest.raises(SilentError):
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
        chat = Chat(Endpoint(f"http://127.0.0.1:{port}/v1", MODEL, timeout=0.3))
        with pytest.raises(UnavailableError):
            chat.complete(user())
        for filler in fillers:
            filler.close()


@pytest.mark.parametrize("status", [400, 422])
@pytest.mark.parametrize(
    "name", ["response_format", "stream_options"], ids=lambda name: name
)
def test_what_a_server_does_not_know_is_left_out(
    chat: Chat, model_server: ModelServer, name: str, status: int
) -> None:
    refusal = Status(status, error={"message": f"Unknown field: {name}"})
    model_server.script(refusal)

    first = list(chat.stream(user(schema=SCHEMA)))
    list(chat.stream(user(schema=SCHEMA)))

    assert "".join(map(str, first[:-1])) == "Hello from the model."
    sent = [name in asked.body for asked in model_server.requests]
    assert sent == [True, False, False]  # it is not tried again, either


def test_both_may_be_unknown(chat: Chat, model_server: ModelServer) -> None:
    model_server.script(
        Status(400, error={"message": "response_format is not supported"}),
        Status(422, error={"detail": [{"loc": ["body", "stream_options"]}]}),
    )

    assert list(chat.stream(user(schema=SCHEMA)))
    assert len(model_server.requests) == 3


def test_a_limit_goes_by_the_name_that_the_server_knows(
    chat: Chat, model_server: ModelServer, is_stream: bool
) -> None:
    complaint = "Unsupported: 'max_tokens'. Use 'max_completion_tokens' instead."
    model_server.script(Status(400, error={"message": complaint}))

    ask(chat, user(max_tokens=9), is_stream)

    first, second = (asked.body for asked in model_server.requests)
    assert first["max_tokens"] == second["max_completion_tokens"] == 9
    assert "max_tokens" not in second


def test_names_that_are_all_refused_end_it(
    chat: Chat, model_server: ModelServer, is_stream: bool
) -> None:
    complaint = "max_tokens, max_completion_tokens, response_format, stream_options"
    model_server.answer = lambda _: Status(400, error={"message": complaint})

    with pytest.raises(InvalidInputError):
        ask(chat, user(max_tokens=9, schema=SCHEMA), is_stream)

    assert len(model_server.requests) <= 5


def test_a_server_that_does_not_count(
    chat: Chat, model_server: ModelServer, is_stream: bool
) -> None:
    model_server.script(Text("Hi.", usage=None))

    assert ask(chat, user(), is_stream) == ("Hi.", (None, "stop"))


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
    chat: Chat, model_server: ModelServer, usage: Any, expected: Usage | None
) -> None:
    answer = {"choices": [{"message": {"content": "Hi."}}], "usage": usage}
    model_server.script(
        Raw(json.dumps(answer).encode()),
        Parts([event(chunk("Hi.", "stop", usage=usage))]),
    )

    assert chat.complete(user())[1][0] == expected
    assert list(chat.stream(user()))[-1] == (expected, "stop")


def test_an_answer_without_a_reason_is_whole_when_it_came_in_one_piece(
    chat: Chat, model_server: ModelServer
) -> None:
    model_server.script(message(content="Hi."))

    assert chat.complete(user()) == ("Hi.", (None, "stop"))


def test_a_text_in_parts(chat: Chat, model_server: ModelServer) -> None:
    thought = {"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]}
    model_server.script(message(content=[thought, {"type": "text", "text": "Hi."}]))

    assert chat.complete(user())[0] == "Hi."


def test_a_huge_answer(chat: Chat, model_server: ModelServer, is_stream: bool) -> None:
    text = "wörd " * 200_000
    model_server.script(Text(text, pieces=[text[:500_000], text[500_000:]]))

    assert ask(chat, user(), is_stream)[0] == text


def test_a_stream_with_all_that_is_allowed(
    chat: Chat, model_server: ModelServer
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
        chat = Chat(Endpoint(server.url, MODEL))

        *pieces, _ = chat.stream(user())

        assert "".join(map(str, pieces)) == "Grüße 漢字 🎉👩‍👩‍👧"
        chat.close()
    finally:
        server.stop()


def test_a_character_that_a_server_cut_in_two(
    chat: Chat, model_server: ModelServer
) -> None:
    halves = [event(chunk("a\ud83c")), event(chunk("\udf89b")), event(chunk("\ud83c"))]
    model_server.script(Parts([*halves, event(chunk(None, "stop"))]))

    *pieces, _ = chat.stream(user())

    assert "".join(map(str, pieces)) == "a🎉b\ufffd"


def test_half_a_character_cannot_be_answered(
    chat: Chat, model_server: ModelServer
) -> None:
    model_server.script(message(content="a\udf89b"))

    assert chat.complete(user())[0] == "a\ufffdb"


@given(st.text(st.characters(codec="utf-8")))
def test_whole_characters_stay_as_they_are(text: str) -> None:
    assert clean(text) == text


@given(st.text(st.characters()))
def test_any_text_can_be_written_to_a_file(text: str) -> None:
    clean(text).encode()


def test_half_a_character_cannot_be_asked(
    chat: Chat, model_server: ModelServer, is_stream: bool
) -> None:
    with pytest.raises(InvalidInputError, match="no valid text"):
        ask(chat, user("\ud83c"), is_stream)

    assert model_server.requests == []


@pytest.mark.parametrize(
    "code", [400, 401, 403, 404, 409, 429, 500, 503], ids=lambda code: str(code)
)
def test_a_server_that_repeats_the_key_is_not_quoted(
    chat: Chat, model_server: ModelServer, is_stream: bool, code: int
) -> None:
    words = f"Bad key {KEY} for user:{PASSWORD}"
    echo = {"message": words, "code": KEY, "type": KEY, "param": KEY}
    model_server.script(Status(code, {"x-request-id": KEY, "x-echo": words}, echo))

    with pytest.raises(PromptVaultError) as caught:
        ask(chat, user(), is_stream)

    assert KEY not in repr(caught.value)
    assert PASSWORD not in repr(caught.value)
    assert caught.value.__cause__ is None  # nor under PROMPTVAULT_DEBUG
    assert caught.value.__suppress_context__


def test_a_user_and_a_password_go_to_the_server_alone(
    chat: Chat, model_server: ModelServer
) -> None:
    chat.complete(user())

    header = model_server.requests[0].headers["Authorization"]
    assert header.startswith("Basic ")


def test_the_key_goes_into_the_header(model_server: ModelServer) -> None:
    Chat(Endpoint(model_server.url, MODEL, KEY)).complete(user())

    assert model_server.requests[0].headers["authorization"] == f"Bearer {KEY}"


def test_a_query_of_the_url_is_kept(model_server: ModelServer) -> None:
    url = f"{model_server.url}/deployments/x?api-version=2026-01-01"

    Chat(Endpoint(url, MODEL)).complete(user())

    path = "/v1/deployments/x/chat/completions?api-version=2026-01-01"
    assert model_server.requests[0].path == path


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
        Chat(Endpoint("https://models.invalid/v1", MODEL))

    assert PASSWORD not in str(caught.value)
