"""Sign-in by a provider: the browser that began is signed in, to the right account."""

import base64
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import psycopg
import pytest
from pydantic import SecretStr

from promptvault.domain.tier import Tier
from promptvault.server.admin import Admin
from tests.server.browser import Browser
from tests.server.conftest import EMAIL, Server
from tests.server.oidc.conftest import StartFor
from tests.server.oidc.provider import Provider
from tests.server.oidc.test_token import refused, sign_in

Users = Callable[[], list[tuple[str, str | None]]]


@pytest.fixture
def users(database_url: str) -> Users:
    """Return a function that reads the address and the subject of each user."""

    def read() -> list[tuple[str, str | None]]:
        with psycopg.connect(database_url) as connection:
            return connection.execute(
                "SELECT email, subject FROM users"
                " LEFT JOIN identities ON user_id = id ORDER BY email"
            ).fetchall()

    return read


@pytest.fixture
def change(database_url: str) -> Callable[[str], None]:
    """Return a function that changes the database while the server runs."""

    def run(statement: str) -> None:
        with psycopg.connect(database_url) as connection:
            connection.execute(statement)

    return run


@pytest.fixture
def stranger(oidc_server: Server) -> Iterator[Browser]:
    """Return a second browser."""
    with oidc_server.client() as client:
        yield Browser(client)


def _way_back(browser: Browser) -> str:
    """Sign in at the provider, and return the URL to which it redirects."""
    there = browser.client.get("/signin/provider").headers["location"]
    return str(browser.client.get(there).headers["location"])


def test_the_button_leads_to_the_provider(browser: Browser) -> None:
    page = browser.open("/signin?user_code=BCDF-GHJK").text
    assert "Sign in with Example &amp; Co</a>" in page
    assert 'href="/signin/provider?user_code=BCDF-GHJK"' in page
    answer = browser.client.get("/signin/provider")
    query = parse_qs(urlsplit(answer.headers["location"]).query)
    assert query["code_challenge_method"] == ["S256"]
    assert query["scope"] == ["openid email"]
    assert len(query["state"][0]) >= 32
    assert len(query["nonce"][0]) >= 32


def test_without_a_provider_there_is_no_button(visitor: httpx.Client) -> None:
    assert "Sign in with" not in visitor.get("/signin").text
    for path in ("/signin/provider", "/signin/callback?state=x&code=y"):
        assert visitor.get(path).status_code == 404


def test_a_code_comes_along_through_the_provider(browser: Browser) -> None:
    browser.open("/signin/provider?user_code=bcdfghjk")
    assert browser.page.url.path == "/device"
    assert "BCDF-GHJK" in browser.page.text


def test_a_sign_in_for_a_device_without_a_code_leads_to_its_page(
    browser: Browser,
) -> None:
    page = browser.open("/device")
    assert page.url.query == b"to=device"
    link = 'href="/signin/provider?to=device"'
    assert link in page.text
    assert browser.open("/signin/provider?to=device").url.path == "/device"


def test_the_target_of_a_sign_in_cannot_be_changed_on_the_way(browser: Browser) -> None:
    back = urlsplit(_way_back(browser))
    query = parse_qs(back.query)
    changed = {"state": f"{query['state'][0]}.device", "code": query["code"][0]}
    assert browser.open(f"{back.path}?{urlencode(changed)}").status_code == 401


@pytest.mark.parametrize(
    "target", ["https://evil.example", "//evil.example", "\r\nX: y"]
)
def test_no_target_leads_to_another_site(browser: Browser, target: str) -> None:
    query = httpx.QueryParams(dict.fromkeys(("user_code", "next", "to"), target))
    there = browser.client.get(f"/signin/provider?{query}").headers["location"]
    back = browser.client.get(there).headers["location"]
    assert browser.client.get(back).headers["location"] == "/account"


class TestConfirming:
    """Dangerous actions require another sign-in at the provider."""

    def _open(self, browser: Browser) -> httpx.Response:
        return browser.open("/account/delete")

    def test_leads_through_the_provider_and_back(self, browser: Browser) -> None:
        sign_in(browser)
        page = self._open(browser)
        assert (page.url.path, page.url.query) == ("/confirm", b"to=account/delete")
        link = "/signin/provider?to=account/delete"
        assert f'href="{link}"' in page.text
        there = browser.client.get(link).headers["location"]
        query = parse_qs(urlsplit(there).query)
        assert (query["prompt"], query["max_age"]) == (["login"], ["0"])
        assert browser.open(link).url.path == "/account/delete"
        assert "Your account is deleted" in browser.send().text

    def test_a_sign_in_from_before_does_not_count(
        self, browser: Browser, provider: Provider
    ) -> None:
        provider.claims["auth_time"] = int(time.time()) - 3600
        assert sign_in(browser) == 200
        answer = browser.open("/signin/provider?to=account/delete")
        assert answer.status_code == 401
        assert "has not asked you" in answer.text
        assert self._open(browser).url.path == "/confirm"

    def test_a_recent_sign_in_counts(
        self, browser: Browser, provider: Provider
    ) -> None:
        provider.claims["auth_time"] = int(time.time()) - 5
        answer = browser.open("/signin/provider?to=account/delete")
        assert answer.url.path == "/account/delete"

    def test_an_ordinary_sign_in_asks_for_no_password(self, browser: Browser) -> None:
        there = browser.client.get("/signin/provider").headers["location"]
        assert "prompt" not in parse_qs(urlsplit(there).query)


def test_a_second_sign_in_is_the_same_user(browser: Browser, users: Users) -> None:
    for _ in range(2):
        assert sign_in(browser) == 200
        browser.client.cookies.clear()
    assert users() == [(EMAIL, "user-1")]


def test_a_subject_is_known_by_another_address_too(
    browser: Browser, provider: Provider, users: Users
) -> None:
    assert sign_in(browser) == 200
    provider.claims = {"email": "new@example.org", "email_verified": False}
    assert sign_in(browser) == 200
    assert users() == [(EMAIL, "user-1")]


def test_the_session_is_a_new_one(browser: Browser, stranger: Browser) -> None:
    browser.open("/signin")
    before = browser.client.cookies["promptvault"]
    sign_in(browser)
    assert browser.client.cookies["promptvault"] != before
    stranger.client.cookies.set("promptvault", before)
    assert stranger.open("/device").url.path == "/signin"


def test_another_browser_cannot_end_what_this_one_began(
    browser: Browser, stranger: Browser
) -> None:
    """Otherwise an attacker could sign other users in to the attacker's account."""
    back = _way_back(browser)
    stranger.open("/signin")
    assert stranger.open(back).status_code == 401
    assert refused(stranger)
    assert browser.open(back).url.path == "/account"  # nothing was consumed


def test_the_way_back_is_good_once(browser: Browser, provider: Provider) -> None:
    back = _way_back(browser)
    assert browser.open(back).status_code == 200
    browser.open("/signout")
    browser.send()
    assert browser.open(back).status_code == 401
    assert refused(browser)
    assert provider.asked["/token"] == 1


@pytest.mark.parametrize("state", ["", "state=", "state=made-up", "state=%00"])
def test_a_state_that_is_not_known_is_refused(
    browser: Browser, provider: Provider, state: str
) -> None:
    browser.client.get("/signin/provider")
    assert browser.open(f"/signin/callback?code=x&{state}").status_code == 401
    assert provider.asked["/token"] == 0


def test_an_expired_sign_in_is_refused(
    browser: Browser, change: Callable[[str], None]
) -> None:
    back = _way_back(browser)
    change("UPDATE provider_sign_ins SET expires_at = now()")
    assert browser.open(back).status_code == 401


@pytest.mark.parametrize("query", ["error=access_denied", "code=made-up", "code="])
def test_what_the_provider_did_not_say_is_refused(browser: Browser, query: str) -> None:
    state = parse_qs(urlsplit(_way_back(browser)).query)["state"][0]
    browser.open(f"/signin/callback?state={state}&{query}")
    assert browser.page.status_code == 401
    assert refused(browser)


def test_the_answer_of_another_provider_is_refused(
    browser: Browser, provider: Provider
) -> None:
    back = _way_back(browser)
    assert browser.open(f"{back}&iss=https://evil.example").status_code == 401
    assert browser.open(f"{_way_back(browser)}&iss={provider.url}").status_code == 200


@pytest.mark.parametrize("methods", [None, ["client_secret_basic"]])
def test_a_secret_goes_into_the_header(
    start_for: StartFor, provider: Provider, methods: list[str] | None
) -> None:
    if methods:
        provider.document = {"token_endpoint_auth_methods_supported": methods}
    server = start_for(provider.url, oidc_client_secret=SecretStr("a:b /é"))
    with server.client() as client:
        assert sign_in(Browser(client)) == 200
    kind, pair = provider.forms[0]["from"].split()
    assert kind == "Basic"
    assert base64.b64decode(pair) == b"promptvault:a%3Ab+%2F%C3%A9"
    assert "client_secret" not in provider.forms[0]


def test_a_secret_goes_into_the_form_if_the_provider_says_so(
    start_for: StartFor, provider: Provider
) -> None:
    methods = ["client_secret_post"]
    provider.document = {"token_endpoint_auth_methods_supported": methods}
    server = start_for(provider.url, oidc_client_secret=SecretStr("a:b /é"))
    with server.client() as client:
        assert sign_in(Browser(client)) == 200
    assert provider.forms[0]["client_secret"] == "a:b /é"
    assert provider.forms[0]["from"] == ""


class TestAnAccountWithThatAddress:
    def test_that_was_verified_is_theirs(
        self, browser: Browser, users: Users, change: Callable[[str], None]
    ) -> None:
        browser.sign_up(EMAIL.upper())
        change("UPDATE users SET email_verified_at = now()")
        assert sign_in(browser) == 200
        assert users() == [(EMAIL, "user-1")]

    def test_that_was_not_verified_is_not(
        self, browser: Browser, stranger: Browser, users: Users
    ) -> None:
        """It may have been made by another person."""
        stranger.sign_up(EMAIL)
        assert sign_in(browser) == 409
        assert refused(browser)
        assert users() == [(EMAIL, None)]

    def test_that_the_provider_has_not_verified_is_not(
        self,
        browser: Browser,
        provider: Provider,
        users: Users,
        change: Callable[[str], None],
    ) -> None:
        browser.sign_up(EMAIL)
        browser.client.cookies.clear()
        change("UPDATE users SET email_verified_at = now()")
        for claim in (False, None, "false", 1, "True"):
            provider.claims = {"email_verified": claim}
            assert sign_in(browser) == 403
        assert users() == [(EMAIL, None)]

    def test_that_belongs_to_another_subject_is_not(
        self, browser: Browser, provider: Provider, users: Users
    ) -> None:
        """An address may be given to another person; the account keeps its user."""
        assert sign_in(browser) == 200
        browser.client.cookies.clear()
        provider.claims = {"sub": "user-2"}
        assert sign_in(browser) == 409
        assert users() == [(EMAIL, "user-1")]

    def test_that_the_operator_made_is_theirs(
        self, browser: Browser, admin: Admin, users: Users
    ) -> None:
        admin.add_user(EMAIL, Tier.PRO)
        assert sign_in(browser) == 200
        assert users() == [(EMAIL, "user-1")]
        (user,) = admin.users()
        assert user.plan == "pro"


def test_if_sign_up_is_closed_only_users_sign_in(
    start_for: StartFor,
    provider: Provider,
    admin: Admin,
    users: Users,
) -> None:
    server = start_for(provider.url, sign_up="closed")
    with server.client() as client:
        browser = Browser(client)
        assert sign_in(browser) == 403
        assert "takes no new accounts" in browser.page.text
        assert users() == []
        admin.add_user(EMAIL, Tier.FREE)
        assert sign_in(browser) == 200
        assert "Sign up" not in Browser(client).open("/signin").text


def test_two_at_once_make_one_account(
    oidc_server: Server, users: Users, provider: Provider
) -> None:
    def run(_: int) -> int:
        with oidc_server.client() as client:
            return sign_in(Browser(client))

    with ThreadPoolExecutor(6) as threads:
        assert [*threads.map(run, range(6))] == [200] * 6
    assert users() == [(EMAIL, "user-1")]
