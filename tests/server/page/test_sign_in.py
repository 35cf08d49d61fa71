"""Sign up, sign in, sign out: what is accepted, refused and kept secret."""

import asyncio
from collections.abc import Callable

import httpx
import psycopg
import pytest

from promptvault.domain.tier import Tier
from promptvault.server.admin import Admin
from promptvault.server.password import (
    checked_password,
    hash_password,
    verify_password,
)
from tests.server.browser import PASSWORD, Browser, fields_of
from tests.server.conftest import EMAIL, SECRET, Server

FORMS = [
    *("/signup", "/signin", "/signout", "/verify", "/device", "/device/decision"),
    *("/reset", "/reset/password", "/account/devices", "/account/sessions"),
    *("/account/password", "/account/delete", "/account/keep"),
]

HIDDEN = {"form_proof", "user_code", "token", "to", "username", "device_id"}
"""Fields that users do not fill in."""


def test_sign_up_sign_out_sign_in(browser: Browser, database_url: str) -> None:
    assert browser.sign_up(EMAIL).url.path == "/device"
    assert EMAIL in browser.page.text
    browser.open("/signout")
    assert browser.send().url.path == "/signin"
    assert browser.open("/device").url.path == "/signin"
    assert browser.sign_in(f" {EMAIL.upper()} ").url.path == "/account"
    with psycopg.connect(database_url) as connection:
        (row,) = connection.execute("SELECT u::text FROM users u").fetchall()
        stored = connection.execute("SELECT s::text FROM sessions s").fetchall()
    assert "$argon2id$" in row[0]
    assert PASSWORD not in row[0]
    assert browser.client.cookies["promptvault"] not in str(stored)


def test_an_unknown_address_and_a_wrong_password_look_the_same(
    browser: Browser, admin: Admin
) -> None:
    browser.sign_up(EMAIL)
    admin.add_user("bob@example.org", Tier.FREE)  # a user without a password
    pages = []
    for email in (EMAIL, "bob@example.org", "eve@example.org"):
        browser.client.cookies.clear()
        browser.sign_in(email, "not the password")
        assert browser.page.status_code == 401
        proof = fields_of(browser.page.text)["form_proof"]
        pages.append(browser.page.text.replace(email, "").replace(proof, ""))
    assert pages[0] == pages[1] == pages[2]


@pytest.mark.parametrize("proof", [None, "", "0" * 64, "é", "of another browser"])
def test_a_form_from_elsewhere_is_refused(
    browser: Browser, server: Server, proof: str | None
) -> None:
    browser.sign_up(EMAIL)
    if proof == "of another browser":
        with server.client() as other:
            proof = fields_of(other.get("/signin").text)["form_proof"]
    data = {} if proof is None else {"form_proof": proof}
    for path in FORMS:
        answer = browser.client.post(path, data=data)
        assert answer.status_code == 403, path
        assert "text/html" in answer.headers["content-type"], path
        signed_in = browser.open("/device").url.path == "/device"
        assert signed_in, path


def test_a_form_without_a_cookie_is_refused(browser: Browser) -> None:
    proof = fields_of(browser.open("/signin").text)["form_proof"]
    browser.client.cookies.clear()
    data = {"form_proof": proof, "email": EMAIL, "password": PASSWORD}
    assert browser.client.post("/signin", data=data).status_code == 403


@pytest.mark.parametrize(
    ("site", "status"),
    [("same-origin", 401), ("cross-site", 403), ("same-site", 403)],
)
def test_what_the_browser_says_of_a_form_counts(
    browser: Browser, site: str, status: int
) -> None:
    browser.client.headers["Sec-Fetch-Site"] = site
    assert browser.sign_in(EMAIL).status_code == status


def test_a_session_is_not_the_one_from_before(browser: Browser, server: Server) -> None:
    """A planted or older cookie does not identify the new session."""
    planted = "planted-by-somebody-else"
    browser.client.cookies.set("promptvault", planted, domain="127.0.0.1")
    browser.sign_up(EMAIL)
    first = browser.client.cookies["promptvault"]
    assert first != planted
    browser.sign_in(EMAIL)
    second = browser.client.cookies["promptvault"]
    for cookie, path in ((planted, "/signin"), (first, "/signin"), (second, "/device")):
        with server.client() as other:
            other.cookies.set("promptvault", cookie)
            assert Browser(other).open("/device").url.path == path


def test_a_session_ends(browser: Browser, database_url: str) -> None:
    browser.sign_up(EMAIL)
    with psycopg.connect(database_url) as connection:
        connection.execute("UPDATE sessions SET expires_at = now()")
    assert browser.open("/device").url.path == "/signin"


@pytest.mark.parametrize(
    "target",
    ["https://evil.example", "//evil.example", "/\\evil.example", "\r\nX: y", "..//e"],
)
def test_no_target_leads_to_another_site(browser: Browser, target: str) -> None:
    names = ("next", "user_code", "redirect", "return_to", "to")
    query = str(httpx.QueryParams(dict.fromkeys(names, target)))
    for path in ("/device", "/signin", "/signup", "/verify"):
        answer = browser.client.get(f"{path}?{query}")
        place = answer.headers.get("location", "/signin")
        assert place.partition("?")[0] == "/signin"
        assert "evil" not in place
    browser.open(f"/signup?{query}")
    proof = fields_of(browser.page.text)["form_proof"]
    data = dict.fromkeys(names, target) | {"form_proof": proof}
    data |= {"email": EMAIL, "password": PASSWORD}
    for path in ("/signup", "/signin"):
        answer = browser.client.post(path, data=data)
        assert answer.headers["location"] in {"/device", "/account"}
        data["form_proof"] = fields_of(browser.open("/device").text)["form_proof"]


def test_a_code_comes_along_through_sign_in(browser: Browser) -> None:
    browser.open("/device?user_code=bcdf-ghjk")
    assert browser.page.url.path == "/signin"
    browser.page = browser.client.get("/signup?user_code=BCDF-GHJK")
    browser.send(email=EMAIL, password=PASSWORD)
    assert fields_of(browser.page.text)["user_code"] == "BCDF-GHJK"


@pytest.mark.parametrize(
    "password", ["", "short", "aaaaaaaaaaaa", "abababababab", EMAIL, "x" * 201]
)
def test_weak_passwords_are_refused(
    browser: Browser, database_url: str, password: str
) -> None:
    assert browser.sign_up(EMAIL, password).status_code == 422
    assert 'role="alert"' in browser.page.text
    with psycopg.connect(database_url) as connection:
        assert connection.execute("SELECT count(*) FROM users").fetchone() == (0,)


@pytest.mark.parametrize("email", ["", "ada", "a@b@c", "x" * 300 + "@example.org"])
def test_what_is_no_address_is_refused(browser: Browser, email: str) -> None:
    assert browser.sign_up(email).status_code == 422


def test_an_address_is_taken_once(browser: Browser) -> None:
    browser.sign_up(EMAIL)
    browser.client.cookies.clear()
    assert browser.sign_up(EMAIL.upper(), "another password").status_code == 409
    assert browser.sign_in(EMAIL, "another password").status_code == 401


def test_an_account_of_the_operator_cannot_be_taken_by_a_sign_up(
    browser: Browser, admin: Admin
) -> None:
    admin.add_user(EMAIL, Tier.PRO)
    assert browser.sign_up(EMAIL).status_code == 409


def test_passwords_cannot_be_guessed(
    browser: Browser, start_server: Callable[..., Server]
) -> None:
    """By one visitor; and by many with different addresses."""
    browser.sign_up(EMAIL)
    browser.client.cookies.clear()
    proxied = start_server(trusted_proxies=1)
    with proxied.client() as client:
        other = Browser(client)
        statuses = []
        for number in range(11):
            client.headers["X-Forwarded-For"] = f"198.51.100.{number}"
            statuses.append(other.sign_in(EMAIL, "wrong password").status_code)
        assert statuses == [401] * 10 + [429]
        assert int(other.page.headers["retry-after"]) >= 1
        assert other.sign_in(EMAIL).status_code == 429  # the right one is refused, too
        assert other.sign_in("bob@example.org").status_code == 401


def test_every_answer_has_its_headers(browser: Browser) -> None:
    for path in ("/signin", "/device", "/v1/me", "/healthz", "/nowhere"):
        headers = browser.client.get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert headers["x-content-type-options"] == "nosniff"
        if not path.startswith("/v1/"):
            assert headers["referrer-policy"] == "no-referrer"
        assert headers["cache-control"] == "no-store"
        assert "strict-transport-security" not in headers


def test_pages_have_no_script_and_no_style_of_their_own(browser: Browser) -> None:
    browser.sign_up(EMAIL)
    for path in (
        *("/", "/signin", "/signup", "/signout", "/verify?token=x", "/device"),
        *("/reset", "/account", "/account/password", "/account/delete"),
    ):
        page = browser.open(path).text
        assert "<script" not in page
        assert "style=" not in page
        assert page.count("<h1>") == 1
        assert '<html lang="en">' in page
        for name in fields_of(page).keys() - HIDDEN:
            assert f'<label for="{name}">' in page
    for path in ("/pages/style.css", "/pages/icon.svg"):
        assert browser.client.get(path).status_code == 200


def test_the_cookie_is_closed(browser: Browser) -> None:
    cookie = browser.client.get("/signin").headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie


def test_by_https_the_cookie_is_for_this_host_alone(
    start_server: Callable[..., Server],
) -> None:
    server = start_server()
    server.app.state.settings = server.settings.model_copy(
        update={"public_url": "https://vault.example.org"}
    )
    with server.client() as client:
        cookie = client.get("/signin").headers["set-cookie"]
    assert cookie.startswith("__Host-promptvault=")
    assert "Secure" in cookie
    assert "Path=/" in cookie
    assert "Domain" not in cookie


def test_an_invalid_decision_is_reported_on_a_page(browser: Browser) -> None:
    browser.sign_up(EMAIL)
    proof = fields_of(browser.page.text)["form_proof"]
    data = {"form_proof": proof, "decision": "perhaps", "user_code": "BCDF-GHJK"}
    answer = browser.client.post("/device/decision", data=data)
    assert answer.status_code == 422
    assert "<h1>" in answer.text
    assert SECRET not in answer.text


def test_a_password_is_the_same_on_every_keyboard() -> None:
    async def run() -> tuple[bool, bool, bool]:
        hashed = await hash_password(checked_password("caf\u00e9 au lait", EMAIL))
        assert "$m=65536,t=3,p=4$" in hashed  # other tests hash faster
        return (
            await verify_password(hashed, "cafe\u0301 au lait"),
            await verify_password(hashed, "cafe au lait"),
            await verify_password(None, "cafe au lait"),
        )

    assert asyncio.run(run()) == (True, False, False)


@pytest.mark.parametrize("text", ["\0", "\ud7ff\uffff", "x" * 5000, "'; --", "%s"])
def test_whatever_is_typed_is_answered(browser: Browser, text: str) -> None:
    assert browser.sign_in(text, text).status_code == 401
    assert browser.sign_up(text, text).status_code == 422
    browser.open(f"/verify?{httpx.QueryParams(token=text)}")
    assert browser.send(password=text).status_code == 422
    browser.sign_up(EMAIL)
    assert browser.send(user_code=text).status_code == 404
    data = {"form_proof": fields_of(browser.page.text)["form_proof"]}
    data |= {"user_code": text, "decision": "approved"}
    assert browser.client.post("/device/decision", data=data).status_code == 404
