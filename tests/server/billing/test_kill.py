"""`kill -9` of a worker while Stripe answers: another one does all of it."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

import psycopg

from promptvault.server.billing.settings import BillingSettings
from tests.server.billing.conftest import Buyer
from tests.server.conftest import SECRET as SERVER_SECRET
from tests.server.conftest import Server
from tests.till.app import SECRET_KEY, Till
from tests.till.replayer import Replayer
from tests.till.selling import SECRET, SOLD


def test_a_worker_is_killed_while_stripe_answers(
    idle_server: Server,
    sold: BillingSettings,
    start_server: Callable[..., Server],
    token: str,
    till: Till,
    connection: psycopg.Connection[Any],
) -> None:
    replayer = Replayer(f"{idle_server.url}/v1/webhooks/stripe", SECRET)
    till.books.on_event = replayer.hold
    buyer = Buyer(idle_server.client(token), till)
    buyer.pay()
    replayer.flush()
    _kill_while_it_asks(idle_server, till)
    jobs = connection.execute("SELECT kind, attempts FROM jobs").fetchall()
    assert ("reconcile", 1) in jobs
    assert buyer.billing()["tier"] == "free"
    connection.execute("UPDATE jobs SET run_at = now()")
    start_server(**dict(sold))
    buyer.waits_for("pro")


def _kill_while_it_asks(server: Server, till: Till) -> None:
    is_asked, is_dead = threading.Event(), threading.Event()

    def sending(path: str) -> None:
        if path == "subscriptions":
            is_asked.set()
            is_dead.wait(60)

    till.before_sending = sending
    prefix = "PROMPTVAULT_SERVER"
    given = {
        f"{prefix}_SECRET": SERVER_SECRET,
        f"{prefix}_STRIPE_SECRET_KEY": SECRET_KEY,
        f"{prefix}_STRIPE_WEBHOOK_SECRET": SECRET,
        f"{prefix}_STRIPE_PRICES": SOLD,
        f"{prefix}_STRIPE_API_URL": till.address,
    }
    command = [sys.executable, "-m", "promptvault", "server", "work"]
    process = subprocess.Popen(
        [*command, "--database-url", server.settings.address],
        env={**os.environ, **given},
    )
    try:
        assert is_asked.wait(60)
    finally:
        process.kill()
        process.wait(60)
        is_dead.set()
        till.before_sending = id
