"""Dangerous actions require users to sign in again."""

from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from tests.server.browser import PASSWORD, Browser
from tests.server.conftest import EMAIL

TARGET = "teams/acme/delete"


@pytest.fixture
def confirmed(database_url: str) -> Callable[[str], Any]:
    """Return a function that sets the time of the last sign-in, and returns the old."""

    def run(time: str) -> Any:
        with psycopg.connect(database_url) as connection:
            row = connection.execute(
                "SELECT confirmed_at > now() - interval '1 minute' FROM sessions"
            ).fetchone()
            connection.execute(f"UPDATE sessions SET confirmed_at = {time}".encode())
        return row and row[0]

    return run


def test_a_sign_in_is_a_proof(
    signed_up: Browser, confirmed: Callable[[str], Any]
) -> None:
    assert confirmed("NULL") is True
    signed_up.sign_in(EMAIL)
    assert confirmed("NULL") is True


def test_the_password_is_a_proof_for_the_page_that_asked(
    signed_up: Browser, confirmed: Callable[[str], Any]
) -> None:
    confirmed("NULL")
    signed_up.open(f"/confirm?to={TARGET}")
    assert signed_up.send(password="not the password").status_code == 401
    assert "This is not your password." in signed_up.page.text
    assert confirmed("NULL") is None
    assert signed_up.send(password=PASSWORD).url.path == f"/{TARGET}"
    assert confirmed("NULL") is True


@pytest.mark.parametrize(
    "target",
    [
        *("", "device/x", "https://evil.example", "//evil.example", "account"),
        *("teams/acme/rename", "teams/../account/delete", "teams/acme/delete?a=b"),
        "teams/acme/delete\n",
    ],
)
def test_no_other_page_is_opened(signed_up: Browser, target: str) -> None:
    signed_up.client.get("/confirm", params={"to": target})
    signed_up.open("/confirm")
    answer = signed_up.send(password=PASSWORD, to=target)
    assert answer.url.path == "/account"


def test_who_has_no_password_and_no_provider_learns_what_to_do(
    signed_up: Browser, database_url: str
) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute("UPDATE users SET password_hash = NULL")
    page = signed_up.open(f"/confirm?to={TARGET}").text
    assert "this account has none" in page
    assert signed_up.client.post("/confirm").status_code == 403


def test_who_is_not_signed_in_signs_in_first(browser: Browser) -> None:
    assert browser.open(f"/confirm?to={TARGET}").url.path == "/signin"
