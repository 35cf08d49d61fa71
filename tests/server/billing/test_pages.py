"""The pages of the plan, from one of ours to Stripe's and back."""

from typing import Any

import httpx
import psycopg

from promptvault.server.admin import Admin
from tests.server.browser import Browser
from tests.server.conftest import EMAIL
from tests.sync.waiting import eventually
from tests.till.app import Till
from tests.till.replayer import Courier


def test_a_plan_is_bought_on_pages(
    signed_up: Browser, till: Till, courier: Courier
) -> None:
    page = signed_up.open("/billing")
    assert "9.00 EUR a month" in page.text
    policy = page.headers["content-security-policy"]
    assert "form-action 'self' https://checkout.stripe.com" in policy
    assert till.address in policy
    checkout = signed_up.send()
    assert str(checkout.url).startswith(f"{till.address}/pay/")
    paid = httpx.post(checkout.url, data={"action": "pay"})
    back = paid.headers["location"]
    eventually(lambda: "Renews" in signed_up.open(back).text)
    assert EMAIL in signed_up.page.text


def test_a_payment_that_is_not_there_yet_is_waited_for(
    signed_up: Browser, admin: Admin
) -> None:
    page = signed_up.open("/billing/done?session_id=cs_test_1")
    assert page.headers["refresh"] == "2;url=/billing/done?look=1"
    assert "refresh" not in signed_up.open("/billing/done?look=10").headers
    assert [each.plan for each in admin.users()] == ["free"]


def test_only_that_page_lets_forms_go_elsewhere(signed_up: Browser) -> None:
    policy = signed_up.open("/account").headers["content-security-policy"]
    assert "form-action 'self';" in policy


def test_other_accounts_have_plans_of_their_own(
    signed_up: Browser, till: Till, courier: Courier
) -> None:
    signed_up.open("/billing")
    httpx.post(signed_up.send().url, data={"action": "pay"})
    signed_up.client.cookies.clear()
    signed_up.sign_up("bob@example.org")
    assert "Renews" not in signed_up.open("/billing").text


def test_a_failed_payment_is_on_every_page_until_it_is_made(
    signed_up: Browser, connection: psycopg.Connection[Any]
) -> None:
    connection.execute(
        "UPDATE accounts SET plan_notice = 'pay_by', prompt_count = 3000,"
        " plan_notice_at = '2031-03-05 12:00Z'"
    )
    banner = '<a href="/billing">Update the card</a> before'
    for path in ("/account", "/device"):
        assert banner in signed_up.open(path).text
    plan = signed_up.open("/billing").text
    assert banner not in plan
    assert "Update the card before 5 March 2031" in plan
    assert "2,950 more than the plan allows" in plan
    connection.execute("UPDATE accounts SET plan_notice = NULL")
    assert banner not in signed_up.open("/account").text


def test_who_deletes_the_account_learns_that_the_subscription_ends(
    signed_up: Browser,
) -> None:
    page = signed_up.open("/account/delete")
    assert "A subscription ends at once as well, and is not restored." in page.text
