"""How often, and how many at once, a server is asked; and again when it fails."""

import math
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from promptvault.providers.failure import ServerBusyError, ServerDownError

_FIRST_WAIT = 0.5
_LONGEST_WAIT = 20.0
_LONGEST_ASKED = 120.0
"""Seconds that a server may ask us to wait; beyond that the command gives up."""
_WORTH_TELLING = 2.0

_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Asks again what failed and may pass, later each time, and at random times.

    So many clients that failed together do not come back together. What a server asks
    for by Retry-After is kept to.
    """

    most: int = 4
    tell: Callable[[str], None] = lambda _: None
    sleep: Callable[[float], None] = time.sleep

    def __call__(self, ask: Callable[[], _Result]) -> _Result:
        """Return what *ask* returns; raises its last error when retries are used up."""
        for number in range(self.most):
            try:
                return ask()
            except (ServerBusyError, ServerDownError) as error:
                wait = _wait(error, number)
                if wait is None:
                    raise
                if wait >= _WORTH_TELLING:
                    self.tell(f"{error.what} Trying again in {wait:.0f} s.")
                self.sleep(wait)
        return ask()


def _wait(error: ServerBusyError | ServerDownError, number: int) -> float | None:
    jitter = random.uniform(0.5, 1)
    if error.wait is not None:
        asked = error.wait + jitter * _FIRST_WAIT / 10
        return asked if error.wait <= _LONGEST_ASKED else None
    return jitter * float(min(_LONGEST_WAIT, _FIRST_WAIT * 2**number))


@dataclass(slots=True)
class RateLimiter:
    """Spaces requests evenly: at most so many a minute, 0 for any number."""

    per_minute: float = 0
    clock: Callable[[], float] = time.monotonic
    """Seconds, from any moment on."""
    sleep: Callable[[float], None] = time.sleep
    _next: float = -math.inf
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def wait(self) -> None:
        """Wait for this request's turn."""
        if not self.per_minute:
            return
        with self._lock:
            now = self.clock()
            turn = max(now, self._next)
            self._next = turn + 60 / self.per_minute
        self.sleep(turn - now)
