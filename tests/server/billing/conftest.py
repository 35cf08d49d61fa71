"""A server that sells plans at the stand-in for Stripe."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import psycopg
import pytest

from promptvault.domain.tier import Tier
from promptvault.server.admin import Admin
from promptvault.server.billing.settings import BillingSettings
from tests.server.conftest import EMAIL, Server
from tests.server.mail_server import MailServer
from tests.sync.waiting import eventually
from tests.till.app import Till
from tests.till.replayer import Courier, Replayer
from tests.till.running import running
from tests.till.selling import SECRET, selling


@pytest.fixture
def till() -> Iterator[Till]:
    """Return a stand-in whose events go nowhere yet."""
    with running(Till()) as started:
        yield started


@pytest.fixture
def sold(till: Till) -> BillingSettings:
    """Return settings with which plans are sold at the stand-in."""
    return BillingSettings.model_validate(selling(till.address))


@pytest.fixture
def server(start_server: Callable[..., Server], sold: BillingSettings) -> Server:
    """Return a server that sells plans."""
    return start_server(**dict(sold))


@pytest.fixture
def idle_server(
    start_server: Callable[..., Server], sold: BillingSettings, mail: MailServer
) -> Server:
    """Return a server that sells plans, and does no jobs."""
    mailing = {
        "smtp_host": "127.0.0.1",
        "smtp_port": mail.port,
        "smtp_security": "none",
    }
    return start_server(**dict(sold), **mailing, jobs="off")


@pytest.fixture
def replayer(server: Server) -> Replayer:
    """Return what delivers events to the server."""
    return Replayer(f"{server.url}/v1/webhooks/stripe", SECRET)


@pytest.fixture
def courier(till: Till, replayer: Replayer) -> Iterator[Courier]:
    """Deliver each event at once."""
    started = Courier(replayer)
    till.books.on_event = started.send
    yield started
    started.stop()


@pytest.fixture
def token(admin: Admin) -> str:
    """Return a token of a new user with the free plan, which may manage billing."""
    admin.add_user(EMAIL, Tier.FREE)
    return admin.issue_token(EMAIL, "test", manage=True)


@dataclass
class Buyer:
    """A person with an account, and what the stand-in knows of it."""

    client: httpx.Client
    till: Till

    def billing(self) -> dict[str, Any]:
        """Return what the account pays for."""
        found: dict[str, Any] = self.client.get("/v1/billing").json()
        return found

    def checkout(self, plan: str = "pro", interval: str = "month") -> httpx.Response:
        """Ask for a page to pay."""
        body = {"plan": plan, "interval": interval}
        return self.client.post("/v1/billing/checkout", json=body)

    def pay(self, plan: str = "pro", action: str = "pay") -> httpx.Response:
        """Buy a plan on such a page."""
        return httpx.post(self.checkout(plan).json()["url"], data={"action": action})

    def manage(self, action: str, **more: str) -> None:
        """Do something in the portal."""
        url = self.client.post("/v1/billing/portal").json()["url"]
        answer = httpx.post(url, data={"action": action, **more})
        assert answer.status_code == 303, answer.text

    def waits_for(self, tier: str) -> None:
        """Wait until the account has a tier."""
        eventually(lambda: self.billing()["tier"] == tier)


@pytest.fixture
def buyer(client: httpx.Client, till: Till) -> Buyer:
    """Return a user on the free plan."""
    return Buyer(client, till)


@pytest.fixture
def connection(database_url: str) -> Iterator[psycopg.Connection[Any]]:
    """Return a connection to the server's database."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        yield connection
