"""A server that is to stop waits for its answers; streams are told to end theirs."""

import signal
import threading
from types import FrameType
from typing import Any

from promptvault.server.event.hub import Hub


def close_at_signal(hub: Hub) -> None:
    """End the streams of *hub* when this process is told to stop.

    What else is to happen then, as uvicorn has it, happens after that. In another
    thread than the main one, whoever stops the server closes the hub.
    """
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM):
            _precede(number, hub)


def _precede(number: int, hub: Hub) -> None:
    following = signal.getsignal(number)
    if not callable(following):
        return

    def close_first(received: int, frame: FrameType | None) -> Any:
        hub.close()
        return following(received, frame)

    signal.signal(number, close_first)
