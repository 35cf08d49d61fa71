"""Deliveries of events: signed as Stripe signs, and everything that can go wrong.

A delivery is ``timestamp=…, v1=HMAC-SHA256(secret, timestamp "." body)``; see
https://docs.stripe.com/webhooks#verify-manually.
"""

import contextlib
import hashlib
import hmac
import json
import queue
import random
import socket
import threading
import time
from collections.abc import Sequence
from urllib.parse import urlsplit

import httpx

from tests.till.shapes import Object

FAULTS = (
    "drop",
    "duplicate",
    "delay",
    "cut",
    "old",
    "future",
    "wrong secret",
    "changed byte",
    "two signatures",
)
"""What can happen to a delivery; `permute` of `Replayer.flush` changes their order."""
_WRONG = "whsec_wrong"
_TRIES = 5
_SECONDS = 20.0


def sign(body: bytes, secret: str, timestamp: int) -> str:
    """Return the signature of a body, without its scheme."""
    signed = str(timestamp).encode() + b"." + body
    return hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()


def header(body: bytes, secrets: Sequence[str], timestamp: int) -> str:
    """Return the value of ``Stripe-Signature``."""
    signatures = (f"v1={sign(body, secret, timestamp)}" for secret in secrets)
    return ",".join([f"t={timestamp}", *signatures])


class Replayer:
    """Holds events until they are delivered to one endpoint."""

    def __init__(self, url: str, secret: str) -> None:
        self.url, self.secret = url, secret
        self.statuses: list[int] = []
        """Answers of the endpoint; 0 if there was none."""
        self._held: list[Object] = []
        self._lock = threading.Lock()

    def hold(self, event: Object) -> None:
        """Keep an event for the next `flush`."""
        with self._lock:
            self._held.append(event)

    def lose(self) -> None:
        """Give up what is held, as Stripe does after three days."""
        with self._lock:
            self._held.clear()

    def flush(self, lot: random.Random | None = None, faults: float = 0.0) -> None:
        """Deliver what is held; with *lot*, permuted, and *faults* of them with one.

        An event whose delivery was lost is held again, as Stripe tries again.
        """
        with self._lock:
            events, self._held = self._held, []
        if lot:
            lot.shuffle(events)
        for event in events:
            fault = lot.choice(FAULTS) if lot and lot.random() < faults else ""
            if fault == "delay" or not self.deliver(event, fault):
                self.hold(event)

    def deliver(self, event: Object, fault: str = "") -> bool:
        """Deliver an event once; return True if Stripe would not send it again."""
        body = json.dumps(event, indent=2).encode()
        if fault == "drop":
            return False
        if fault == "cut":
            self._cut(body)
            return False
        for _ in range(3 if fault == "duplicate" else 1):
            status = self._post(*self._signed(body, fault))
        return 200 <= status < 300

    def _signed(self, body: bytes, fault: str) -> tuple[bytes, str]:
        timestamp, secrets = int(time.time()), [self.secret]
        if fault == "old":
            timestamp -= 4000
        if fault == "future":
            timestamp += 4000
        if fault == "wrong secret":
            secrets = [_WRONG]
        if fault == "two signatures":
            secrets = [_WRONG, self.secret]
        signature = header(body, secrets, timestamp)
        if fault == "changed byte":
            body = body.replace(b'"event"', b'"Event"', 1)
        return body, signature

    def _post(self, body: bytes, signature: str) -> int:
        headers = {"Stripe-Signature": signature, "Content-Type": "application/json"}
        try:
            answer = httpx.post(
                self.url, content=body, headers=headers, timeout=_SECONDS
            )
        except httpx.HTTPError:
            self.statuses.append(0)
            return 0
        self.statuses.append(answer.status_code)
        return answer.status_code

    def _cut(self, body: bytes) -> None:
        """Send half of a body, and end the connection."""
        place = urlsplit(self.url)
        signature = header(body, [self.secret], int(time.time()))
        head = (
            f"POST {place.path} HTTP/1.1\r\nHost: {place.netloc}\r\n"
            f"Stripe-Signature: {signature}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        with (
            contextlib.suppress(OSError),
            socket.create_connection((place.hostname, place.port), 5) as connection,
        ):
            connection.sendall(head.encode() + body[: len(body) // 2])


class Courier:
    """Delivers each event at once, in a thread of its own; lost ones again."""

    def __init__(self, replayer: Replayer) -> None:
        self._replayer = replayer
        self._queue: queue.Queue[Object | None] = queue.Queue()
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def send(self, event: Object) -> None:
        """Deliver an event soon."""
        self._queue.put(event)

    def stop(self) -> None:
        """Deliver what waits, and end."""
        self._queue.put(None)
        self._thread.join()

    def _work(self) -> None:
        while (event := self._queue.get()) is not None:
            for number in range(_TRIES):
                if self._replayer.deliver(event):
                    break
                time.sleep(0.2 * 2**number)
