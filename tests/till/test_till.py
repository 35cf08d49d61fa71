"""The stand-in for Stripe keeps to the protocol, so that what it accepts, Stripe does.

Its client here is Stripe's own.
"""

import asyncio
import json
import re
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import httpx
import pytest
import stripe
from stripe import StripeClient

from tests.till.app import SECRET_KEY, Till
from tests.till.books import DAY, Books
from tests.till.form import parse_form
from tests.till.replayer import Replayer, header, sign
from tests.till.running import running
from tests.till.shapes import KEYS

SECRET = "whsec_of_a_test"


@pytest.fixture
def events() -> list[dict[str, Any]]:
    return []


@pytest.fixture
def till(events: list[dict[str, Any]]) -> Iterator[Till]:
    with running(Till(Books(events.append))) as started:
        yield started


@pytest.fixture
def client(till: Till) -> StripeClient:
    return StripeClient(
        SECRET_KEY,
        http_client=stripe.HTTPXClient(allow_sync_methods=True),
        max_network_retries=0,
        base_addresses={"api": till.address},
    )


Ask = Callable[[Callable[[StripeClient], Coroutine[Any, Any, Any]]], dict[str, Any]]


@pytest.fixture
def ask(till: Till) -> Ask:
    """Return a function that asks as the server does: async, answers as dicts."""

    def ask(request: Callable[[StripeClient], Coroutine[Any, Any, Any]]) -> Any:
        async def asking() -> Any:
            client = StripeClient(
                SECRET_KEY,
                http_client=stripe.HTTPXClient(),
                max_network_retries=0,
                base_addresses={"api": till.address},
            )
            return (await request(client)).to_dict()

        return asyncio.run(asking())

    return ask


def _customer(ask: Ask, email: str = "ada@example.com") -> str:
    values: Any = {"email": email, "metadata": {"account_id": "7"}}
    return str(ask(lambda c: c.v1.customers.create_async(values))["id"])


def _session(
    ask: Ask, customer: str, more: dict[str, Any] | None = None
) -> dict[str, Any]:
    values: Any = {
        "mode": "subscription",
        "customer": customer,
        "line_items": [{"price": "price_pro_month", "quantity": 1}],
        "subscription_data": {"metadata": {"account_id": "7"}},
        "success_url": "https://pv.example/done?session_id={CHECKOUT_SESSION_ID}",
        "cancel_url": "https://pv.example/billing",
        "expires_at": int(time.time()) + 3600,
    }
    return ask(lambda c: c.v1.checkout.sessions.create_async(values | (more or {})))


def _bought(ask: Ask, till: Till) -> str:
    """Return a customer with a paid subscription."""
    customer = _customer(ask)
    session = _session(ask, customer)
    httpx.post(session["url"], data={"action": "pay"})
    return customer


def _subscriptions(ask: Ask, customer: str) -> list[dict[str, Any]]:
    values: Any = {
        "customer": customer,
        "status": "all",
        "limit": 100,
        "expand": ["data.latest_invoice"],
    }
    found: list[dict[str, Any]] = ask(lambda c: c.v1.subscriptions.list_async(values))[
        "data"
    ]
    return found


def _portal(ask: Ask, customer: str, **form: str) -> None:
    values: Any = {"customer": customer, "return_url": "https://pv.example/billing"}
    portal = ask(lambda c: c.v1.billing_portal.sessions.create_async(values))
    assert httpx.post(portal["url"], data=form).status_code == 303


def test_a_subscription_is_made_by_paying_alone(ask: Ask, till: Till) -> None:
    customer = _customer(ask)
    session = _session(ask, customer)
    declined = httpx.post(session["url"], data={"action": "decline"})
    assert declined.status_code == 402
    assert _subscriptions(ask, customer) == []
    paid = httpx.post(session["url"], data={"action": "pay"})
    assert paid.headers["location"].endswith(f"session_id={session['id']}")
    (found,) = _subscriptions(ask, customer)
    assert (found["status"], found["metadata"]) == ("active", {"account_id": "7"})
    assert found["billing_mode"]["type"] == "flexible"
    assert "current_period_end" not in found
    assert found["items"]["data"][0]["current_period_end"] > time.time() + 29 * DAY
    assert found["latest_invoice"]["status"] == "paid"
    again = httpx.post(session["url"], data={"action": "pay"})
    assert again.status_code == 410


def test_each_change_is_an_event(
    ask: Ask, till: Till, events: list[dict[str, Any]]
) -> None:
    customer = _bought(ask, till)
    _portal(ask, customer, action="cancel")
    till.books.advance(31)
    assert [each["type"] for each in events] == [
        "customer.subscription.created",
        "invoice.paid",
        "checkout.session.completed",
        "customer.subscription.updated",
        "customer.subscription.deleted",
    ]
    assert events[0]["data"]["object"]["status"] == "active"  # as it was then


def test_the_portal_cancels_by_a_date(ask: Ask, till: Till) -> None:
    customer = _bought(ask, till)
    _portal(ask, customer, action="cancel")
    (found,) = _subscriptions(ask, customer)
    assert found["cancel_at"] == found["items"]["data"][0]["current_period_end"]
    assert found["cancel_at_period_end"] is False
    _portal(ask, customer, action="resume")
    (found,) = _subscriptions(ask, customer)
    assert found["cancel_at"] is None


@pytest.mark.parametrize("last", ["unpaid", "canceled"])
def test_a_card_that_fails_is_tried_again_and_then_given_up(
    ask: Ask, till: Till, last: str
) -> None:
    till.books.last_status = last
    customer = _bought(ask, till)
    _portal(ask, customer, action="fail_card")
    till.books.advance(30)
    (found,) = _subscriptions(ask, customer)
    assert found["status"] == "past_due"
    assert found["latest_invoice"]["attempt_count"] == 1
    till.books.advance(16)
    assert _subscriptions(ask, customer)[0]["status"] == last
    if last == "unpaid":
        _portal(ask, customer, action="repair_card")
        assert _subscriptions(ask, customer)[0]["status"] == "active"


def test_a_bank_debit_waits(ask: Ask, till: Till) -> None:
    customer = _customer(ask)
    session = _session(ask, customer)
    httpx.post(session["url"], data={"action": "debit"})
    assert _subscriptions(ask, customer)[0]["status"] == "incomplete"
    stored = till.books.get("checkout.session", session["id"])
    assert (stored["status"], stored["payment_status"]) == ("complete", "unpaid")
    till.books.settle(stored, is_paid=True)
    assert _subscriptions(ask, customer)[0]["status"] == "active"


def test_a_key_is_answered_once(client: StripeClient, till: Till) -> None:
    key: Any = {"idempotency_key": "one"}
    first = client.v1.customers.create({"email": "ada@example.com"}, key)
    assert client.v1.customers.create({"email": "ada@example.com"}, key).id == first.id
    with pytest.raises(stripe.IdempotencyError):
        client.v1.customers.create({"email": "eve@example.com"}, key)
    assert len(till.books.all("customer")) == 1


def test_what_stripe_refuses_is_refused(ask: Ask, till: Till) -> None:
    customer = _customer(ask)
    wrongs: list[dict[str, Any]] = [
        {"ui_mode": "hosted"},
        {"customer": "cus_unknown"},
        {"expires_at": int(time.time()) + 60},
        {"line_items": []},
        {"colour": "red"},
    ]
    for wrong in wrongs:
        with pytest.raises(stripe.InvalidRequestError):
            _session(ask, customer, wrong)
    till.books.get("price", "price_pro_month")["active"] = False
    with pytest.raises(stripe.InvalidRequestError):
        _session(ask, customer)
    till.is_down = True
    with pytest.raises(stripe.APIError):
        _session(ask, customer)


def test_a_wrong_key_is_refused(till: Till) -> None:
    client = StripeClient(
        "sk_test_other",
        http_client=stripe.HTTPXClient(allow_sync_methods=True),
        max_network_retries=0,
        base_addresses={"api": till.address},
    )
    with pytest.raises(stripe.AuthenticationError):
        client.v1.prices.list()
    address = f"{till.address}/v1/prices"
    assert httpx.get(address).status_code == 401
    version = {"Stripe-Version": "2026-10-28.endive"}
    assert httpx.get(address, auth=(SECRET_KEY, ""), headers=version).is_success


def test_lists_have_pages(client: StripeClient, till: Till) -> None:
    for _ in range(25):
        client.v1.customers.create({})
    for customer in till.books.all("customer"):
        till.books.emit("customer.updated", customer)
    events = client.v1.events.list({"limit": 10})
    assert events.has_more
    assert len([*events.auto_paging_iter()]) == 25
    assert {each.version for each in till.asked} == {stripe.api_version}


@pytest.mark.parametrize(
    ("kind", "type"),
    [
        ("customer", stripe.Customer),
        ("price", stripe.Price),
        ("checkout.session", stripe.checkout.Session),
        ("subscription", stripe.Subscription),
        ("subscription_item", stripe.SubscriptionItem),
        ("invoice", stripe.Invoice),
        ("event", stripe.Event),
        ("billing_portal.session", stripe.billing_portal.Session),
        ("webhook_endpoint", stripe.WebhookEndpoint),
    ],
)
def test_each_key_is_one_of_the_type(kind: str, type: Any) -> None:
    assert type.OBJECT_NAME == kind
    assert KEYS[kind] - type.__annotations__.keys() == set()


def test_signatures_are_those_of_stripe() -> None:
    body = b'{"id": "evt_1"}'
    now = int(time.time())
    signed = f"{now}.{body.decode()}"
    theirs = stripe.WebhookSignature._compute_signature(signed, SECRET)
    assert sign(body, SECRET, now) == theirs
    value = header(body, ["whsec_other", SECRET], now)
    assert stripe.WebhookSignature.verify_header(body.decode(), value, SECRET)


def test_parameters_with_brackets() -> None:
    body = b"a[b][0][c]=1&a[b][1][c]=2&expand[]=x&d=%26"
    assert parse_form(body) == {
        "a": {"b": [{"c": "1"}, {"c": "2"}]},
        "expand": ["x"],
        "d": "&",
    }


def test_what_was_not_delivered_is_held(till: Till) -> None:
    replayer = Replayer("http://127.0.0.1:9/hook", SECRET)
    replayer.hold({"id": "evt_1"})
    replayer.flush()
    replayer.flush()
    assert replayer.statuses == [0, 0]


def test_it_starts_alone() -> None:
    command = [sys.executable, "-m", "tests.till", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            start = json.loads(process.stdout.readline())
            assert re.fullmatch(r"http://127\.0\.0\.1:\d+", start["url"])
            moved = httpx.post(f"{start['url']}/_/advance?days=2").json()
            assert moved["now"] > time.time() + DAY
            assert start["prices"]["pro:month"] == "price_pro_month"
        finally:
            process.terminate()
        assert process.wait(20) == 0
