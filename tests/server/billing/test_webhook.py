"""Events of Stripe: signed, in any order, lost, doubled, forged."""

import json
import random
import time
from typing import Any

import httpx
import psycopg
import pytest

from tests.server.billing.conftest import Buyer
from tests.sync.waiting import eventually
from tests.till.app import Till
from tests.till.replayer import Replayer, header
from tests.till.selling import SECRET

PATH = "/v1/webhooks/stripe"


def _send(client: httpx.Client, body: bytes, signature: str) -> int:
    kind = {"Content-Type": "application/json", "Stripe-Signature": signature}
    return client.post(PATH, content=body, headers=kind).status_code


def _events(connection: psycopg.Connection[Any]) -> int:
    ((number,),) = connection.execute("SELECT count(*) FROM external_events").fetchall()
    return int(number)


EVENT = {
    "id": "evt_1",
    "object": "event",
    "type": "invoice.paid",
    "livemode": False,
    "data": {"object": {"id": "in_1", "object": "invoice", "customer": "cus_1"}},
}


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({}, 204),
        ({"type": "invoice.created"}, 204),
        ({"livemode": True}, 204),
        (
            {"data": {"object": {"customer": {"id": "cus_1", "object": "customer"}}}},
            204,
        ),
        ({"data": {"object": {"customer": None}}}, 204),
        ({"id": 7}, 400),
        ({"object": "v2.core.event", "data": None}, 400),
    ],
)
def test_what_is_signed(
    visitor: httpx.Client, change: dict[str, Any], status: int
) -> None:
    body = json.dumps(EVENT | change).encode()
    assert _send(visitor, body, header(body, [SECRET], int(time.time()))) == status


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{", b"\xff\xfe", b"null", b'{"id": "evt_1"}']
)
def test_a_body_that_is_no_event(visitor: httpx.Client, body: bytes) -> None:
    assert _send(visitor, body, header(body, [SECRET], int(time.time()))) == 400


def test_a_body_that_is_too_long(visitor: httpx.Client) -> None:
    now = int(time.time())
    body = json.dumps(EVENT).encode().ljust(256 * 1024)
    assert _send(visitor, body, header(body, [SECRET], now)) == 204
    body += b" "
    assert _send(visitor, body, header(body, [SECRET], now)) == 400


def test_a_signature_that_is_not_good(visitor: httpx.Client) -> None:
    body, now = json.dumps(EVENT).encode(), int(time.time())
    good = header(body, [SECRET], now)
    assert _send(visitor, body, "") == 400
    assert _send(visitor, body + b" ", good) == 400
    assert _send(visitor, body, header(body, ["whsec_other"], now)) == 400
    assert _send(visitor, body, header(body, [""], now)) == 400
    assert _send(visitor, body, header(body, [SECRET], now - 400)) == 400
    assert _send(visitor, body, header(body, [SECRET], now + 400)) == 400
    assert _send(visitor, body, good.replace("v1=", "v0=")) == 400
    assert _send(visitor, body, f"t={now},t={now - 1},{good.partition(',')[2]}") == 400
    assert _send(visitor, body, header(body, ["whsec_other", SECRET], now)) == 204


def test_an_event_that_comes_twice_is_stored_once(
    visitor: httpx.Client, connection: psycopg.Connection[Any]
) -> None:
    body = json.dumps(EVENT).encode()
    signature = header(body, [SECRET], int(time.time()))
    assert [_send(visitor, body, signature) for _ in range(3)] == [204] * 3
    assert _events(connection) == 1


def test_many_events_lead_to_few_requests(
    buyer: Buyer, till: Till, replayer: Replayer
) -> None:
    till.books.on_event = replayer.hold
    buyer.pay()
    replayer.flush()
    buyer.waits_for("pro")
    asked = len(till.asked)
    for found in till.books.all("subscription") * 300:
        till.books.emit("customer.subscription.updated", found)
    replayer.flush()
    assert set(replayer.statuses) == {204}
    fetched = [each for each in till.asked[asked:] if each.path == "subscriptions"]
    assert len(fetched) <= 10


@pytest.mark.parametrize("seed", range(4))
def test_whatever_is_delivered_the_plan_is_what_stripe_says(
    buyer: Buyer, till: Till, replayer: Replayer, seed: int
) -> None:
    lot = random.Random(seed)
    till.books.on_event = replayer.hold
    buyer.pay()
    if lot.random() < 0.5:
        buyer.manage("change", price="price_enterprise_month")
    if lot.random() < 0.5:
        buyer.manage("cancel")
        till.books.advance(31)
    replayer.flush(lot, faults=0.7)
    replayer.flush()
    (found,) = till.books.all("subscription")
    price = found["items"]["data"][0]["price"]["id"]
    plan = "enterprise" if "enterprise" in price else "pro"
    buyer.waits_for("free" if found["status"] == "canceled" else plan)


def test_an_event_whose_job_was_lost_is_revived(
    buyer: Buyer, till: Till, replayer: Replayer, connection: psycopg.Connection[Any]
) -> None:
    events: list[Any] = []
    till.books.on_event = events.append
    buyer.pay()
    connection.execute(
        "INSERT INTO external_events (source, external_id, kind, object_id)"
        " VALUES ('stripe', %s, 'invoice.paid', %s)",
        (events[-1]["id"], events[-1]["data"]["object"]["customer"]),
    )
    assert replayer.deliver(events[-1])
    buyer.waits_for("pro")
    eventually(
        lambda: (
            not connection.execute(
                "SELECT 1 FROM external_events WHERE handled_at IS NULL"
            ).fetchall()
        )
    )
