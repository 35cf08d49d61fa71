"""Two workers that look at one customer at the same time."""

import asyncio
import threading
from uuid import uuid4

import httpx
import psycopg

from promptvault.server.billing.reconcile import reconcile
from promptvault.server.database import Database
from promptvault.server.job.work import Work
from tests.server.conftest import Server
from tests.till.app import Till

_WAITING = """
SELECT count(*) FROM pg_stat_activity
 WHERE datname = current_database() AND wait_event_type = 'Lock'
"""


def look_while_an_older_answer_is_late(server: Server, till: Till, token: str) -> str:
    """Return the plan after two workers have looked at a subscription that ends.

    The first one gets an answer from before the end, after the second one has looked,
    or waits for the first.
    """
    with server.client(token) as client:
        page = client.post("/v1/billing/checkout", json={"plan": "pro"}).json()
        httpx.post(page["url"], data={"action": "pay"})
        asyncio.run(_race(server, till))
        tier: str = client.get("/v1/billing").json()["tier"]
    return tier


async def _race(server: Server, till: Till) -> None:
    (found,) = till.books.all("subscription")
    is_made, may_go = threading.Event(), threading.Event()

    def sending(path: str) -> None:
        if path == "subscriptions" and not is_made.is_set():
            is_made.set()
            may_go.wait(60)

    till.before_sending = sending
    database = Database(server.settings)
    await database.open()
    try:
        first = asyncio.create_task(_look(database, server, found["customer"]))
        await asyncio.to_thread(is_made.wait, 60)
        with till.books.lock:
            till.books.end(found, "canceled")
        second = asyncio.create_task(_look(database, server, found["customer"]))
        while not (second.done() or _is_waiting(server)):
            await asyncio.sleep(0.02)
        may_go.set()
        await asyncio.gather(first, second)
    finally:
        may_go.set()
        await database.close()


async def _look(database: Database, server: Server, customer: str) -> None:
    async with database.long_connection() as connection:
        ids = {"customer": customer}
        await reconcile(Work(uuid4(), ids, connection, database, server.settings))


def _is_waiting(server: Server) -> bool:
    with psycopg.connect(server.settings.address) as connection:
        row = connection.execute(_WAITING).fetchone()
    return bool(row and row[0])
