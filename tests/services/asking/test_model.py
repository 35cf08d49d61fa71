"""Asking a model through a real server: faults, retries, fallback, cost."""

import os
import signal
import subprocess
import sys
import threading
from email.utils import formatdate
from typing import Any

import pytest

from promptvault.errors import (
    AuthenticationError,
    PromptVaultError,
    RateLimitedError,
    UnavailableError,
)
from promptvault.providers.failure import (
    ServerDownError,
)
from promptvault.services.asking.budget import BudgetError
from tests.model_kit import (
    ANSWER_COST,
    KEY,
    MILLION,
    PASSWORD,
    PRICE,
    Kit,
    Way,
    user,
)
from tests.model_server import (
    Cut,
    ModelServer,
    Reply,
    Status,
    Text,
)


def test_a_good_answer(kit: Kit, model_server: ModelServer, way: Way) -> None:
    model = kit.model(model_server.url)

    answer = way(model, user())

    assert answer.text == "Hello from the model."
    assert (answer.model, answer.endpoint) == ("test-model", model_server.url)
    assert answer.cost == pytest.approx(ANSWER_COST)
    assert (answer.cached, answer.is_cut, answer.usage.is_estimate) == ((False,) * 3)
    assert answer.seconds > 0
    assert answer.first_seconds is not None
    assert kit.requests == [(20, 10, ANSWER_COST, 1)]
    assert kit.kept.answers == 1


def test_the_second_time_it_comes_from_the_cache(
    kit: Kit, model_server: ModelServer, way: Way
) -> None:
    first = way(kit.model(model_server.url), user())
    model = kit.model(model_server.url)

    answer = way(model, user())

    assert answer == first._replace(cost=0.0, cached=True, first_seconds=None)
    assert len(model_server.requests) == 1
    assert len(kit.requests) == 1
    assert (model.spent.requests, model.spent.cached, model.spent.cost) == (0, 1, 0)


def test_a_server_that_does_not_count_is_estimated(
    kit: Kit, model_server: ModelServer, way: Way
) -> None:
    model_server.script(Text("x" * 400, usage=None))

    answer = way(kit.model(model_server.url), user("y" * 80))

    assert answer.usage == (24, 100, True)


@pytest.mark.parametrize("reply", [Status(429), Status(500), Cut(), Text("")], ids=str)
def test_a_fault_that_passes_is_not_seen(
    kit: Kit, model_server: ModelServer, way: Way, reply: Reply
) -> None:
    model_server.script(reply, reply)

    answer = way(kit.model(model_server.url), user())

    assert answer.text == "Hello from the model."
    assert len(model_server.requests) == 3
    assert len(kit.waits) == 2
    assert kit.kept.answers == 1


def test_a_wait_that_a_server_asks_for_is_kept_to(
    kit: Kit, model_server: ModelServer
) -> None:
    soon = formatdate(1, usegmt=True)
    model_server.script(
        Status(429, {"Retry-After": "30"}),
        Status(503, {"Retry-After-Ms": "2500"}),
        Status(429, {"Retry-After": soon}),
    )

    kit.model(model_server.url, retries=3).ask(user())

    for waited, asked in zip(kit.waits, (30, 2.5, 0), strict=True):
        assert asked <= waited <= asked + 0.1
    assert kit.told == [
        f"{at(model_server)} asks for fewer requests. It asks to wait 30 s."
        " Trying again in 30 s.",
        f"{at(model_server)} fails (HTTP 503). It asks to wait 2 s."
        " Trying again in 3 s.",
    ]


def at(server: ModelServer) -> str:
    """Return the server's name in messages."""
    return server.url.removeprefix("http://").removesuffix("/v1")


def test_without_retries_it_is_asked_once(
    kit: Kit, model_server: ModelServer, way: Way
) -> None:
    model_server.answer = lambda _: Status(500)

    with pytest.raises(ServerDownError):
        way(kit.model(model_server.url, retries=0), user())

    assert (len(model_server.requests), kit.waits) == (1, [])


DOWN: dict[str, Reply] = {
    "500": Status(500),
    "busy": Status(429),
    "slow": Text("x", delay=3),
    "cut": Cut(),
}


@pytest.mark.parametrize("name", [*DOWN, "gone"])
def test_the_fallback_answers_where_the_first_is_down(
    kit: Kit, model_server: ModelServer, other: ModelServer, way: Way, name: str
) -> None:
    if name == "gone":
        model_server.stop()
    else:
        model_server.answer = lambda _: DOWN[name]
    other.answer = lambda _: Text("From the other.")
    model = kit.model(model_server.url, other.url, key=KEY, timeout=0.3, retries=0)

    answers = [way(model, user(str(number))) for number in range(3)]

    assert {(a.text, a.endpoint) for a in answers} == {("From the other.", other.url)}
    assert len(model_server.requests) == (0 if name == "gone" else 1)
    assert len(kit.told) == 1
    assert kit.told[0].endswith(f"Asking test-model on {at(other)}.")
    for asked in other.requests:  # the first server's key is not sent to the other one
        assert KEY not in f"{asked.headers}{asked.body}"


@pytest.mark.parametrize("code", [400, 401, 403, 404])
def test_the_fallback_is_not_asked_what_is_our_own_fault(
    kit: Kit, model_server: ModelServer, other: ModelServer, way: Way, code: int
) -> None:
    model_server.script(Status(code))

    with pytest.raises(PromptVaultError):
        way(kit.model(model_server.url, other.url), user())

    assert (other.requests, kit.told) == ([], [])


def test_the_fallback_is_not_asked_where_the_budget_is_used_up(
    kit: Kit, model_server: ModelServer, other: ModelServer, way: Way
) -> None:
    limits = {"per_command": 0.0}

    with pytest.raises(BudgetError):
        way(kit.model(model_server.url, other.url, limits=limits), user())

    assert model_server.requests == other.requests == []


def test_both_down_names_both(
    kit: Kit, model_server: ModelServer, other: ModelServer, way: Way
) -> None:
    model_server.stop()
    other.answer = lambda _: Status(503)
    model = kit.model(model_server.url, other.url, retries=1)

    with pytest.raises(UnavailableError) as caught:
        way(model, user())

    assert caught.value.exit_code == 6
    assert str(caught.value) == (
        f"{at(model_server)} cannot be reached. Check the network and the address"
        f" (ai.base_url). And the fallback: {at(other)} fails (HTTP 503)."
        " Try again later."
    )
    with pytest.raises(UnavailableError):
        way(model, user("another"))
    assert len(other.requests) == 2  # no server is asked after that
    assert len(kit.told) == 1


def test_both_busy_is_told_as_that(
    kit: Kit, model_server: ModelServer, other: ModelServer
) -> None:
    for server in (model_server, other):
        server.answer = lambda _: Status(429)

    with pytest.raises(RateLimitedError):
        kit.model(model_server.url, other.url, retries=0).ask(user())


def test_what_the_fallback_said_is_cached_for_it(
    kit: Kit, model_server: ModelServer, other: ModelServer
) -> None:
    model_server.script(Status(500))
    kit.model(model_server.url, other.url, retries=0).ask(user())

    answer = kit.model(model_server.url, other.url, retries=0).ask(user())

    assert (answer.endpoint, answer.cached) == (model_server.url, False)


def test_without_a_key_nothing_is_sent(kit: Kit, way: Way) -> None:
    model = kit.model("https://api.openai.com/v1")

    with pytest.raises(UnavailableError, match="OPENAI_API_KEY"):
        way(model, user())

    assert not model.can_ask


def test_without_a_key_the_fallback_answers(
    kit: Kit, other: ModelServer, way: Way
) -> None:
    model = kit.model("https://api.openai.com/v1", other.url)

    assert model.can_ask
    assert way(model, user()).endpoint == other.url


def test_another_model_is_asked_by_its_name(
    kit: Kit, model_server: ModelServer
) -> None:
    model = kit.model(model_server.url)

    judge = model.named("judge")

    assert model.named(None) is model.named("test-model") is model
    assert judge.ask(user()).model == "judge"
    assert model_server.requests[0].body["model"] == "judge"
    assert model.spent.requests == 1  # it is the same command


def test_an_estimate_asks_nobody(kit: Kit, model_server: ModelServer) -> None:
    model = kit.model(model_server.url)
    requests = [user("x" * 40), user("y" * 80)]

    estimate = model.estimate(requests, 100)

    sent = 10 + 4 + 20 + 4
    assert estimate[:3] == (2, sent, 200)
    assert estimate.cost == pytest.approx((sent + 2000) / MILLION)
    assert kit.model(model_server.url, price=None).estimate([], 9) == (0, 0, 0, None)
    assert model_server.requests == []


def test_each_keeps_the_order(kit: Kit, model_server: ModelServer) -> None:
    first_may_end = threading.Event()

    def answer(body: dict[str, Any]) -> Reply:
        text = body["messages"][0]["content"]
        if text == "0":
            first_may_end.wait(10)
        elif text == "5":
            first_may_end.set()
        return Text(text)

    model_server.answer = answer
    model = kit.model(model_server.url, concurrency=3)

    texts = [a.text for a in model.each(model.ask, [user(str(n)) for n in range(12)])]

    assert texts == [str(n) for n in range(12)]
    assert model.spent.requests == 12


def test_an_error_in_one_begins_no_other(kit: Kit, model_server: ModelServer) -> None:
    model_server.answer = lambda _: Status(401)
    model = kit.model(model_server.url, concurrency=2)

    with pytest.raises(AuthenticationError):
        list(model.each(model.ask, [user(str(n)) for n in range(50)]))

    assert len(model_server.requests) <= 3


def test_each_waits_for_its_own_reservations(
    kit: Kit, model_server: ModelServer
) -> None:
    """One request at a time fits the budget, all of them one after the other."""
    request_cost = (8 * 1.3 + 1000 * PRICE.output) / MILLION
    limits = {"per_month": request_cost + 8 * ANSWER_COST}
    model = kit.model(model_server.url, limits=limits, concurrency=8)
    requests = [user(str(n), max_tokens=1000) for n in range(8)]

    answers = list(model.each(model.ask, requests))

    assert len(answers) == 8
    assert sum(row[2] for row in kit.requests) == pytest.approx(8 * ANSWER_COST)


def test_a_cut_answer_is_not_kept_for_those_with_a_larger_budget(
    kit: Kit, model_server: ModelServer, way: Way
) -> None:
    model_server.script(Text("Half of", finish="length"))

    poor = way(kit.model(model_server.url, limits={"per_command": 0.003}), user())
    rich = way(kit.model(model_server.url), user())

    assert (poor.text, poor.is_cut) == ("Half of", True)
    assert (rich.text, rich.is_cut) == ("Hello from the model.", False)
    assert 256 <= model_server.requests[0].body["max_tokens"] <= 300
    assert "max_tokens" not in model_server.requests[1].body


def test_secrets_are_found_nowhere(
    kit: Kit, model_server: ModelServer, way: Way
) -> None:
    words = f"{KEY} {PASSWORD}"
    echo = Status(500, {"X-Echo": words}, {"message": words, "code": KEY})
    model_server.script(echo, Status(429, {"X-Echo": words}, {"message": words}))
    url = model_server.url.replace("//", f"//me:{PASSWORD}@")
    model = kit.model(url, key=KEY, limits={"per_month": 1})

    answer = way(model, user())

    assert KEY not in repr(answer)
    assert PASSWORD not in repr(answer)
    assert not kit.holds([KEY, PASSWORD])
    assert KEY not in repr(model.endpoints) + repr(model)
    assert PASSWORD not in repr(model.endpoints) + repr(model)


def test_a_model_whose_answers_are_not_kept(
    kit: Kit, model_server: ModelServer, way: Way
) -> None:
    model = kit.model(model_server.url, reads_cache=False, writes_cache=False)

    way(model, user())
    way(model, user())

    assert len(model_server.requests) == 2
    assert not kit.cache.exists()


def test_asking_anew_replaces_what_is_kept(
    kit: Kit, model_server: ModelServer, way: Way
) -> None:
    model_server.script(Text("Old."), Text("New."))
    way(kit.model(model_server.url), user())

    anew = way(kit.model(model_server.url, reads_cache=False), user())

    assert anew.text == way(kit.model(model_server.url), user()).text == "New."


def test_a_cached_answer_passes_a_used_up_budget(
    kit: Kit, model_server: ModelServer, way: Way
) -> None:
    way(kit.model(model_server.url), user())
    poor = kit.model(model_server.url, limits={"per_month": 0, "per_command": 0})

    assert way(poor, user()).cached
    with pytest.raises(BudgetError):
        way(poor, user("another"))


SLOW = """
import sys
from pathlib import Path
from tests.model_kit import Kit, user

model = Kit(Path(sys.argv[1])).model(sys.argv[2], timeout=600, concurrency=4)
try:
    list(model.each(model.ask, [user(str(number)) for number in range(9)]))
except KeyboardInterrupt:
    sys.exit(130)
"""


def test_ctrl_c_does_not_wait_for_slow_servers(
    kit: Kit, model_server: ModelServer
) -> None:
    asked, may_end = threading.Semaphore(0), threading.Event()

    def answer(_: object) -> Reply:
        asked.release()
        may_end.wait(120)
        return Text("Too late.")

    model_server.answer = answer
    with subprocess.Popen(
        [sys.executable, "-c", SLOW, str(kit.folder), model_server.url],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    ) as process:
        for _ in range(4):
            assert asked.acquire(timeout=60)
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130  # the server still sends nothing
    may_end.set()

    assert len(model_server.requests) == 4
    assert kit.kept.answers == 0
