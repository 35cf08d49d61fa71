"""Waiting for what other processes bring about."""

import time
from collections.abc import Callable

DEADLINE = 60
"""Seconds until a test that hangs fails; none waits for it."""


def eventually(holds: Callable[[], bool]) -> None:
    """Wait until something holds, which another process brings about."""
    for _ in range(DEADLINE * 10):
        if holds():
            return
        time.sleep(0.1)
    raise AssertionError("it never came to that")
