"""Whatever people buy and deliveries do, plans are in the end what Stripe says."""

import pytest

from tests.server.billing.simulate import simulate
from tests.server.conftest import Server
from tests.server.mail_server import MailServer
from tests.till.app import Till


@pytest.mark.parametrize("seed", range(4))
def test_plans_are_what_stripe_says(
    idle_server: Server, till: Till, mail: MailServer, seed: int
) -> None:
    simulate(idle_server, till, mail, seed)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(100, 300))
def test_plans_are_what_stripe_says_for_long(
    idle_server: Server, till: Till, mail: MailServer, seed: int
) -> None:
    simulate(idle_server, till, mail, seed, steps=120)
