"""Work that would not end by itself does."""

import re
import signal
import threading

import pytest

from promptvault.services.evaluation.time_limit import time_limit

_ENDLESS = (r"(a+)+$", "a" * 60 + "b")


def test_a_regular_expression_is_interrupted() -> None:
    with pytest.raises(TimeoutError), time_limit(0.05):
        re.search(*_ENDLESS)


def test_nothing_is_left_behind() -> None:
    before = signal.getsignal(signal.SIGALRM)
    with time_limit(60):
        pass
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)
    assert signal.getsignal(signal.SIGALRM) is before


def test_another_thread_works_without_a_limit() -> None:
    done = []

    def work() -> None:
        with time_limit(0.001):
            done.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done == [True]
