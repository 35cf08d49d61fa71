"""Ending the streams at shutdown: uvicorn waits for all answers, and they never end."""

import signal
import threading
from types import FrameType
from typing import Any

from promptvault.server.event.hub import Hub


def close_at_signal(hub: Hub) -> None:
    """Close *hub* on SIGINT or SIGTERM, before the handlers that are set already.

    Signals reach the main thread only. In any other thread, stop the server by closing
    the hub first.
    """
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM):
            _close_first(number, hub)


def _close_first(number: int, hub: Hub) -> None:
    following = signal.getsignal(number)
    if not callable(following):
        return

    def handle(received: int, frame: FrameType | None) -> Any:
        hub.close()
        return following(received, frame)

    signal.signal(number, handle)
