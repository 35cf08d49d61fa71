"""A plan is bought, kept, lost and got back, and no prompt is lost by it."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest

from promptvault.domain.tier import Tier
from promptvault.server.admin import Admin
from tests.server.billing.conftest import Buyer
from tests.server.conftest import EMAIL, Server
from tests.sync.waiting import eventually
from tests.till.app import Till

pytestmark = pytest.mark.usefixtures("courier")


def test_a_plan_that_is_paid_is_there(buyer: Buyer) -> None:
    before = buyer.billing()
    assert (before["tier"], before["why"]) == ("free", "none")
    assert {each["plan"] for each in before["can_upgrade"]} == {"pro", "enterprise"}
    answer = buyer.pay()
    assert "/billing/done?session_id=" in answer.headers["location"]
    buyer.waits_for("pro")
    found = buyer.billing()
    assert (found["why"], found["status"], found["interval"]) == (
        *("subscription", "active"),
        "month",
    )
    assert found["price"] == {"amount": 900, "currency": "eur"}
    assert found["limits"]["prompts"] is None
    assert found["has_portal"]


def test_a_card_that_is_declined_buys_nothing(buyer: Buyer, till: Till) -> None:
    assert buyer.pay(action="decline").status_code == 402
    assert till.books.all("event") == []
    assert buyer.billing()["tier"] == "free"


def test_a_plan_that_is_cancelled_stays_until_its_end(buyer: Buyer, till: Till) -> None:
    buyer.pay()
    buyer.waits_for("pro")
    buyer.manage("cancel")
    eventually(lambda: buyer.billing()["notice"] == "ends")
    assert buyer.billing()["tier"] == "pro"
    assert buyer.billing()["cancel_at"]
    till.books.advance(31)
    buyer.waits_for("free")


def test_a_payment_that_fails_leaves_the_plan_for_the_grace(
    buyer: Buyer, till: Till, connection: psycopg.Connection[Any]
) -> None:
    buyer.pay()
    buyer.waits_for("pro")
    buyer.manage("fail_card")
    till.books.advance(31)
    eventually(lambda: buyer.billing()["notice"] == "pay_by")
    assert buyer.billing()["tier"] == "pro"
    assert buyer.billing()["grace_until"]
    connection.execute(
        "UPDATE subscriptions SET past_due_since = now() - interval '15 days'"
    )
    connection.execute("UPDATE accounts SET plan_until = now() - interval '1 day'")
    connection.execute("INSERT INTO jobs (kind) VALUES ('plan_sweep')")
    buyer.waits_for("free")
    assert buyer.billing()["notice"] == "unpaid"
    buyer.manage("repair_card")
    buyer.waits_for("pro")


def test_who_has_a_plan_changes_it_in_the_portal(buyer: Buyer) -> None:
    buyer.pay()
    assert buyer.checkout("enterprise").status_code == 409
    buyer.manage("change", price="price_enterprise_year")
    buyer.waits_for("enterprise")


def test_two_pages_cannot_both_be_paid(buyer: Buyer, till: Till) -> None:
    first = buyer.checkout().json()["url"]
    second = buyer.checkout().json()["url"]
    assert httpx.post(first, data={"action": "pay"}).status_code == 410
    assert httpx.post(second, data={"action": "pay"}).status_code == 303
    assert buyer.checkout().status_code == 409
    assert len(till.books.all("subscription")) == 1
    assert len(till.books.all("customer")) == 1


def test_a_customer_that_was_deleted_at_stripe_is_made_again(
    buyer: Buyer, till: Till
) -> None:
    buyer.pay()
    buyer.waits_for("pro")
    (customer,) = till.books.all("customer")
    till.books.delete_customer(customer["id"])
    buyer.waits_for("free")
    buyer.pay("enterprise")
    buyer.waits_for("enterprise")


def test_a_gift_stays_whatever_is_paid(buyer: Buyer, admin: Admin, till: Till) -> None:
    admin.set_tier(EMAIL, Tier.ENTERPRISE)
    found = buyer.billing()
    assert (found["tier"], found["why"]) == ("enterprise", "gift")
    assert found["can_upgrade"] == []
    admin.set_tier(EMAIL, Tier.FREE)
    assert buyer.billing()["tier"] == "free"


def test_stripe_that_is_down_is_said(buyer: Buyer, till: Till) -> None:
    till.is_down = True
    answer = buyer.checkout()
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "unavailable")
    assert buyer.billing()["tier"] == "free"
    till.is_down = False
    assert buyer.checkout().status_code == 201


def test_a_server_without_a_key_sells_nothing(
    start_server: Callable[..., Server], token: str
) -> None:
    with start_server().client(token) as client:
        assert client.get("/v1/billing").status_code == 404
        body = {"plan": "pro"}
        assert client.post("/v1/billing/checkout", json=body).status_code == 404
        assert client.post("/v1/billing/portal").status_code == 404
        assert client.post("/v1/webhooks/stripe", content=b"{}").status_code == 404


def test_an_account_that_is_deleted_pays_no_more(
    buyer: Buyer, admin: Admin, till: Till
) -> None:
    buyer.pay()
    buyer.waits_for("pro")
    admin.erase(EMAIL)
    (found,) = till.books.all("subscription")
    eventually(lambda: found["status"] == "canceled")


def test_ids_of_stripe_are_not_ours(buyer: Buyer) -> None:
    answer = buyer.client.post("/v1/billing/checkout", json={"plan": str(uuid4())})
    assert answer.status_code == 422
