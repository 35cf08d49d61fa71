"""Waiting for the effects of other processes."""

import time
from collections.abc import Callable

DEADLINE = 60
"""Seconds until a test that hangs fails."""


def eventually(holds: Callable[[], bool]) -> None:
    """Wait until a condition holds that another process brings about."""
    for _ in range(DEADLINE * 20):
        if holds():
            return
        time.sleep(0.05)
    raise AssertionError("it never came to that")
