"""One request to a server: faults, partial answers, and cost."""

import json
import signal
import threading
from dataclasses import dataclass

import pytest

from promptvault.domain.chat import Answer, Usage
from promptvault.errors import (
    AuthenticationError,
    InvalidInputError,
    NotFoundError,
    PermissionDeniedError,
    PromptVaultError,
)
from promptvault.providers.failure import (
    ConnectionLostError,
    EmptyAnswerError,
    RefusedError,
    ResponseTimeoutError,
    ServerBusyError,
    ServerDownError,
)
from promptvault.services.asking.model import AnswerInterrupted, IncompleteError
from promptvault.services.asking.retry import RateLimiter
from tests.model_kit import ANSWER_COST, KEY, MILLION, PRICE, Kit, Way, user
from tests.model_server import (
    Cut,
    ModelServer,
    Parts,
    Raw,
    Reply,
    Status,
    Text,
)


def event(text: str) -> bytes:
    """Return a chunk of a stream."""
    chunk = {"choices": [{"index": 0, "delta": {"content": text}}]}
    return f"data: {json.dumps(chunk)}\n\n".encode()


@dataclass(frozen=True)
class Fault:
    """A fault, and its expected result."""

    reply: Reply
    error: type[PromptVaultError]
    exit_code: int
    asked: int
    """How often the server is asked, with two retries."""
    paid: int
    """How many of the requests may have been charged."""
    streams: bool | None = None
    """The one way of asking in which it happens, if not in both."""


FAULTS = {
    "busy": Fault(Status(429, {"Retry-After": "1"}), ServerBusyError, 10, 3, 0),
    "busy, no wait": Fault(Status(429), ServerBusyError, 10, 3, 0),
    "busy for long": Fault(
        Status(429, {"Retry-After": "900"}), ServerBusyError, 10, 1, 0
    ),
    "down for long": Fault(
        Status(503, {"Retry-After": "900"}), ServerDownError, 6, 1, 0
    ),
    "no credit": Fault(
        Status(429, error={"code": "insufficient_quota"}),
        PermissionDeniedError,
        4,
        1,
        0,
    ),
    "500": Fault(Status(500), ServerDownError, 6, 3, 0),
    "502": Fault(Status(502, body=b"<html>"), ServerDownError, 6, 3, 0),
    "503": Fault(Status(503), ServerDownError, 6, 3, 0),
    "400": Fault(Status(400), InvalidInputError, 2, 1, 0),
    "401": Fault(Status(401), AuthenticationError, 4, 1, 0),
    "403": Fault(Status(403), PermissionDeniedError, 4, 1, 0),
    "404": Fault(Status(404), NotFoundError, 3, 1, 0),
    "cut": Fault(Cut(), ConnectionLostError, 6, 3, 3),
    "no JSON": Fault(Raw(b"{not json"), ServerDownError, 6, 3, 0, streams=False),
    "other JSON": Fault(Raw(b'{"a": 1}'), ServerDownError, 6, 3, 0, streams=False),
    "no event": Fault(
        Parts([b"data: {no\n\n"]), ServerDownError, 6, 3, 0, streams=True
    ),
    "empty": Fault(Text(""), EmptyAnswerError, 6, 3, 3),
    "all thought": Fault(Text("", finish="length"), RefusedError, 2, 1, 1),
    "filtered": Fault(Text("", finish="content_filter"), RefusedError, 2, 1, 1),
    "slow": Fault(Text("x", delay=3), ResponseTimeoutError, 6, 1, 1),
    "error event": Fault(
        Parts([b'data: {"error": {"code": 502}}\n\n']),
        ConnectionLostError,
        6,
        3,
        3,
        streams=True,
    ),
}


WAYS = [
    (name, is_stream)
    for name, fault in FAULTS.items()
    for is_stream in (False, True)
    if fault.streams in {None, is_stream}
]


@pytest.mark.parametrize(("name", "is_stream"), WAYS)
def test_a_fault_has_its_error_and_leaves_nothing_half(
    kit: Kit, model_server: ModelServer, name: str, is_stream: bool
) -> None:
    fault = FAULTS[name]
    model_server.answer = lambda _: fault.reply
    timeout = 0.2 if fault.error is ResponseTimeoutError else 5
    model = kit.model(
        model_server.url, key=KEY, timeout=timeout, limits={"per_month": 1}
    )
    came: list[str] = []

    def ask_it() -> Answer:
        request = user(max_tokens=300)
        return model.stream(request, came.append) if is_stream else model.ask(request)

    with pytest.raises(fault.error) as caught:
        ask_it()

    assert type(caught.value) is fault.error
    assert caught.value.exit_code == fault.exit_code
    assert len(model_server.requests) == fault.asked
    assert came == []
    assert kit.kept.answers == 0
    assert [settled for *_, settled in kit.requests] == [1] * fault.paid
    assert (model.spent.requests, model.spent.cached) == (0, 0)
    assert not kit.holds([KEY])
    assert KEY not in f"{caught.value!r}{caught.value}"

    model_server.answer = lambda _: Text("All is well.")
    assert model.ask(user()).text == "All is well."  # and it goes on


def test_a_lost_answer_is_paid_for_in_full(
    kit: Kit, model_server: ModelServer, way: Way
) -> None:
    model_server.script(Cut())
    request = user("Hello there, this is some text.", max_tokens=1000)

    way(kit.model(model_server.url, limits={"per_month": 1}), request)

    (lost, answered) = kit.requests
    assert lost[2] >= PRICE.of(Usage(request.input_tokens, 1000))
    assert answered[2] == pytest.approx(ANSWER_COST)


def test_an_empty_answer_costs_what_the_server_counted(
    kit: Kit, model_server: ModelServer
) -> None:
    model_server.script(Text(""))

    kit.model(model_server.url, limits={"per_month": 1}).ask(user())

    assert [cost for _, _, cost, _ in kit.requests] == [
        pytest.approx(ANSWER_COST),
        pytest.approx(ANSWER_COST),
    ]


@pytest.mark.parametrize(
    "rest",
    [
        Cut(["One", " two"]),
        Parts([event("One"), event(" two"), b'data: {"error": {"code": 502}}\n\n']),
        Parts([event("One"), event(" two"), b"data: {no\n\n"]),
    ],
    ids=["cut", "error", "no JSON"],
)
def test_a_stream_that_breaks_off_keeps_what_came(
    kit: Kit, model_server: ModelServer, other: ModelServer, rest: Reply
) -> None:
    model_server.script(rest)
    model = kit.model(model_server.url, other.url, limits={"per_month": 1})
    came: list[str] = []

    with pytest.raises(IncompleteError) as caught:
        model.stream(user(), came.append)

    assert came == ["One", " two"]
    answer = caught.value.answer
    assert answer.text == "One two"
    assert answer.usage.is_estimate
    assert caught.value.exit_code == 6
    # No second request is sent, since the pieces would come twice.
    assert (len(model_server.requests), len(other.requests)) == (1, 0)
    assert kit.kept.answers == 0
    assert [(cost, settled) for _, _, cost, settled in kit.requests] == [
        (answer.cost, 1)
    ]
    assert model.spent.requests == 1
    assert model.spent.cost == answer.cost


def test_silence_in_the_middle_keeps_what_came(
    kit: Kit, model_server: ModelServer
) -> None:
    model_server.script(Text("One two", pause=3))
    model = kit.model(model_server.url, timeout=0.4)

    with pytest.raises(IncompleteError, match="did not answer") as caught:
        model.stream(user(), lambda _: None)

    assert caught.value.answer.text == "One"
    assert kit.kept.answers == 0


class Full(Exception):
    """Stands for any error that the receiver of the pieces may raise."""


@pytest.mark.parametrize(
    ("raised", "seen"),
    [
        (BrokenPipeError, AnswerInterrupted),
        (OSError, AnswerInterrupted),
        (KeyboardInterrupt, AnswerInterrupted),
        (Full, Full),
        (GeneratorExit, GeneratorExit),
        (SystemExit, SystemExit),
    ],
)
def test_a_taker_that_fails_pays_for_what_came(
    kit: Kit,
    model_server: ModelServer,
    raised: type[BaseException],
    seen: type[BaseException],
) -> None:
    model_server.script(Text("One two three", pause=0.01))
    model = kit.model(model_server.url, limits={"per_command": 1, "per_month": 1})

    def take(piece: str) -> None:
        if piece == " two":
            raise raised

    with pytest.raises(seen) as caught:
        model.stream(user(), take)

    if isinstance(caught.value, AnswerInterrupted):
        assert caught.value.answer.text == "One two"
        assert isinstance(caught.value.__cause__, raised)
    ((sent, received, cost, settled),) = kit.requests
    assert (sent, received, settled) == (user().input_tokens, 2, 1)
    assert cost == pytest.approx((sent * PRICE.input + 20) / MILLION)
    assert kit.kept.answers == 0
    assert model.ask(user()).text == "Hello from the model."


def test_an_interrupt_while_it_waits_to_ask_pays_nothing(
    kit: Kit, model_server: ModelServer
) -> None:
    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    limiter = RateLimiter(60, clock=lambda: 0.0, sleep=interrupt)
    model = kit.model(model_server.url, limits={"per_month": 1}, rate_limiter=limiter)

    with pytest.raises(KeyboardInterrupt):
        model.ask(user())

    assert kit.requests == []
    assert model_server.requests == []


def test_ctrl_c_while_an_answer_is_awaited_pays_the_most(
    kit: Kit, model_server: ModelServer
) -> None:
    def interrupt(_: object) -> Reply:
        main = threading.main_thread().ident
        assert main is not None
        signal.pthread_kill(main, signal.SIGINT)
        return Text("Too late.", delay=3)

    model_server.answer = interrupt
    model = kit.model(model_server.url, limits={"per_month": 1})
    request = user(max_tokens=1000)

    with pytest.raises(KeyboardInterrupt) as caught:
        model.ask(request)

    assert type(caught.value) is KeyboardInterrupt
    ((_, _, cost, settled),) = kit.requests
    assert settled
    assert cost >= PRICE.of(Usage(request.input_tokens, 1000))
    assert kit.kept.answers == 0
