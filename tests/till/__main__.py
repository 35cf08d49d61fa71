"""Starts the stand-in alone, until it is interrupted."""

import argparse
import contextlib
import json
import signal
import sys
import threading
from collections.abc import Sequence

from tests.till.app import SECRET_KEY, Till
from tests.till.books import PRICES, Books
from tests.till.replayer import Courier, Replayer
from tests.till.running import running


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve, and print the address, the secret key and the prices as JSON."""
    parser = argparse.ArgumentParser(prog="python -m tests.till", description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--webhook", help="the URL that events are sent to")
    parser.add_argument("--secret", default="whsec_till", help="of the webhook")
    found = parser.parse_args(arguments)
    books, courier = Books(), None
    if found.webhook:
        courier = Courier(Replayer(found.webhook, found.secret))
        books.on_event = courier.send
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    with running(Till(books), found.port) as till:
        if found.webhook:
            till.add_endpoint(found.webhook, ["*"])
        prices = {name: id for name, (id, _, _) in PRICES.items()}
        start = {"url": till.address, "secret_key": SECRET_KEY, "prices": prices}
        sys.stdout.write(f"{json.dumps(start)}\n")
        sys.stdout.flush()
        with contextlib.suppress(KeyboardInterrupt):
            ended.wait()


if __name__ == "__main__":
    main()
