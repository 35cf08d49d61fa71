"""Buying a plan: what to ask for, and waiting until it is there."""

import contextlib
import threading
import time
from collections.abc import Iterator
from typing import get_args

from promptvault.client.client import Client
from promptvault.client.event_listener import EventListener
from promptvault.errors import InvalidInputError, RateLimitedError, UnavailableError
from promptvault.wire.billing import BoughtPlan, CheckoutCreate

_PAUSE_SECONDS = 2.0
"""Between two attempts, while no events are received."""


def plan_checkout(plan: str, *, yearly: bool) -> CheckoutCreate:
    """Return the plan to buy; raises InvalidInputError."""
    for known in get_args(BoughtPlan):
        if plan == known:
            return CheckoutCreate(plan=known, interval="year" if yearly else "month")
    plans = " or ".join(get_args(BoughtPlan))
    raise InvalidInputError(f"There is no plan {plan!r} to buy: say {plans}.")


def waits_for_other_plan(client: Client, plan: str, seconds: float) -> bool:
    """Wait until the account has another plan than *plan*; False if it keeps it.

    Each event of the server is a reason to look. Raises the errors of `Client`, except
    for those that pass.
    """
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with contextlib.suppress(UnavailableError, RateLimitedError):
            with _events_until(client, end) as events:
                for _ in events:
                    if client.me().tier != plan:
                        return True
        time.sleep(min(_PAUSE_SECONDS, max(0, end - time.monotonic())))
    return False


@contextlib.contextmanager
def _events_until(client: Client, end: float) -> Iterator[EventListener]:
    """Yield the server's events; they end at *end*, a time of `time.monotonic`."""
    with client.events() as events:
        timer = threading.Timer(end - time.monotonic(), events.close)
        timer.daemon = True
        timer.start()
        try:
            yield events
        finally:
            timer.cancel()
