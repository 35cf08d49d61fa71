"""Each deliberate bug is found, by a life of the simulator or by a test."""

import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from uuid import UUID

import pytest
from pydantic import SecretStr

from promptvault.domain.tier import Tier
from promptvault.server.admin import Admin
from promptvault.server.billing import service, webhook
from promptvault.server.billing.plan import grant
from promptvault.server.billing.reconcile import STRIPE
from promptvault.server.billing.repository import BillingRepository
from promptvault.server.billing.settings import BillingSettings
from promptvault.server.billing.stripe_client import FetchedSubscription, Stripe
from promptvault.server.billing.stripe_client import customer_of as _customer_of
from promptvault.server.database import Connection
from tests.server.billing.race import look_while_an_older_answer_is_late
from tests.server.billing.simulate import simulate
from tests.server.browser import Browser
from tests.server.conftest import Server
from tests.server.mail_server import MailServer
from tests.till.app import Till
from tests.till.replayer import header
from tests.till.selling import SECRET

Patch = pytest.MonkeyPatch
_replace = BillingRepository.replace


def _believe_payloads(patch: Patch) -> None:
    """Take each subscription as the event that has come last shows it."""
    shown: dict[str, Any] = {}

    def customer_of(event: Mapping[str, Any]) -> str | None:
        found = event["data"]["object"]
        if found["object"] == "subscription":
            shown[found["id"]] = found
        return _customer_of(event)

    async def subscriptions(_: Stripe, customer: str) -> list[FetchedSubscription]:
        return [
            FetchedSubscription.model_validate(each | {"latest_invoice": None})
            for each in shown.values()
            if each["customer"] == customer
        ]

    patch.setattr(webhook, "customer_of", customer_of)
    patch.setattr(Stripe, "subscriptions", subscriptions)


def _believe_types(patch: Patch) -> None:
    """Take a subscription as ended if the event that has come last says so."""
    last: dict[str, str] = {}
    fetch = Stripe.subscriptions

    def customer_of(event: Mapping[str, Any]) -> str | None:
        customer = _customer_of(event)
        if customer and event["type"].startswith("customer.subscription."):
            last[customer] = event["type"]
        return customer

    async def subscriptions(self: Stripe, customer: str) -> list[FetchedSubscription]:
        found = await fetch(self, customer)
        is_ended = last.get(customer, "").endswith("deleted")
        status = "canceled" if is_ended else "active"
        return [each.model_copy(update={"status": status}) for each in found]

    patch.setattr(webhook, "customer_of", customer_of)
    patch.setattr(Stripe, "subscriptions", subscriptions)


def _ignore_cancel_at(patch: Patch) -> None:
    async def replace(
        self: BillingRepository, account: Any, found: list[FetchedSubscription]
    ) -> list[str]:
        kept = [each.model_copy(update={"cancel_at": None}) for each in found]
        return await _replace(self, account, kept)

    patch.setattr(BillingRepository, "replace", replace)


def _read_its_period(patch: Patch) -> None:
    patch.setattr(
        FetchedSubscription,
        "period_end",
        property(lambda self: getattr(self, "current_period_end", None)),
    )


class Lived(NamedTuple):
    """A bug that the simulator finds."""

    name: str
    apply: Callable[[Patch], None]


_SEEDS = 8
LIVED = (
    Lived("the payload of an event is believed", _believe_payloads),
    Lived("the last event decides", _believe_types),
    Lived("cancel_at is ignored", _ignore_cancel_at),
    Lived("the period is that of the subscription", _read_its_period),
)


@pytest.mark.parametrize("mutant", LIVED, ids=lambda mutant: mutant.name)
def test_a_life_finds(
    mutant: Lived,
    idle_server: Server,
    till: Till,
    mail: MailServer,
    monkeypatch: Patch,
) -> None:
    mutant.apply(monkeypatch)

    def live() -> None:
        for seed in range(_SEEDS):
            simulate(idle_server, till, mail, seed, rest_after=4)

    with pytest.raises(AssertionError):
        live()


def test_no_lock_of_the_customer_is_found(
    idle_server: Server, till: Till, token: str, monkeypatch: Patch
) -> None:
    async def lock(self: BillingRepository, customer: str) -> Any:
        query = "SELECT account_id, customer, reconciled_at FROM billing_customers"
        return await self._customer(f"{query} WHERE customer = %s", customer)

    monkeypatch.setattr(BillingRepository, "lock", lock)
    assert look_while_an_older_answer_is_late(idle_server, till, token) == "pro"


def test_an_empty_secret_is_found(
    start_server: Callable[..., Server],
    sold: BillingSettings,
    monkeypatch: Patch,
) -> None:
    def is_signed(body: bytes, signature: str, settings: BillingSettings) -> bool:
        secret = settings.stripe_webhook_secret
        assert secret
        timestamp = int(signature.partition(",")[0].removeprefix("t="))
        secrets = secret.get_secret_value().split(",")
        return signature in {header(body, [each], timestamp) for each in secrets}

    ends_with_comma = {"stripe_webhook_secret": SecretStr(f"{SECRET},")}
    server = start_server(**dict(sold.model_copy(update=ends_with_comma)))
    assert not takes_an_empty_secret(server)
    monkeypatch.setattr(webhook, "is_signed", is_signed)
    assert takes_an_empty_secret(server)


def test_a_plan_that_a_page_gives_is_found(
    signed_up: Browser, admin: Admin, sold: BillingSettings, monkeypatch: Patch
) -> None:
    async def look_again(connection: Connection, account_id: UUID) -> None:
        await grant(connection, sold, account_id, STRIPE, Tier.PRO)

    monkeypatch.setattr(service, "look_again", look_again)
    signed_up.open("/billing/done?session_id=cs_test_1")
    assert [each.plan for each in admin.users()] == ["pro"]


def takes_an_empty_secret(server: Server) -> bool:
    """Return True if an event is taken that is signed with an empty secret."""
    body = b'{"id": "evt_1", "type": "x", "livemode": false, "data": {}}'
    signature = {"Stripe-Signature": header(body, [""], int(time.time()))}
    with server.client() as client:
        path = "/v1/webhooks/stripe"
        answer = client.post(path, content=body, headers=signature)
    return answer.status_code == 204
