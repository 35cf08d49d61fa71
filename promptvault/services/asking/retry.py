"""When a request is sent: not faster than the rate limit, and again if it failed."""

import math
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from promptvault.domain.chat import Answer
from promptvault.providers.failure import (
    EmptyAnswerError,
    ServerBusyError,
    ServerDownError,
)
from promptvault.services.asking.transport import Call, Transport

_FIRST_WAIT = 0.5
"""Seconds before the first retry, at most; the wait doubles with each one."""
_LONGEST_WAIT = 20.0
"""Seconds before a retry, if the server asks for no other wait."""
_LONGEST_REQUESTED = 120.0
"""Seconds that a server may ask for; if it asks for more, the command gives up."""
_LEAST_REPORTED = 2.0
"""Seconds; shorter waits are not reported."""


@dataclass(frozen=True, slots=True)
class RetryingTransport:
    """Sends a call again if the failure may be temporary.

    Waits grow exponentially and are random, so that many clients that failed together
    do not retry together. A wait that the server requests (Retry-After) is respected.
    """

    transport: Transport
    retries: int = 4
    notify: Callable[[str], None] = lambda _: None
    """Receives a sentence for the person before each wait of some seconds."""
    sleep: Callable[[float], None] = time.sleep

    def send(self, call: Call) -> Answer:
        """Return the answer; raises the last error if all retries failed."""
        for number in range(self.retries):
            try:
                return self.transport.send(call)
            except (ServerBusyError, ServerDownError) as error:
                wait = _wait(error, number)
                if wait is None:
                    raise
                if wait >= _LEAST_REPORTED:
                    self.notify(f"{error.what} Trying again in {wait:.0f} s.")
                self.sleep(wait)
                if isinstance(error, EmptyAnswerError):
                    # A PromptVault server would give the same answer for the same id.
                    call = call._replace(id=f"{call.id}-{number}")
        return self.transport.send(call)


def _wait(error: ServerBusyError | ServerDownError, number: int) -> float | None:
    """Return the seconds to wait before retry *number*, None to give up."""
    jitter = random.uniform(0.5, 1)
    if error.wait is not None:
        requested = error.wait + jitter * _FIRST_WAIT / 10
        return requested if error.wait <= _LONGEST_REQUESTED else None
    return jitter * float(min(_LONGEST_WAIT, _FIRST_WAIT * 2**number))


@dataclass(slots=True)
class RateLimiter:
    """Spaces requests evenly over time."""

    per_minute: float = 0
    """The maximum number of requests in a minute; 0 for no limit."""
    clock: Callable[[], float] = time.monotonic
    """Returns seconds since some fixed moment."""
    sleep: Callable[[float], None] = time.sleep
    _next: float = -math.inf
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def wait(self) -> None:
        """Sleep until the next request may be sent."""
        if not self.per_minute:
            return
        with self._lock:
            now = self.clock()
            turn = max(now, self._next)
            self._next = turn + 60 / self.per_minute
        self.sleep(turn - now)
