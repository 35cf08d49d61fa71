"""Values computed in the background: all of them, in order, and no more than needed."""

import contextlib
import threading
from collections.abc import Iterator

import pytest

from promptvault.services.read_ahead import read_ahead

DEADLINE = 60
"""Seconds until a test that hangs fails."""


def test_every_value_comes_in_its_order() -> None:
    with contextlib.closing(read_ahead(range(100), ahead=2)) as values:
        assert list(values) == list(range(100))
        assert list(values) == []


def test_what_making_them_raises_comes_after_the_last_one() -> None:
    def values() -> Iterator[int]:
        yield 1
        raise LookupError

    with contextlib.closing(read_ahead(values())) as found:
        assert next(found) == 1
        with pytest.raises(LookupError):
            next(found)


class Slow:
    """Two values; the second is computed when the test allows it."""

    def __init__(self) -> None:
        self.let_go = threading.Event()
        self.is_asked = threading.Event()
        self.is_made = threading.Event()

    def __iter__(self) -> Iterator[int]:
        yield 1
        self.is_asked.set()
        self.let_go.wait(DEADLINE)
        self.is_made.set()
        yield 2


def test_whoever_stops_early_waits_for_the_value_under_way() -> None:
    slow = Slow()
    with contextlib.closing(read_ahead(slow)) as values:
        assert next(values) == 1
        slow.is_asked.wait(DEADLINE)
        threading.Timer(0.1, slow.let_go.set).start()
    assert slow.is_made.is_set()


def test_a_thread_that_waits_for_room_ends_too() -> None:
    made = []

    def values() -> Iterator[int]:
        for number in range(100):
            made.append(number)
            yield number

    with contextlib.closing(read_ahead(values(), ahead=1)) as found:
        assert next(found) == 0
    assert len(made) < 100


def test_ctrl_c_waits_for_nothing() -> None:
    slow = Slow()

    def interrupted() -> None:
        with contextlib.closing(read_ahead(slow)) as values:
            assert next(values) == 1
            slow.is_asked.wait(DEADLINE)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert not slow.is_made.is_set()
    slow.let_go.set()
