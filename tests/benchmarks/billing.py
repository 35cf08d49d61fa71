"""Print the figures of billing: webhooks against a bare endpoint on the same machine,
fetches from Stripe, and how soon a waiting prompt is sent after a payment:
`python -m tests.benchmarks.billing [--seconds N] [--payments N]`."""

import argparse
import asyncio
import contextlib
import itertools
import json
import math
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import psycopg
from pydantic import SecretStr

from promptvault.domain.tier import ALLOWANCES, Tier
from promptvault.server.admin import Admin
from promptvault.server.postgres import embedded
from promptvault.server.settings import Settings
from tests.benchmarks.device import Device
from tests.benchmarks.sync_load import Connection
from tests.benchmarks.sync_server import SECRET, Load, ours, started
from tests.till.app import SECRET_KEY, Till
from tests.till.books import PRICES
from tests.till.replayer import Courier, Replayer, header
from tests.till.running import running

SENDERS = 8
"""Stripe sends several events at once."""
CUSTOMERS = 64
BURST = 10_000
_WEBHOOK_SECRET = "whsec_of_the_benchmark"
_PATH = "/v1/webhooks/stripe"
_HEAD = (
    "POST {} HTTP/1.1\r\nHost: benchmark\r\nContent-Type: application/json\r\n"
    "Stripe-Signature: {}\r\nContent-Length: {}\r\n\r\n"
)
_NUMBERS = itertools.count()


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=8.0, help="of each load")
    parser.add_argument("--rounds", type=int, default=3, help="each of both in turn")
    parser.add_argument("--payments", type=int, default=20)
    options = parser.parse_args()
    print("| what | ours / bare | ratio | target |\n|---|---|---|---|", flush=True)
    with (
        tempfile.TemporaryDirectory() as name,
        embedded.owned(Path(name)) as address,
        running(Till()) as till,
        ours(address, _environment(till)) as url,
    ):
        for row in _webhooks(address, url, till, options.rounds, options.seconds):
            print(row, flush=True)
        print(_burst(address, url, till), flush=True)
        print(_payments(address, url, till, Path(name), options.payments))


def _environment(till: Till) -> dict[str, str]:
    sold = ",".join(f"{id}={name}" for name, (id, _, _) in PRICES.items())
    values = {
        "SECRET_KEY": SECRET_KEY,
        "WEBHOOK_SECRET": _WEBHOOK_SECRET,
        "PRICES": sold,
        "API_URL": till.address,
    }
    return {f"PROMPTVAULT_SERVER_STRIPE_{key}": each for key, each in values.items()}


# Webhooks.


def _webhooks(
    address: str, url: str, till: Till, count: int, seconds: float
) -> Iterator[str]:
    """Return the rows of the table, of medians over all rounds."""
    customers = [_customer(address, till, number) for number in range(CUSTOMERS)]
    command = [sys.executable, "-m", "tests.benchmarks.billing_bare", address]
    rounds = []
    with started(command, {}) as bare:
        for _ in range(count + 1):  # the first one is the warm-up
            base = asyncio.run(_send_for(bare, customers, seconds))
            rounds.append((asyncio.run(_send_for(url, customers, seconds)), base))
    own, plain = (
        Load(*(statistics.median(column) for column in zip(*loads, strict=True)))
        for loads in zip(*rounds[1:], strict=True)
    )
    ratio = statistics.median(
        one.per_second / two.per_second for one, two in rounds[1:]
    )
    rates = f"{own.per_second:,.0f} / {plain.per_second:,.0f}"
    yield f"| webhooks a second | {rates} | {ratio:.2f} | >= 0.6 |"
    times = f"{own.p99 * 1000:.0f} / {plain.p99 * 1000:.0f} ms"
    yield f"| their p99 | {times} | | <= 50 ms |"


def _customer(address: str, till: Till, number: int) -> str:
    """Return the customer of a new account."""
    admin = Admin(Settings(database_url=SecretStr(address), secret=SecretStr(SECRET)))
    account = admin.add_user(f"buyer{number}@example.org", Tier.FREE).user.account_id
    values = {"metadata": {"account_id": str(account)}}
    with till.books.lock:
        customer = str(till.books.add_customer(values)["id"])
    with psycopg.connect(address) as connection:
        connection.execute(
            "INSERT INTO billing_customers (account_id, customer) VALUES (%s, %s)",
            (account, customer),
        )
    return customer


def _event(customer: str) -> bytes:
    """Return an event about an invoice, as long as those of Stripe, and signed."""
    number = next(_NUMBERS)
    invoice = {"id": f"in_{number}", "object": "invoice", "customer": customer}
    filling = {f"field_{n}": "x" * 40 for n in range(60)}
    event = {
        "id": f"evt_{number}_{time.time_ns()}",
        "object": "event",
        "type": "invoice.paid",
        "livemode": False,
        "data": {"object": invoice | filling},
    }
    body = json.dumps(event).encode()
    signature = header(body, [_WEBHOOK_SECRET], int(time.time()))
    return _HEAD.format(_PATH, signature, len(body)).encode() + body


async def _send_for(url: str, customers: list[str], seconds: float) -> Load:
    """Send events about all customers for *seconds*."""
    end, times = time.perf_counter() + seconds, list[float]()

    async def send() -> None:
        connection = await Connection.open(url)
        for customer in itertools.cycle(customers):
            if time.perf_counter() > end:
                break
            taken, _ = await connection.ask(_event(customer))
            times.append(taken)
        connection.close()

    await asyncio.gather(*(send() for _ in range(SENDERS)))
    times.sort()
    return Load(len(times) / seconds, times[len(times) * 99 // 100])


def _burst(address: str, url: str, till: Till) -> str:
    """Return the row about many events of one customer."""
    customer = _customer(address, till, CUSTOMERS)
    asked = len(till.asked)

    async def send() -> None:
        connection = await Connection.open(url)
        for _ in range(BURST // SENDERS):
            await connection.ask(_event(customer))
        connection.close()

    async def send_all() -> None:
        await asyncio.gather(*(send() for _ in range(SENDERS)))

    asyncio.run(send_all())
    time.sleep(5)
    fetched = [
        each
        for each in till.asked[asked:]
        if each.path == "subscriptions" and customer in each.parameters
    ]
    return f"| fetches for {BURST:,} events of a customer | {len(fetched)} | | <= 10 |"


# Payments.


def _payments(address: str, url: str, till: Till, folder: Path, count: int) -> str:
    """Return the row about the time from a payment to the prompt on the server."""
    courier = Courier(Replayer(f"{url}{_PATH}", _WEBHOOK_SECRET))
    till.books.on_event = courier.send
    with contextlib.closing(psycopg.connect(address, autocommit=True)) as connection:
        times = sorted(
            _pay(address, url, connection, folder / f"device{number}", number)
            for number in range(count)
        )
    courier.stop()
    last = times[math.ceil(0.95 * count) - 1]
    middle = statistics.median(times)
    figures = f"median {middle:.1f} s, p95 {last:.1f} s"
    return f"| from a payment to the refused prompt | {figures} | | p95 <= 3 s |"


def _pay(
    address: str,
    url: str,
    connection: psycopg.Connection[tuple[object, ...]],
    home: Path,
    number: int,
) -> float:
    """Return the seconds from a payment until the refused prompt is on the server."""
    email = f"payer{number}@example.org"
    admin = Admin(Settings(database_url=SecretStr(address), secret=SecretStr(SECRET)))
    admin.add_user(email, Tier.FREE)
    token, device = admin.issue_token(email, "benchmark", manage=True), Device(home)
    prompts = (ALLOWANCES[Tier.FREE].prompts or 0) + 1
    home.mkdir()
    rows = [
        json.dumps({"name": f"p/{n}", "body": f"Text {n}."}) for n in range(prompts)
    ]
    (home / "rows.jsonl").write_text("\n".join(rows))
    device.run("import", str(home / "rows.jsonl"))
    device.sign_in(url, token)
    with device.watching():
        while _count(connection, email) < prompts - 1:
            time.sleep(0.1)
        client = httpx.Client(
            base_url=url, headers={"Authorization": f"Bearer {token}"}
        )
        with client:
            page = client.post("/v1/billing/checkout", json={"plan": "pro"}).json()
        start = time.perf_counter()
        httpx.post(page["url"], data={"action": "pay"})
        while _count(connection, email) < prompts:
            time.sleep(0.02)
        return time.perf_counter() - start


def _count(connection: psycopg.Connection[tuple[object, ...]], email: str) -> int:
    row = connection.execute(
        "SELECT count(*) FROM items i JOIN vaults v ON v.id = i.vault_id"
        " JOIN users u USING (account_id) WHERE u.email = %s",
        (email,),
    ).fetchone()
    return int(str(row[0])) if row else 0


if __name__ == "__main__":
    main()
