"""What can go wrong between a server and Stripe, and what the user then sees."""

import json
import threading
import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest
from pydantic import SecretStr, ValidationError

from promptvault.domain.tier import Tier
from promptvault.server.admin import Admin
from promptvault.server.billing.settings import BillingSettings
from promptvault.server.billing.stripe_client import FetchedSubscription
from tests.server.billing.conftest import Buyer
from tests.server.billing.race import look_while_an_older_answer_is_late
from tests.server.conftest import EMAIL, Server
from tests.server.mail_server import MailServer
from tests.server.sync.conftest import after, gone, new
from tests.sync.waiting import eventually
from tests.till.app import Till
from tests.till.books import DAY
from tests.till.replayer import Replayer, header
from tests.till.selling import SECRET

Rows = Callable[..., list[Any]]


@pytest.fixture
def rows(connection: psycopg.Connection[Any]) -> Rows:
    """Return what reads and changes the database."""

    def run(query: str, *values: object) -> list[Any]:
        cursor = connection.execute(query.encode(), values)
        return cursor.fetchall() if cursor.description else []

    return run


def _event(replayer: Replayer, found: dict[str, Any], type: str = "x") -> bool:
    event = {"id": f"evt_{uuid4().hex}", "type": type, "livemode": False}
    return replayer.deliver({**event, "object": "event", "data": {"object": found}})


class TestSettings:
    """Settings with which a server must not start."""

    @pytest.mark.parametrize(
        ("wrong", "said"),
        [
            ({"stripe_secret_key": "pk_test_1"}, "sk_live_, sk_test_"),
            ({"stripe_webhook_secret": ","}, "needs PROMPTVAULT_SERVER_STRIPE_WEBHOOK"),
            ({"stripe_prices": ""}, "needs PROMPTVAULT_SERVER_STRIPE_PRICES"),
            ({"stripe_prices": "price_1=gold:month"}, "price_1=pro:month"),
            ({"stripe_secret_key": "sk_live_1"}, "is for a key of the test mode"),
        ],
    )
    def test_are_refused(self, wrong: dict[str, str], said: str) -> None:
        good = {
            "stripe_secret_key": "sk_test_1",
            "stripe_webhook_secret": SECRET,
            "stripe_prices": "price_1=pro:month",
            "stripe_api_url": "http://127.0.0.1:9",
        }
        BillingSettings.model_validate(good)
        with pytest.raises(ValidationError, match=said):
            BillingSettings.model_validate(good | wrong)


class TestKeys:
    """Keys and secrets of which one is wrong."""

    def test_of_the_other_mode_is_refused_by_stripe(
        self,
        start_server: Callable[..., Server],
        sold: BillingSettings,
        token: str,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        other = sold.model_copy(
            update={"stripe_secret_key": SecretStr("sk_test_of_other")}
        )
        with start_server(**dict(other)).client(token) as client:
            wish = {"plan": "pro"}
            answer = client.post("/v1/billing/checkout", json=wish)
            assert answer.status_code == 503
            assert client.get("/v1/billing").json()["tier"] == "free"
            assert client.get("/v1/me").status_code == 200
        log = capsys.readouterr().err
        assert "Stripe refuses the key of the server" in log
        assert "sk_test_of_other" not in log + answer.text

    def test_an_event_of_the_other_mode_changes_nothing(
        self, buyer: Buyer, till: Till, replayer: Replayer, rows: Rows
    ) -> None:
        buyer.pay()
        for event in till.books.all("event"):
            assert replayer.deliver(event | {"livemode": True})
        assert rows("SELECT 1 FROM external_events") == []
        assert rows("SELECT 1 FROM jobs WHERE kind = 'reconcile'") == []

    def test_a_webhook_secret_is_rotated(
        self, start_server: Callable[..., Server], sold: BillingSettings
    ) -> None:
        both = sold.model_copy(
            update={"stripe_webhook_secret": SecretStr("whsec_old, whsec_new,")}
        )
        server = start_server(**dict(both))
        now = int(time.time())
        with server.client() as client:

            def status(*secrets: str) -> int:
                body = json.dumps({"id": "evt_1"}).encode()
                signature = {"Stripe-Signature": header(body, secrets, now)}
                path = "/v1/webhooks/stripe"
                answer = client.post(path, content=body, headers=signature)
                return 204 if "no event" in answer.text else answer.status_code

            assert status("whsec_old") == status("whsec_new") == 204
            assert status("whsec_old", "whsec_new") == 204
            assert status("whsec_older") == status("") == 400

    @pytest.mark.parametrize("off", [-290, 290])
    def test_a_clock_is_almost_five_minutes_off(
        self, visitor: httpx.Client, off: int
    ) -> None:
        body = b"{}"
        now = int(time.time())
        for seconds, said in [(off, "no event"), (off * 2, "signature")]:
            signature = header(body, [SECRET], now + seconds)
            path, headers = "/v1/webhooks/stripe", {"Stripe-Signature": signature}
            assert said in visitor.post(path, content=body, headers=headers).text


class TestPrices:
    """Prices that Stripe, or the settings, no longer have."""

    @pytest.mark.usefixtures("courier")
    def test_an_archived_one_is_not_sold_and_stays_with_who_has_it(
        self, buyer: Buyer, till: Till, rows: Rows
    ) -> None:
        till.books.get("price", "price_pro_month")["active"] = False
        for _ in range(2):
            answer = buyer.checkout()
            assert answer.status_code == 503
            assert "price_inactive" in answer.json()["error"]["message"]
        assert len(till.books.all("customer")) == 1
        buyer.pay("enterprise")
        till.books.get("price", "price_enterprise_month")["active"] = False
        buyer.waits_for("enterprise")

    def test_one_that_stripe_does_not_know_makes_no_other_customer(
        self, buyer: Buyer, till: Till, rows: Rows
    ) -> None:
        buyer.checkout()
        before = rows("SELECT customer FROM billing_customers")
        del till.books.objects["price_pro_month"]
        assert buyer.checkout().status_code == 503
        assert rows("SELECT customer FROM billing_customers") == before
        assert len(till.books.all("customer")) == 1

    @pytest.mark.usefixtures("courier")
    def test_one_that_the_settings_do_not_name_leaves_the_plan(
        self, buyer: Buyer, till: Till
    ) -> None:
        buyer.pay()
        buyer.waits_for("pro")
        other = till.books.get("price", "price_pro_month") | {"id": "price_other"}
        till.books.put(other)
        buyer.manage("change", price="price_other")
        eventually(lambda: buyer.billing()["notice"] == "unknown_price")
        assert buyer.billing()["tier"] == "pro"

    def test_are_not_waited_for(self, buyer: Buyer, till: Till) -> None:
        is_over = threading.Event()
        till.before_sending = lambda _: is_over.wait(60)
        try:
            offers = buyer.billing()["can_upgrade"]
        finally:
            is_over.set()
        assert {each["amount"] for each in offers} == {None}


class TestCustomers:
    """Customers that are not what one expects."""

    @pytest.mark.usefixtures("courier")
    def test_with_two_subscriptions_have_the_better_plan(
        self,
        buyer: Buyer,
        till: Till,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        buyer.pay()
        buyer.waits_for("pro")
        (found,) = till.books.all("subscription")
        with till.books.lock:
            bought = found["customer"], "price_enterprise_year", found["metadata"]
            till.books.subscribe(*bought, "active")
        buyer.waits_for("enterprise")
        assert buyer.billing()["notice"] == "two_subscriptions"
        assert buyer.checkout("enterprise").status_code == 409
        assert "two_subscriptions" in capsys.readouterr().err

    def test_who_buy_something_else_are_left_alone(
        self, buyer: Buyer, till: Till, replayer: Replayer, rows: Rows
    ) -> None:
        till.books.on_event = replayer.hold
        for name in ({}, {"account_id": "7"}, {"account_id": str(uuid4())}):
            customer = till.books.add_customer({"metadata": name})["id"]
            till.books.subscribe(customer, "price_pro_month", name, "active")
        replayer.flush()
        eventually(
            lambda: rows("SELECT 1 FROM external_events WHERE handled_at IS NULL") == []
        )
        eventually(lambda: rows("SELECT 1 FROM jobs WHERE kind = 'reconcile'") == [])
        assert buyer.billing()["tier"] == "free"

    def test_whose_first_link_was_lost_are_found_by_their_account(
        self, buyer: Buyer, till: Till, replayer: Replayer, rows: Rows
    ) -> None:
        till.books.on_event = replayer.hold
        buyer.pay()
        rows("DELETE FROM billing_customers")
        replayer.flush()
        buyer.waits_for("pro")

    @pytest.mark.usefixtures("courier")
    def test_who_dispute_a_payment_keep_the_plan(
        self, buyer: Buyer, till: Till, replayer: Replayer, rows: Rows
    ) -> None:
        buyer.pay()
        buyer.waits_for("pro")
        dispute = {"id": "dp_1", "object": "dispute", "charge": "ch_1"}
        assert _event(replayer, dispute, "charge.dispute.created")
        kind = "charge.dispute.created"
        assert rows("SELECT 1 FROM external_events WHERE kind = %s", kind) == []
        assert buyer.billing()["tier"] == "pro"


class TestStripeIsDown:
    """Nothing but buying waits for Stripe."""

    def test_for_three_days(
        self, buyer: Buyer, till: Till, replayer: Replayer, rows: Rows
    ) -> None:
        till.books.on_event = replayer.hold
        buyer.pay()
        till.is_down = True
        replayer.flush()
        failed = "SELECT 1 FROM jobs WHERE kind = 'reconcile' AND error IS NOT NULL"
        eventually(lambda: rows(failed) != [])
        rows("UPDATE jobs SET attempts = 76, error = NULL, run_at = now()")
        eventually(lambda: rows(failed) != [])
        assert rows("SELECT 1 FROM jobs WHERE dead_at IS NOT NULL") == []
        assert buyer.client.get("/v1/me").json()["tier"] == "free"
        till.is_down = False
        rows("UPDATE jobs SET run_at = now()")
        buyer.waits_for("pro")

    def test_for_longer_than_events_are_repeated(
        self, buyer: Buyer, till: Till, replayer: Replayer, rows: Rows
    ) -> None:
        till.books.on_event = replayer.hold
        buyer.pay()
        replayer.lose()
        rows("UPDATE billing_customers SET reconciled_at = now()")
        rows("INSERT INTO jobs (kind) VALUES ('reconcile_all')")
        buyer.waits_for("pro")


def test_an_older_answer_does_not_overwrite_a_newer_one(
    idle_server: Server, till: Till, token: str
) -> None:
    assert look_while_an_older_answer_is_late(idle_server, till, token) == "free"


def test_two_subscriptions_of_items_with_different_periods(till: Till) -> None:
    customer = till.books.add_customer({"metadata": {}})["id"]
    found = till.books.subscribe(customer, "price_pro_month", {}, "active")
    (item,) = found["items"]["data"]
    longer = item | {"current_period_end": item["current_period_end"] + 335 * DAY}
    found["items"]["data"] = [item, longer]
    read = FetchedSubscription.model_validate(found | {"current_period_end": 1})
    assert read.period_end
    assert read.period_end.timestamp() == longer["current_period_end"]


def test_a_failed_payment_is_mailed_about_once_and_once_before_the_end(
    start_server: Callable[..., Server],
    sold: BillingSettings,
    mail: MailServer,
    token: str,
    till: Till,
    rows: Rows,
) -> None:
    smtp = {"smtp_host": "127.0.0.1", "smtp_port": mail.port, "smtp_security": "none"}
    server = start_server(**dict(sold), **smtp)
    replayer = Replayer(f"{server.url}/v1/webhooks/stripe", SECRET)
    till.books.on_event = replayer.hold
    buyer = Buyer(server.client(token), till)
    buyer.pay()
    (found,) = till.books.all("subscription")
    till.books.failing.add(found["customer"])
    till.books.advance(31)
    replayer.flush()
    eventually(lambda: len(mail.mails) == 1)
    till.books.advance(4)
    replayer.flush()
    for days in (12, 12):
        rows(
            "UPDATE subscriptions SET past_due_since = now() - %s * interval '1 day'",
            days,
        )
        rows("INSERT INTO jobs (kind) VALUES ('plan_sweep')")
        rows("UPDATE jobs SET run_at = now()")
        eventually(lambda: rows("SELECT 1 FROM jobs") == [])
    assert [str(each["Subject"]) for _, each in mail.mails] == [
        "A payment for PromptVault has failed",
        "Your PromptVault plan is about to end",
    ]


def test_3000_prompts_on_the_free_plan(client: httpx.Client, admin: Admin) -> None:
    """All of them can be read, edited, deleted and synced; a new one needs room."""
    admin.set_tier(EMAIL, Tier.PRO)
    vault = client.get("/v1/me").json()["vaults"][0]["id"]

    def sync(*pushes: dict[str, Any], cursor: Any = None) -> dict[str, Any]:
        part = {"id": vault, "cursor": cursor or {}, "push": [*pushes]}
        body = {"proto": 1, "device": str(uuid4()), "vaults": [part]}
        found: dict[str, Any] = client.post("/v1/sync", json=body).json()["vaults"][0]
        return found

    def result(*pushes: dict[str, Any]) -> str:
        found = sync(*pushes)
        taken = [each["r"] for each in found["results"]]
        assert found["status"] == "quota" or taken == ["ok"] * len(pushes)
        return str(found["status"])

    prompts = [new() for _ in range(3000)]
    for first in range(0, 3000, 500):
        assert result(*prompts[first : first + 500]) == "ok"
    admin.set_tier(EMAIL, Tier.FREE)
    read, page = [], sync()
    while page["more"]:
        read += page["feed"]
        page = sync(cursor=page["cursor"])
    assert len({each["item"] for each in [*read, *page["feed"]]}) == 3000
    assert result(after(prompts[0], "Edited.")) == "ok"
    assert result(new()) == "quota"
    for first in range(1, 2951, 500):
        deleted = [gone(each) for each in prompts[first : min(first + 500, 2951)]]
        assert result(*deleted) == "ok"
    assert result(new()) == "quota"
    assert result(gone(prompts[2951])) == "ok"
    assert result(new()) == "ok"
    assert result(new()) == "quota"
