"""Several items at a time: results in order, and no new item after an error."""

import contextlib
import os
import signal
import subprocess
import sys
import threading

import pytest

from promptvault.services.asking.parallel import map_in_order


def test_results_come_in_order_while_work_does_not() -> None:
    last_is_done = threading.Event()

    def work(number: int) -> int:
        if number == 0:
            assert last_is_done.wait(30)
        elif number == 9:
            last_is_done.set()
        return number * 2

    assert list(map_in_order(work, range(10), 2)) == [n * 2 for n in range(10)]


def test_so_many_work_at_once_and_no_more() -> None:
    lock, meeting = threading.Lock(), threading.Barrier(3)
    now = most = 0

    def work(_: int) -> None:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        meeting.wait(30)  # would break if fewer worked at once
        with lock:
            now -= 1

    list(map_in_order(work, range(9), 3))

    assert most == 3


@pytest.mark.parametrize("at_once", [0, 1, 99])
def test_any_number_of_hands_will_do(at_once: int) -> None:
    assert list(map_in_order(str, range(3), at_once)) == ["0", "1", "2"]
    assert list(map_in_order(str, [], at_once)) == []


def test_after_an_error_none_is_begun() -> None:
    begun: list[int] = []

    def work(number: int) -> int:
        begun.append(number)
        if number == 2:
            raise LookupError
        return number

    results = map_in_order(work, range(99), 1)

    assert [next(results), next(results)] == [0, 1]
    with pytest.raises(LookupError):
        next(results)
    assert begun == [0, 1, 2]


def test_an_error_stops_the_others_before_its_turn_comes() -> None:
    """The caller, which waits for the first result, does not know of it yet."""
    begun: list[int] = []
    has_failed = threading.Event()

    def work(number: int) -> int:
        begun.append(number)
        if number == 1:
            has_failed.set()
            raise LookupError
        assert has_failed.wait(30)
        return number

    with pytest.raises(LookupError):
        list(map_in_order(work, range(99), 2))

    assert begun.index(1) <= 1
    assert len(begun) <= 4


def test_when_nobody_takes_results_any_more_none_is_begun() -> None:
    begun: list[int] = []
    gate = threading.Event()

    def work(number: int) -> int:
        begun.append(number)
        if number:
            gate.wait(30)
        return number

    before = set(threading.enumerate())
    results = map_in_order(work, range(99), 2)
    next(results)
    results.close()  # type: ignore[attr-defined]
    gate.set()
    for thread in set(threading.enumerate()) - before:
        thread.join(60)

    assert len(begun) <= 4


SLOW = """
import os, sys, threading
from promptvault.services.asking.parallel import map_in_order

def work(number):
    os.write(1, b"%d\\n" % number)  # a line of print may be cut by another thread's
    threading.Event().wait()

try:
    list(map_in_order(work, range(9), 4))
except KeyboardInterrupt:
    sys.exit(130)
"""


def _end(process: "subprocess.Popen[bytes]") -> int | None:
    """Press Ctrl-C until the process ends; return its exit code.

    Python misses a signal between its last check and the blocking call.
    """
    for _ in range(6):
        process.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            return process.wait(5)
    return None


def test_ctrl_c_waits_for_nobody() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", SLOW],
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    ) as process:
        assert process.stdout is not None
        try:
            begun = {int(process.stdout.readline()) for _ in range(4)}
            assert _end(process) == 130  # it would wait forever
        finally:
            process.kill()

    assert begun == {0, 1, 2, 3}
