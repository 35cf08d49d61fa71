"""Guesses of a password do not lock out its user."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from promptvault.domain.tier import Tier
from promptvault.server.admin import Admin
from promptvault.server.http.address import client_network
from promptvault.server.limit.rule import SIGN_IN_BY_EMAIL
from tests.server.browser import PASSWORD, Browser
from tests.server.conftest import EMAIL, Server
from tests.server.limit.test_service import _request

HOME, CAFE, MOBILE = "192.0.2.7", "192.0.2.200", "203.0.113.5"
"""Addresses of the owner: the second is in the first one's network, the third is not.
"""


@pytest.fixture
def browser(start_server: Callable[..., Server], admin: Admin) -> Iterator[Browser]:
    """Return a browser whose address is in a header; the account has a password."""
    admin.add_user(EMAIL, Tier.FREE, PASSWORD)
    with start_server(trusted_proxies=1).client() as client:
        yield Browser(client)


def _sign_in(browser: Browser, address: str, password: str = PASSWORD) -> int:
    """Sign in from an address; return 200 on success."""
    browser.client.cookies.clear()
    browser.client.headers["X-Forwarded-For"] = address
    return browser.sign_in(EMAIL, password).status_code


def _use_up(database_url: str) -> None:
    """Use up the limit of the address itself, as thousands of guesses would."""
    with psycopg.connect(database_url) as connection:
        done = connection.execute(
            "UPDATE rate_limits SET tokens = 0, updated_at = now()"
            " WHERE key ~ '^sign_in:[0-9a-f]{64}$'"
        )
        assert done.rowcount == 1


def test_guesses_from_one_network_keep_no_other_network_out(browser: Browser) -> None:
    guesses = [_sign_in(browser, f"198.51.100.{n}", "wrong one") for n in range(11)]
    assert guesses == [401] * 10 + [429]
    assert _sign_in(browser, "198.51.100.99") == 429
    assert _sign_in(browser, HOME) == 200


def test_guesses_from_many_networks_run_out(
    browser: Browser, database_url: str
) -> None:
    for number in range(3):
        assert _sign_in(browser, f"198.51.{number}.1", "wrong one") == 401
    with psycopg.connect(database_url) as connection:
        ((left,),) = connection.execute(
            "SELECT tokens FROM rate_limits WHERE key ~ '^sign_in:[0-9a-f]{64}$'"
        ).fetchall()
    assert SIGN_IN_BY_EMAIL.burst - 3 <= left < SIGN_IN_BY_EMAIL.burst - 2
    _use_up(database_url)
    assert _sign_in(browser, "198.51.200.1", "wrong one") == 429
    assert _sign_in(browser, "198.51.201.1") == 429  # right or wrong


def test_the_user_gets_in_from_a_known_network(
    browser: Browser, database_url: str
) -> None:
    assert _sign_in(browser, HOME) == 200
    _sign_in(browser, "198.51.100.1", "wrong one")
    _use_up(database_url)
    assert _sign_in(browser, MOBILE) == 429
    assert _sign_in(browser, HOME) == 200
    assert _sign_in(browser, CAFE) == 200


def test_a_known_network_is_no_place_to_guess(
    browser: Browser, database_url: str
) -> None:
    assert _sign_in(browser, HOME) == 200
    guesses = [_sign_in(browser, f"192.0.2.{n}", "wrong one") for n in range(10)]
    assert guesses == [401] * 9 + [429]


def test_a_wrong_password_makes_no_network_known(
    browser: Browser, database_url: str
) -> None:
    _sign_in(browser, HOME, "wrong one")
    with psycopg.connect(database_url) as connection:
        assert connection.execute("SELECT 1 FROM known_networks").fetchall() == []


def test_a_network_is_stored_as_a_hash_and_forgotten(
    browser: Browser, database_url: str, admin: Admin
) -> None:
    _sign_in(browser, HOME)
    with psycopg.connect(database_url, autocommit=True) as connection:
        rows = connection.execute("SELECT k::text FROM known_networks k").fetchall()
        assert "192.0.2" not in str(rows)
        later = datetime.now(UTC) + timedelta(days=181)
        admin.purge(later)
        assert connection.execute("SELECT 1 FROM known_networks").fetchall() == []


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.0/24"),
        ("::ffff:192.0.2.7", "192.0.2.0/24"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("nonsense", "unknown"),
    ],
)
def test_what_a_network_is(address: str, network: str) -> None:
    assert client_network(_request(address), 0) == network
