"""The account page: what it shows, signs out, changes and downloads."""

import json
from collections.abc import Callable
from uuid import uuid4

import httpx
import psycopg
import pytest

from promptvault.domain.tier import Tier
from promptvault.server.admin import Admin
from promptvault.server.session.visitor import browser_name
from promptvault.wire.device_code import CLIENT_ID, GRANT_TYPE
from tests.server.browser import PASSWORD, Browser, fields_of
from tests.server.conftest import EMAIL, FIREFOX, Server
from tests.server.sync.conftest import new

OTHER = "another good password"
SAFARI = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15"
    " (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1"
)
EDGE = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0"
)


def _let_in(browser: Browser, label: str) -> str:
    """Approve a device and return its token."""
    wish = {"client_id": CLIENT_ID, "device_label": label, "device_os": "Linux 6"}
    codes = browser.client.post("/v1/device/code", data=wish).json()
    browser.open(f"/device?user_code={codes['user_code']}")
    browser.send()
    browser.send(decision="approved")
    data = {"client_id": CLIENT_ID, "grant_type": GRANT_TYPE}
    data |= {"device_code": codes["device_code"]}
    token: str = browser.client.post("/v1/device/token", data=data).json()[
        "access_token"
    ]
    return token


def _status(browser: Browser, token: str) -> int:
    headers = {"Authorization": f"Bearer {token}"}
    return browser.client.get("/v1/me", headers=headers).status_code


def _push(browser: Browser, token: str) -> None:
    browser.client.headers["Authorization"] = f"Bearer {token}"
    vault = browser.client.get("/v1/me").json()["vaults"][0]["id"]
    body = {"id": vault, "push": [new("Say hello.")]}
    sent = {"proto": 1, "device": str(uuid4()), "vaults": [body]}
    assert browser.client.post("/v1/sync", json=sent).status_code == 200
    del browser.client.headers["Authorization"]


def test_a_sign_in_leads_back_to_it(
    signed_up: Browser, open_browser: Callable[[], Browser]
) -> None:
    stranger = open_browser()
    assert stranger.open("/account").url.path == "/signin"
    assert stranger.send(email=EMAIL, password=PASSWORD).url.path == "/account"
    assert open_browser().open("/device").url.query == b"to=device"


def test_a_sign_in_for_a_device_leads_to_its_page(
    signed_up: Browser, open_browser: Callable[[], Browser]
) -> None:
    other = open_browser()
    other.open("/device")
    assert other.send(email=EMAIL, password="wrong").status_code == 401
    assert other.send(email=EMAIL, password=PASSWORD).url.path == "/device"


def test_it_shows_who_and_what_is_used(signed_up: Browser) -> None:
    _push(signed_up, _let_in(signed_up, "analytical"))
    shown = signed_up.open("/account").text
    assert f"<dd>{EMAIL}</dd>" in shown
    assert "<dd>free</dd>" in shown
    assert "<dd>1 of 50</dd>" in shown
    assert "analytical" in shown
    assert "Firefox on Linux" in shown
    assert "this one" in shown


def test_a_tier_without_a_limit_has_none(signed_up: Browser, admin: Admin) -> None:
    admin.set_tier(EMAIL, Tier.PRO)
    assert "<dd>0</dd>" in signed_up.open("/account").text


def test_a_device_is_signed_out(signed_up: Browser) -> None:
    first, second = _let_in(signed_up, "first"), _let_in(signed_up, "second")
    signed_up.open("/account")
    assert signed_up.send().url.path == "/account"  # the most recently used one
    assert "It is signed out." in signed_up.page.text
    assert sorted([_status(signed_up, first), _status(signed_up, second)]) == [200, 401]


def test_a_token_of_a_machine_is_signed_out(signed_up: Browser, admin: Admin) -> None:
    token = admin.issue_token(EMAIL, "build")
    assert "build" in signed_up.open("/account").text
    signed_up.send()
    assert _status(signed_up, token) == 401
    assert "build" not in signed_up.page.text


def test_another_browser_is_signed_out(
    signed_up: Browser, open_browser: Callable[[], Browser]
) -> None:
    other = open_browser()
    other.client.headers["User-Agent"] = SAFARI
    other.sign_in(EMAIL)
    assert "Safari on iPhone" in signed_up.open("/account").text
    signed_up.send()
    assert "Safari on iPhone" not in signed_up.page.text
    assert other.open("/account").url.path == "/signin"
    assert signed_up.open("/account").url.path == "/account"


def test_signing_out_what_belongs_to_another_user_changes_nothing(
    signed_up: Browser, open_browser: Callable[[], Browser], database_url: str
) -> None:
    token = _let_in(signed_up, "mine")
    eve = open_browser()
    eve.sign_up("eve@example.org")
    with psycopg.connect(database_url) as connection:
        (device,) = connection.execute("SELECT id FROM devices").fetchall()[0]
        (session,) = connection.execute(
            "SELECT s.id FROM sessions s JOIN users u ON u.id = user_id"
            " WHERE email = %s",
            (EMAIL,),
        ).fetchall()[0]
    data = {"form_proof": fields_of(eve.open("/account/password").text)["form_proof"]}
    eve.client.post("/account/devices", data={**data, "device_id": str(device)})
    eve.client.post("/account/sessions", data={**data, "session_id": str(session)})
    assert _status(signed_up, token) == 200
    assert signed_up.open("/account").url.path == "/account"


def test_another_password_ends_other_sessions_and_no_device(
    signed_up: Browser, open_browser: Callable[[], Browser]
) -> None:
    token = _let_in(signed_up, "analytical")
    other = open_browser()
    other.sign_in(EMAIL)
    before = signed_up.client.cookies["promptvault"]
    signed_up.open("/account/password")
    signed_up.send(password=PASSWORD, new_password=OTHER)
    assert signed_up.page.url.path == "/account"
    assert "Your password is changed" in signed_up.page.text
    assert signed_up.client.cookies["promptvault"] != before
    assert other.open("/account").url.path == "/signin"
    assert other.send(email=EMAIL, password=PASSWORD).status_code == 401
    assert other.send(email=EMAIL, password=OTHER).url.path == "/account"
    assert _status(signed_up, token) == 200


@pytest.mark.parametrize(
    ("password", "new_password", "status"),
    [("wrong password", OTHER, 401), (PASSWORD, "short", 422), ("", "", 401)],
)
def test_a_password_is_not_changed_by_chance(
    signed_up: Browser, password: str, new_password: str, status: int
) -> None:
    signed_up.open("/account/password")
    sent = signed_up.send(password=password, new_password=new_password)
    assert sent.status_code == status
    assert 'role="alert"' in sent.text
    assert signed_up.sign_in(EMAIL).url.path == "/account"


def test_a_password_cannot_be_guessed_in_a_session(
    signed_up: Browser, start_server: Callable[..., Server]
) -> None:
    """Whatever addresses the guesses come from."""
    with start_server(trusted_proxies=1).client() as client:
        client.cookies = signed_up.client.cookies
        thief, statuses = Browser(client), []
        for number in range(11):
            client.headers["X-Forwarded-For"] = f"198.51.{number}.1"
            page = "password" if number % 2 else "delete"
            thief.open(f"/account/{page}")
            statuses.append(thief.send(password="wrong password").status_code)
    assert statuses == [401] * 10 + [429]


def test_everything_can_be_downloaded(signed_up: Browser) -> None:
    _push(signed_up, _let_in(signed_up, "analytical"))
    answer = signed_up.client.get("/account/export")
    assert "attachment" in answer.headers["content-disposition"]
    (row,) = json.loads(answer.text)
    assert row["body"] == "Say hello."


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        (FIREFOX, "Firefox on Linux"),
        (SAFARI, "Safari on iPhone"),
        (EDGE, "Edge on Windows"),
        ("curl/8.14", ""),
        ("<script>alert(1)</script>", ""),
    ],
)
def test_a_browser_has_a_readable_name(agent: str, name: str) -> None:
    assert browser_name(agent) == name


class TestStart:
    def test_says_what_this_is(self, visitor: httpx.Client, server: Server) -> None:
        page = visitor.get("/")
        assert page.status_code == 200
        assert f"--server</span> {server.url}" in page.text
        assert 'href="/signup"' in page.text

    def test_offers_no_sign_up_if_it_is_closed(
        self, start_server: Callable[..., Server]
    ) -> None:
        with start_server(sign_up="closed").client() as client:
            assert 'href="/signup"' not in client.get("/").text


class TestNothing:
    @pytest.mark.parametrize("method", ["GET", "POST"])
    def test_is_reported_on_a_page_to_a_browser(
        self, visitor: httpx.Client, method: str
    ) -> None:
        answer = visitor.request(method, "/nowhere", headers={"Accept": "text/html"})
        assert answer.status_code == 404
        assert "<h1>There is nothing here</h1>" in answer.text

    @pytest.mark.parametrize("path", ["/nowhere", "/v1/nowhere"])
    def test_is_reported_in_json_to_a_program(
        self, visitor: httpx.Client, path: str
    ) -> None:
        accept = "text/html" if path.startswith("/v1") else "*/*"
        answer = visitor.get(path, headers={"Accept": accept})
        assert answer.status_code == 404
        assert answer.json()["error"]["code"] == "not_found"


class TestHead:
    @pytest.mark.parametrize(
        "path", ["/", "/signin", "/healthz", "/pages/style.css", "/v1/openapi.json"]
    )
    def test_is_what_get_says_without_the_body(
        self, visitor: httpx.Client, path: str
    ) -> None:
        head, get = visitor.head(path), visitor.get(path)
        assert (head.status_code, head.content) == (200, b"")
        for name in ("content-type", "content-length", "content-security-policy"):
            assert head.headers[name] == get.headers[name], name

    def test_of_what_is_protected_asks_for_a_token(
        self, visitor: httpx.Client, client: httpx.Client
    ) -> None:
        assert visitor.head("/v1/me").status_code == 401
        assert client.head("/v1/me").status_code == 200

    @pytest.mark.parametrize("path", ["/v1/events", "/v1/me/export"])
    def test_of_what_is_long_ends(self, client: httpx.Client, path: str) -> None:
        assert client.head(path).status_code == 200
        assert client.get("/v1/me").status_code == 200  # on the same connection

    def test_is_not_allowed_if_get_is_not(self, client: httpx.Client) -> None:
        assert client.head("/v1/sync").status_code == 405
