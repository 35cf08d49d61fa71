"""How often a server is asked: pauses are recorded, never slept."""

import itertools
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptvault.domain.chat import Answer, Usage
from promptvault.providers.failure import (
    ConnectionLostError,
    ResponseTimeoutError,
    ServerBusyError,
    ServerDownError,
)
from promptvault.services.asking.retry import RateLimiter, RetryingTransport
from promptvault.services.asking.transport import Call
from tests.model_kit import user

CALL = Call(user())
ANSWER = Answer("answer", "m", "http://localhost/v1", Usage(1, 2), None, 0.1)


class Clock:
    """Time that passes only during a pause."""

    def __init__(self) -> None:
        self.time = 100.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        """Return the seconds."""
        return self.time

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        assert seconds >= 0
        self.slept.append(seconds)
        self.time += seconds


class Asked:
    """Fails a number of times, then answers."""

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)
        self.times = 0

    def send(self, _: Call) -> Answer:
        """Answer."""
        self.times += 1
        if self.failures:
            raise self.failures.pop(0)
        return ANSWER


@pytest.mark.parametrize("most", [0, 1, 4])
@pytest.mark.parametrize(
    "kind", [ServerBusyError, ServerDownError, ConnectionLostError]
)
def test_it_is_asked_once_and_so_often_again(
    most: int, kind: type[ServerDownError]
) -> None:
    clock, asked = Clock(), Asked(*[kind("x") for _ in range(99)])

    with pytest.raises(kind):
        RetryingTransport(asked, most, sleep=clock.sleep).send(CALL)

    assert asked.times == most + 1
    assert len(clock.slept) == most


@pytest.mark.parametrize("error", [ResponseTimeoutError("x"), ValueError(), KeyError()])
def test_other_failures_are_final(error: Exception) -> None:
    asked = Asked(error)

    with pytest.raises(type(error)):
        RetryingTransport(asked, 4).send(CALL)

    assert asked.times == 1


def test_waits_grow_and_are_no_two_the_same() -> None:
    waits: list[list[float]] = []
    for _ in range(20):
        clock = Clock()
        asked = Asked(*[ServerDownError("x") for _ in range(8)])
        RetryingTransport(asked, 8, sleep=clock.sleep).send(CALL)
        waits.append(clock.slept)

    for number, at_once in enumerate(zip(*waits, strict=True)):
        most = min(20, 0.5 * 2**number)
        assert all(most / 2 <= wait <= most for wait in at_once)
        assert len(set(at_once)) > 1


@given(st.floats(0, 120))
def test_what_a_server_asks_for_is_kept_to(seconds: float) -> None:
    clock, asked = Clock(), Asked(ServerBusyError("x", wait=seconds))

    RetryingTransport(asked, 1, sleep=clock.sleep).send(CALL)

    assert seconds <= clock.slept[0] <= seconds + 0.05


@pytest.mark.parametrize("seconds", [120.1, 1e9, float("inf")])
def test_what_takes_too_long_is_given_up_at_once(seconds: float) -> None:
    clock, asked = Clock(), Asked(ServerBusyError("x", wait=seconds))

    with pytest.raises(ServerBusyError):
        RetryingTransport(asked, 4, sleep=clock.sleep).send(CALL)

    assert (asked.times, clock.slept) == (1, [])


def test_long_waits_are_told() -> None:
    told: list[str] = []
    failures = [
        ServerDownError("It is down.", "Buy another.", wait=1),
        ServerBusyError("It is busy.", "Go home.", wait=9),
    ]

    RetryingTransport(Asked(*failures), 4, told.append, lambda _: None).send(CALL)

    assert told == ["It is busy. Trying again in 9 s."]


def test_requests_are_spaced() -> None:
    clock = Clock()
    pace = RateLimiter(30, clock, clock.sleep)

    begun = []
    for _ in range(4):
        pace.wait()
        begun.append(clock.time)

    assert begun == [100, 102, 104, 106]


def test_time_that_has_passed_is_no_credit() -> None:
    clock = Clock()
    pace = RateLimiter(60, clock, clock.sleep)
    pace.wait()
    clock.time += 50

    pace.wait()
    pace.wait()

    assert clock.slept == [0, 0, 1]


def test_threads_are_spaced_together() -> None:
    waits: list[float] = []
    pace = RateLimiter(60, lambda: 5.0, waits.append)
    threads = [threading.Thread(target=pace.wait) for _ in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    turns = sorted(waits)
    assert [b - a for a, b in itertools.pairwise(turns)] == [1.0] * 29


def test_without_a_limit_nobody_waits() -> None:
    clock = Clock()

    RateLimiter(0, clock, clock.sleep).wait()

    assert clock.slept == []
