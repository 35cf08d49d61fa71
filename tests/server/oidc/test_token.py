"""ID tokens with any invalid part sign no user in."""

import hashlib
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from promptvault.server.oidc.provider import Provider as Client
from tests.server.browser import Browser
from tests.server.conftest import EMAIL, Server
from tests.server.oidc.conftest import FIRST, StartFor
from tests.server.oidc.provider import (
    CLIENT_ID,
    DISCOVERY,
    JWKS,
    Claims,
    Provider,
    ec_key,
    encoded,
    hashed_with,
    rsa_key,
    unsigned,
)

FUTURE = 4_000_000_000
OTHER = rsa_key("other")


def public_pem() -> bytes:
    """Return the provider's public key in PEM."""
    assert isinstance(FIRST.private, rsa.RSAPrivateKey)
    return FIRST.private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def sign_in(browser: Browser) -> int:
    """Sign in by the provider, and return the status of the last page."""
    return browser.open("/signin/provider").status_code


def refused(browser: Browser) -> bool:
    """Return True if the last page shows an error, and the browser is not signed in."""
    is_shown = 'role="alert"' in browser.page.text and "<h1>" in browser.page.text
    return is_shown and browser.open("/device").url.path == "/signin"


@pytest.mark.parametrize(
    "claims",
    [
        {},
        {"azp": CLIENT_ID},
        {"aud": [CLIENT_ID]},
        {"aud": [CLIENT_ID, "another"], "azp": CLIENT_ID},
        {"email_verified": "true"},
        {"nbf": 1},
    ],
)
def test_a_good_token_signs_in(
    browser: Browser, provider: Provider, claims: Claims
) -> None:
    provider.claims = claims
    assert sign_in(browser) == 200
    assert browser.page.url.path == "/account"
    assert EMAIL in browser.page.text


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://evil.example"},
        {"iss": None},
        {"aud": "another"},
        {"aud": ["another"]},
        {"aud": [CLIENT_ID, "another"]},
        {"aud": None},
        {"azp": "another"},
        {"azp": ""},
        {"azp": [CLIENT_ID]},
        {"exp": 1},
        {"exp": None},
        {"exp": "soon"},
        {"exp": float("inf")},
        {"nbf": FUTURE},
        {"iat": FUTURE},
        {"iat": None},
        {"nonce": None},
        {"nonce": "another"},
        {"nonce": ["a"]},
        {"nonce": "\ud800"},
        {"sub": None},
        {"sub": ""},
        {"sub": 7},
        {"sub": "x" * 256},
        {"sub": "a\0b"},
    ],
)
def test_a_token_that_says_something_else_is_refused(
    browser: Browser, provider: Provider, claims: Claims
) -> None:
    provider.claims = claims
    assert sign_in(browser) == 401
    assert refused(browser)


SIGNATURES: dict[str, Callable[[Claims], str]] = {
    "none": unsigned,
    "the public key as a secret": hashed_with(public_pem()),
    "the public key as JSON": hashed_with(repr(FIRST.public).encode()),
    "an empty secret": hashed_with(b""),
    "another key under the name of ours": lambda c: OTHER.sign(c, kid="first"),
    "a key that came along": lambda c: OTHER.sign(c, kid="x", jwk=OTHER.public),
    "a key from elsewhere": lambda c: OTHER.sign(c, kid="x", jku="http://evil.example"),
    "no token": lambda c: "made up",
    "claims that were changed": lambda c: _changed(FIRST.sign(c)),
    "claims that are no object": lambda c: _signed(b'"text"'),
}


def _changed(token: str) -> str:
    header, _, signature = token.split(".")
    return ".".join((header, encoded({"sub": "somebody else"}), signature))


def _signed(body: bytes) -> str:
    return f"{encoded({'alg': 'RS256', 'kid': 'first'})}.{encoded(body)}.AAAA"


@pytest.mark.parametrize("way", SIGNATURES)
def test_a_token_that_is_signed_otherwise_is_refused(
    browser: Browser, provider: Provider, way: str
) -> None:
    provider.sign = SIGNATURES[way]
    assert sign_in(browser) == 401
    assert refused(browser)


def test_a_secret_among_the_keys_is_none(browser: Browser, provider: Provider) -> None:
    """Discovery that offers to sign with secrets does not help either."""
    secret = b"known to the provider and to us."
    key = {"kty": "oct", "kid": "first", "k": encoded(secret)}
    provider.keys = [key, FIRST.public | {"kid": "second"}]
    provider.sign = hashed_with(secret)
    assert sign_in(browser) == 401


@pytest.mark.filterwarnings("ignore:The RSA key")
def test_a_key_that_is_too_short_is_refused(
    browser: Browser, provider: Provider
) -> None:
    provider.use(rsa_key("short", 1024))
    assert sign_in(browser) == 401


def test_the_short_kind_of_keys_is_good(browser: Browser, provider: Provider) -> None:
    provider.use(ec_key("curve"))
    assert sign_in(browser) == 200


def test_only_what_discovery_says_is_good(browser: Browser, provider: Provider) -> None:
    provider.document = {"id_token_signing_alg_values_supported": ["RS256"]}
    provider.use(ec_key("curve"))
    assert sign_in(browser) == 401


def test_who_else_a_token_may_be_for_is_the_operators_to_say(
    start_for: StartFor, provider: Provider
) -> None:
    server = start_for(provider.url, oidc_allowed_azp=frozenset({"front", "other"}))
    with server.client() as client:
        browser = Browser(client)
        for azp, status in (("front", 200), ("back", 401)):
            client.cookies.clear()
            provider.claims = {"azp": azp, "aud": [CLIENT_ID, "api"]}
            assert sign_in(browser) == status


def test_an_address_may_stand_elsewhere(browser: Browser, provider: Provider) -> None:
    """A provider with short tokens returns other claims at the userinfo endpoint."""
    provider.claims = {"email": None, "email_verified": None}
    verified = {"email": EMAIL, "email_verified": True}
    provider.user_info = {"sub": "somebody else", **verified}
    assert sign_in(browser) == 401
    provider.user_info = {"sub": "user-1", **verified}
    assert sign_in(browser) == 200


class Clock:
    """A clock that the test sets."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


@pytest.fixture
def clock(oidc_server: Server) -> Clock:
    """Return the clock that decides when cached keys expire."""
    clock = Clock()
    oidc_server.app.state.provider = Client(oidc_server.settings, clock)
    return clock


def test_a_new_key_is_good_at_once(browser: Browser, provider: Provider) -> None:
    assert sign_in(browser) == 200
    provider.use(OTHER)
    assert sign_in(browser) == 200
    assert (provider.asked[JWKS], provider.asked[DISCOVERY]) == (2, 1)


def test_unknown_keys_do_not_cause_requests_without_end(
    browser: Browser, provider: Provider, clock: Clock
) -> None:
    provider.sign = lambda claims: OTHER.sign(claims)  # which is not published
    assert [sign_in(browser) for _ in range(3)] == [401] * 3
    assert provider.asked[JWKS] == 2
    clock.now += 31
    assert sign_in(browser) == 401
    assert provider.asked[JWKS] == 3
    provider.use(OTHER)
    assert sign_in(browser) == 401  # too soon after
    clock.now += 31
    assert sign_in(browser) == 200


def test_what_the_provider_publishes_is_asked_for_every_five_minutes(
    browser: Browser, provider: Provider, clock: Clock
) -> None:
    for seconds, times in ((0, 1), (299, 1), (2, 2), (298, 2), (3, 3)):
        clock.now += seconds
        assert sign_in(browser) == 200
        assert (provider.asked[JWKS], provider.asked[DISCOVERY]) == (times, times)


@pytest.mark.parametrize("path", [JWKS, DISCOVERY])
def test_the_last_good_answer_is_good_while_the_provider_is_down(
    browser: Browser, provider: Provider, clock: Clock, path: str
) -> None:
    assert sign_in(browser) == 200
    provider.failing[path] = 503
    clock.now += 100_000
    assert sign_in(browser) == 200
    assert provider.asked[path] == 2
    clock.now += 29
    assert sign_in(browser) == 200
    assert provider.asked[path] == 2  # after a pause
    provider.failing.clear()
    clock.now += 2
    assert sign_in(browser) == 200
    assert provider.asked[path] == 3


@pytest.mark.parametrize("path", [JWKS, DISCOVERY, "/token"])
@pytest.mark.parametrize("status", [500, 503, 302])
def test_a_provider_that_was_never_up_is_reported(
    browser: Browser, provider: Provider, clock: Clock, path: str, status: int
) -> None:
    provider.failing[path] = status
    assert sign_in(browser) == 503
    assert refused(browser)
    provider.failing.clear()
    clock.now += 31
    assert sign_in(browser) == 200


@pytest.mark.parametrize("path", [JWKS, DISCOVERY])
def test_a_provider_that_is_down_is_asked_by_one_request(
    browser: Browser, provider: Provider, clock: Clock, path: str
) -> None:
    """If the provider hangs, requests would otherwise wait one after the other."""
    provider.failing[path] = 503
    for _ in range(2):
        assert [sign_in(browser) for _ in range(3)] == [503] * 3
        clock.now += 31
    assert provider.asked[path] == 2


def test_a_provider_that_is_gone_is_reported(
    browser: Browser, provider: Provider
) -> None:
    provider.stop()
    assert sign_in(browser) == 503


@pytest.mark.parametrize(
    "document",
    [
        {"issuer": "https://evil.example"},
        {"issuer": None},
        {"id_token_signing_alg_values_supported": ["HS256", "none"]},
        {"token_endpoint": "ftp://127.0.0.1/token"},
        {"jwks_uri": 7},
        {"authorization_endpoint": "javascript:alert(1)"},
    ],
)
def test_false_discovery_is_refused(
    browser: Browser, provider: Provider, document: dict[str, Any]
) -> None:
    provider.document = document
    assert sign_in(browser) == 503
    assert provider.asked.keys() == {DISCOVERY}


def test_a_token_is_in_no_log_and_on_no_page(
    browser: Browser,
    provider: Provider,
    capfd: pytest.CaptureFixture[str],
    database_url: str,
) -> None:
    sent: list[str] = []

    def sign(claims: Claims) -> str:
        sent.append(FIRST.sign(claims))
        return sent[-1]

    provider.sign = sign
    assert sign_in(browser) == 200
    provider.claims = {"aud": "another"}
    assert sign_in(browser) == 401
    told = browser.page.text + capfd.readouterr().err
    assert "InvalidAudienceError" in told
    code, verifier = provider.forms[-1]["code"], provider.forms[-1]["code_verifier"]
    with psycopg.connect(database_url) as connection:
        told += str(connection.execute("SELECT * FROM provider_sign_ins").fetchall())
    for secret in (*sent, code, verifier, hashlib.sha256(b"").hexdigest()):
        assert secret not in told
