"""Ending the streams at shutdown: uvicorn waits for all answers, and they never end."""

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType
from typing import Any

from promptvault.server.event.hub import Hub


@contextlib.contextmanager
def closing_at_signal(hub: Hub) -> Iterator[None]:
    """Close *hub* on SIGINT or SIGTERM, before the handlers that are set already.

    They are set again at the end. Signals reach the main thread only. In any other
    thread, stop the server by closing the hub first.
    """
    before = {}
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM):
            before[number] = signal.getsignal(number)
            _close_first(number, hub)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _close_first(number: int, hub: Hub) -> None:
    following = signal.getsignal(number)
    if not callable(following):
        return

    def handle(received: int, frame: FrameType | None) -> Any:
        hub.close()
        return following(received, frame)

    signal.signal(number, handle)
