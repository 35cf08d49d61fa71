"""Sign-in with a real provider: from the button to an approved device."""

from urllib.parse import urljoin

import httpx
import psycopg
from pydantic import SecretStr

from tests.server.browser import Browser
from tests.server.conftest import EMAIL
from tests.server.oidc.conftest import StartFor

SECRET = {"oidc_client_secret": SecretStr("of the client")}


def _sign_in(browser: Browser, subject: str) -> httpx.Response:
    """Press the button, fill in the provider's form, and follow redirects."""
    browser.open("/signin?user_code=BCDF-GHJK")
    assert "Sign in with" in browser.page.text
    form = browser.open("/signin/provider?user_code=BCDF-GHJK")
    assert "Authorize Client" in form.text
    address = urljoin(str(form.url), form.url.raw_path.decode())
    browser.page = browser.client.post(
        address, data={"sub": subject}, follow_redirects=True
    )
    return browser.page


def test_a_sign_in_leads_to_the_device(
    start_for: StartFor, mock_provider: str, database_url: str
) -> None:
    with start_for(mock_provider, **SECRET).client() as client:
        browser = Browser(client)
        assert _sign_in(browser, "ada").url.path == "/device"
        assert EMAIL in browser.page.text
        assert "BCDF-GHJK" in browser.page.text
        browser.open("/signout")
        browser.send()
        assert _sign_in(browser, "ada").url.path == "/device"
    with psycopg.connect(database_url) as connection:
        users = connection.execute(
            "SELECT email, email_verified_at IS NULL FROM users"
        ).fetchall()
    assert users == [(EMAIL, False)]


def test_an_address_that_is_not_verified_gets_no_account(
    start_for: StartFor, mock_provider: str, database_url: str
) -> None:
    with start_for(mock_provider, **SECRET).client() as client:
        assert _sign_in(Browser(client), "eve").status_code == 403
        assert Browser(client).open("/device").url.path == "/signin"
    with psycopg.connect(database_url) as connection:
        assert connection.execute("SELECT 1 FROM users").fetchall() == []


def test_who_says_no_there_is_not_signed_in_here(
    start_for: StartFor, mock_provider: str
) -> None:
    with start_for(mock_provider, **SECRET).client() as client:
        browser = Browser(client)
        form = browser.open("/signin/provider")
        browser.page = browser.client.post(
            str(form.url), data={"action": "deny"}, follow_redirects=True
        )
        assert browser.page.url.path == "/signin/callback"
        assert browser.page.status_code == 401
        assert "start over" in browser.page.text
