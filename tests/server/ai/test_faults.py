"""A model that fails in each way: what it costs, and what the client hears."""

import json
from collections.abc import Callable, Iterator

import pytest

from tests.model_server import Cut, ModelServer, Parts, Raw, Reply, Status, Text
from tests.server.ai.conftest import (
    PATH,
    UPSTREAM_KEY,
    UPSTREAM_MODEL,
    Asker,
    Connection,
    body,
    hosted,
)
from tests.server.conftest import Server
from tests.sync.waiting import eventually

SAID = "quota of account 4711 is exceeded"
"""What the upstream says, which is for the operator alone."""
COUNTED = 40 / 1_000_000
"""US dollars, by the tokens that the stand-in counts."""


def _chunk(text: str, finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": finish}
    return b"data: " + json.dumps({"choices": [choice]}).encode() + b"\n\n"


def _error() -> bytes:
    return b"data: " + json.dumps({"error": {"message": SAID}}).encode() + b"\n\n"


@pytest.fixture
def other() -> Iterator[ModelServer]:
    """Return the model that is asked if the first one is down."""
    started = ModelServer()
    started.answer = lambda _: Text("From the other model.")
    started.start()
    yield started
    started.stop()


@pytest.fixture
def reserved(asker: Asker, model: ModelServer) -> float:
    """Return what a request costs if the model counts nothing."""
    model.script(Text("Hello.", usage=None))
    assert asker.ask(stream=True).status_code == 200
    spent: float = asker.usage()["spent_usd"]
    assert spent > COUNTED
    return spent


def test_a_refusal_costs_nothing(asker: Asker, model: ModelServer) -> None:
    for status in (500, 503, 429, 400, 401, 404, 302):
        model.script(*[Status(status, error={"message": SAID})] * 2)
        for stream in (False, True):
            answer = asker.ask(stream=stream)
            assert answer.status_code == (422 if status == 400 else 503), status
            assert SAID not in answer.text
    assert asker.usage()["spent_usd"] == 0


@pytest.mark.parametrize(
    "reply",
    [
        Status(500),
        Status(429),
        Parts([_error()]),
        Raw(json.dumps({"error": {"message": SAID}}).encode()),
        None,
    ],
    ids=["500", "429", "error in the stream", "error", "down"],
)
def test_the_other_model_answers(
    start_server: Callable[..., Server],
    token: str,
    model: ModelServer,
    other: ModelServer,
    reply: Reply | None,
) -> None:
    server = start_server(
        **hosted(
            model,
            ai_fallback_base_url=other.url,
            ai_fallback_api_key="sk-other",
            ai_fallback_model="other-model",
        )
    )
    if reply is None:
        model.stop()
    else:
        model.script(reply)
    with server.client(token) as client:
        assert "From the other model." in Asker(client).ask().text
    assert other.requests[0].body["model"] == "other-model"


def test_a_stream_that_is_cut_at_each_chunk(
    asker: Asker, model: ModelServer, reserved: float
) -> None:
    parts = [_chunk("One "), _chunk("two "), _chunk("three."), _chunk("", "stop")]
    for kept in range(1, len(parts)):
        before = asker.usage()["spent_usd"]
        model.script(Parts(parts[:kept]), Parts([*parts[:kept], parts[kept][:20]]))
        for _ in range(2):
            text = asker.ask(stream=True).text
            assert "[DONE]" not in text
            assert '"error"' in text
            assert "One" in text
        spent = asker.usage()["spent_usd"] - before
        assert spent == pytest.approx(2 * reserved)
    model.script(Cut(["One "]), Cut(["One "]))
    assert '"error"' in asker.ask(stream=True).text
    assert asker.ask().status_code == 503


def test_an_error_in_the_middle_of_a_stream(
    asker: Asker, model: ModelServer, reserved: float
) -> None:
    model.script(Parts([_chunk("One "), _error()]))
    text = asker.ask(stream=True).text
    assert "One" in text
    assert "does not answer" in text
    assert SAID not in text
    assert asker.usage()["spent_usd"] == pytest.approx(2 * reserved)


def test_a_model_that_never_ends(
    asker: Asker, model: ModelServer, reserved: float
) -> None:
    model.script(Parts([_chunk("x" * 60_000)] * 200))
    assert "does not answer" in asker.ask(stream=True).text
    assert asker.usage()["spent_usd"] == pytest.approx(2 * reserved)


def test_a_model_that_says_nothing(
    start_server: Callable[..., Server], token: str, model: ModelServer
) -> None:
    server = start_server(**hosted(model, ai_timeout=0.2))
    model.script(Text("Too late.", delay=2))
    with server.client(token) as client:
        assert Asker(client).ask(stream=True).status_code == 503
        assert Asker(client).usage()["spent_usd"] > COUNTED  # it may have answered


def test_a_client_that_goes_away(asker: Asker, model: ModelServer) -> None:
    model.script(Text("", pieces=["One ", *["more "] * 10], pause=0.05))
    headers = {"PV-Task": "optimize", "Idempotency-Key": "k"}
    sent = body(stream=True)
    with asker.client.stream("POST", PATH, json=sent, headers=headers) as answer:
        assert "One" in next(answer.iter_text())
    eventually(lambda: asker.usage()["spent_usd"] == COUNTED)
    text = asker.client.post(PATH, json=sent, headers=headers).text
    assert "One more more" in text  # the rest was kept
    assert len(model.requests) == 1


def test_a_server_that_stops_settles_what_runs(
    server: Server, asker: Asker, model: ModelServer, connection: Connection
) -> None:
    model.script(Text("", pieces=["One "] * 100, pause=0.05))
    headers = {"PV-Task": "optimize"}
    sent = body(stream=True)
    with asker.client.stream("POST", PATH, json=sent, headers=headers) as answer:
        next(answer.iter_text())
    server.stop()
    states = connection.execute("SELECT state, cost = reserved FROM ai_requests")
    assert states.fetchall() == [("settled", True)]


def test_nothing_of_it_is_anywhere(
    asker: Asker,
    model: ModelServer,
    other: ModelServer,
    server: Server,
    start_server: Callable[..., Server],
    token: str,
    connection: Connection,
    capfd: pytest.CaptureFixture[str],
) -> None:
    prompt, spoken = "the secret plan", "an answer for one"
    model.answer = lambda _: Text(spoken)
    seen = [asker.once("key-of-ada", prompt).text for _ in range(2)]
    assert seen[0] == seen[1]
    model.script(Status(401, error={"message": SAID}), Parts([_error()]))
    answers = [asker.ask(prompt), asker.ask(prompt, stream=True)]
    other.stop()
    with start_server(**hosted(other)).client(token) as client:
        answers.append(Asker(client).ask(prompt))
    answers += [asker.client.get("/v1/me"), asker.client.get("/metrics")]
    server.stop()
    tables = "".join(
        str(connection.execute(f"SELECT t::text FROM {table} t".encode()).fetchall())
        for table in ("ai_requests", "ai_months", "ai_answers", "jobs", "accounts")
    )
    texts = [f"{each.headers} {each.text}" for each in answers]
    text = "\n".join([*texts, *capfd.readouterr(), tables])
    addresses = {f":{each.url.rpartition(':')[2]}" for each in (model, other)}
    for secret in {prompt, spoken, "key-of-ada", UPSTREAM_KEY, SAID, *addresses}:
        assert secret not in text
        assert secret.encode().hex() not in text
    assert UPSTREAM_MODEL not in "\n".join(texts)
    assert 'promptvault_ai_requests_total{state="settled",task="optimize"}' in text
