"""A limit on work that may never end by itself, as a regular expression may not."""

import contextlib
import signal
import threading
from collections.abc import Iterator
from typing import Any


@contextlib.contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise TimeoutError where the block takes longer than *seconds*.

    It interrupts a regular expression, too. Works in the main thread of a system with
    timers (not Windows); elsewhere there is no limit, and Ctrl-C ends the work.
    """
    if not _can_interrupt():
        yield
        return
    before = signal.signal(signal.SIGALRM, _stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _can_interrupt() -> bool:
    is_main = threading.current_thread() is threading.main_thread()
    return is_main and hasattr(signal, "setitimer")


def _stop(*_: Any) -> None:
    raise TimeoutError
