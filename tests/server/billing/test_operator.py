"""`server billing`: what an operator checks, links and looks at again."""

from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from tests.conftest import Pvt
from tests.server.billing.conftest import Buyer
from tests.server.conftest import EMAIL
from tests.till.app import SECRET_KEY, Till
from tests.till.books import PRICES
from tests.till.selling import SECRET, SOLD

PUBLIC_URL = "https://prompts.example.org"
HOOK = f"{PUBLIC_URL}/v1/webhooks/stripe"


@pytest.fixture(autouse=True)
def at_the_stand_in(
    pvt: Pvt, database_url: str, till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Let each command work on this test's database and the stand-in."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    settings = {
        "STRIPE_SECRET_KEY": SECRET_KEY,
        "STRIPE_WEBHOOK_SECRET": SECRET,
        "STRIPE_PRICES": SOLD,
        "STRIPE_API_URL": till.address,
        "PUBLIC_URL": PUBLIC_URL,
    }
    for name, value in settings.items():
        monkeypatch.setenv(f"PROMPTVAULT_SERVER_{name}", value)


def test_settings_that_fit_are_well(pvt: Pvt, till: Till) -> None:
    till.add_endpoint(HOOK, ["*"])
    found = pvt.ok("server", "billing", "check", "--json").json
    assert (found["livemode"], found["problems"]) == (False, [])
    assert len(found["prices"]) == len(PRICES)
    shown = pvt.ok("server", "billing", "check")
    assert "9.00 EUR\tmonth\tyes\n" in shown.text
    assert shown.err == "All is well in the test mode.\n"


def _archive(till: Till, **_: Any) -> None:
    till.books.get("price", "price_pro_month")["active"] = False


def _once(till: Till, **_: Any) -> None:
    till.books.get("price", "price_pro_month")["recurring"] = None


def _in_dollars(till: Till, **_: Any) -> None:
    till.books.get("price", "price_pro_month")["currency"] = "usd"


def _elsewhere(till: Till, **_: Any) -> None:
    till.books.all("webhook_endpoint")[0]["url"] = "https://example.com/hook"


def _disabled(till: Till, **_: Any) -> None:
    till.books.all("webhook_endpoint")[0]["status"] = "disabled"


def _few_events(till: Till, **_: Any) -> None:
    till.books.all("webhook_endpoint")[0]["enabled_events"] = ["invoice.paid"]


def _too_new(till: Till, **_: Any) -> None:
    till.books.all("webhook_endpoint")[0]["api_version"] = "2031-01-01.zebra"


def _price_of_the_other_mode(monkeypatch: pytest.MonkeyPatch, **_: Any) -> None:
    monkeypatch.setenv("PROMPTVAULT_SERVER_STRIPE_PRICES", "price_live=pro:month")


def _key_of_another_account(monkeypatch: pytest.MonkeyPatch, **_: Any) -> None:
    monkeypatch.setenv("PROMPTVAULT_SERVER_STRIPE_SECRET_KEY", "sk_test_other")


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (_archive, "price_pro_month: it is archived"),
        (_once, "price_pro_month: it is paid once"),
        (_in_dollars, "The prices are in eur and usd"),
        (_elsewhere, f"No webhook endpoint of the test mode sends to {HOOK}"),
        (_disabled, "it is disabled"),
        (_few_events, "it does not send charge.dispute.closed, "),
        (_too_new, "its API version is 2031-01-01.zebra"),
        (_price_of_the_other_mode, "price_live: there is no such price in the test"),
        (_key_of_another_account, "Stripe refuses the key"),
    ],
)
def test_what_is_wrong_is_named(
    spoil: Callable[..., None],
    problem: str,
    pvt: Pvt,
    till: Till,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    till.add_endpoint(HOOK, ["*"])
    spoil(till=till, monkeypatch=monkeypatch)
    result = pvt("server", "billing", "check")
    assert result.code == 5
    assert problem in result.err
    assert SECRET_KEY not in result.err


def test_stripe_that_is_down_cannot_be_checked(pvt: Pvt, till: Till) -> None:
    till.is_down = True
    assert pvt("server", "billing", "check").code == 6


def test_a_server_without_a_key_has_nothing_to_check(
    pvt: Pvt, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PROMPTVAULT_SERVER_STRIPE_SECRET_KEY")
    pvt.ok("server", "user", "add", EMAIL)
    for command in ("check", f"link {EMAIL} cus_1", "reconcile"):
        result = pvt("server", "billing", *command.split())
        assert result.code == 3
        assert "This server sells nothing." in result.err


@pytest.mark.usefixtures("server")
def test_a_customer_is_linked_and_looked_at(pvt: Pvt, buyer: Buyer, till: Till) -> None:
    buyer.pay()  # no event is delivered
    assert buyer.billing()["tier"] == "free"
    found = pvt.ok("server", "billing", "reconcile", EMAIL, "--json").json
    assert (found["tier"], found["why"]) == ("pro", "subscription")
    assert pvt.ok("server", "billing", "reconcile", "--json").json == {"customers": 1}
    (customer,) = till.books.all("customer")
    pvt.ok("server", "user", "add", "bob@example.org")
    bob = ("server", "billing", "link", "bob@example.org")
    assert pvt(*bob, customer["id"]).code == 5
    assert pvt(*bob, "cus_none").code == 3
    assert pvt("server", "billing", "reconcile", "bob@example.org").code == 3


def test_a_customer_that_was_made_at_stripe_is_linked(
    pvt: Pvt, till: Till, connection: psycopg.Connection[Any]
) -> None:
    pvt.ok("server", "user", "add", EMAIL)
    customer = till.books.add_customer({"email": EMAIL})
    linked = pvt.ok("server", "billing", "link", EMAIL, customer["id"])
    assert linked.err == f"{EMAIL} is on free.\n"
    again = pvt.ok("server", "billing", "link", EMAIL, customer["id"], "--json").json
    assert (again["tier"], again["why"]) == ("free", "none")
    stored = connection.execute("SELECT customer FROM billing_customers").fetchall()
    assert stored == [(customer["id"],)]


@pytest.mark.usefixtures("server")
def test_a_gift_ends_and_what_is_paid_stays(pvt: Pvt, buyer: Buyer) -> None:
    gift = ("server", "tier", EMAIL, "enterprise", "--until", "2999-01-01", "--json")
    assert pvt.ok(*gift).json["tier"] == "enterprise"
    buyer.pay()
    pvt.ok("server", "billing", "reconcile", EMAIL)
    note = pvt.ok("server", "tier", EMAIL, "free").err
    assert "is on pro" in note
    assert "The user pays for this plan." in note
    assert pvt("server", "tier", EMAIL, "free", "--until", "2999-01-01").code == 2
    assert pvt("server", "tier", EMAIL, "pro", "--until", "2020-01-01").code == 2


def test_dead_jobs_of_one_customer_are_tried_again(
    pvt: Pvt, connection: psycopg.Connection[Any]
) -> None:
    for attempts, dead in ((78, "now()"), (78, "now()"), (0, "NULL")):
        connection.execute(
            "INSERT INTO jobs (kind, payload, attempts, dead_at) VALUES ('reconcile',"
            f' \'{{"customer": "cus_1"}}\', {attempts}, {dead})'.encode()
        )
    assert len(pvt.ok("server", "jobs", "retry", "--dead", "--json").json["jobs"]) == 2
