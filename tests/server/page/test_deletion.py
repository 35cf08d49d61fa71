"""A user deletes the account, and may undo it."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from promptvault.domain.tier import Tier
from promptvault.server.admin import Admin
from tests.server.browser import PASSWORD, Browser
from tests.server.conftest import EMAIL, Server
from tests.server.mail_server import MailServer

Rows = Callable[[str], list[Any]]


@pytest.fixture
def rows(database_url: str) -> Rows:
    """Return what reads and changes the database."""

    def run(query: str) -> list[Any]:
        with psycopg.connect(database_url) as connection:
            cursor = connection.execute(query.encode())
            return cursor.fetchall() if cursor.description else []

    return run


def _delete(browser: Browser) -> str:
    """Delete the account and return the path of the link that brings it back."""
    browser.open("/account/delete")
    browser.send(password=PASSWORD)
    assert "Your account is deleted" in browser.page.text, browser.page.text
    return browser.page.text.partition("/account/keep")[2].partition('"')[0]


def test_it_is_signed_out_everywhere_and_erased_when_its_grace_is_over(
    signed_up: Browser, admin: Admin, rows: Rows
) -> None:
    token = admin.issue_token(EMAIL, "machine")
    _delete(signed_up)
    headers = {"Authorization": f"Bearer {token}"}
    assert signed_up.client.get("/v1/me", headers=headers).status_code == 401
    assert signed_up.open("/account").url.path == "/signin"
    assert signed_up.send(email=EMAIL, password=PASSWORD).status_code == 401
    now = datetime.now(UTC)
    assert admin.purge(now + timedelta(days=29)).users == 0
    assert admin.purge(now + timedelta(days=31)).users == 1
    for table in ("users", "accounts", "vaults", "account_links", "known_networks"):
        assert rows(f"SELECT 1 FROM {table}") == []


def test_until_then_it_comes_back_as_it_was(signed_up: Browser, rows: Rows) -> None:
    path = "/account/keep" + _delete(signed_up)
    assert EMAIL in signed_up.open(path).text
    assert rows("SELECT 1 FROM users WHERE deleted_at IS NULL") == []  # only viewed
    assert "Your account is back" in signed_up.send().text
    assert signed_up.sign_in(EMAIL).url.path == "/account"
    assert rows("SELECT deleted_at FROM accounts") == [(None,)]
    assert rows("SELECT deleted_at, erase_at FROM users") == [(None, None)]


def test_the_link_works_once_and_signs_no_one_in(signed_up: Browser) -> None:
    path = "/account/keep" + _delete(signed_up)
    signed_up.open(path)
    signed_up.send()
    assert signed_up.open("/account").url.path == "/signin"
    assert signed_up.open(path).status_code == 422


def test_an_address_that_was_taken_is_not_taken_back(
    signed_up: Browser, admin: Admin, rows: Rows
) -> None:
    path = "/account/keep" + _delete(signed_up)
    admin.add_user(EMAIL, Tier.FREE)
    signed_up.open(path)
    assert signed_up.send().status_code == 409
    assert rows("SELECT count(*) FROM users WHERE deleted_at IS NULL") == [(1,)]
    assert rows("SELECT count(*) FROM account_links WHERE purpose LIKE '%keep'") == [
        (1,)
    ]


@pytest.mark.parametrize("password", ["", "wrong password"])
def test_without_the_password_nothing_is_deleted(
    signed_up: Browser, rows: Rows, password: str
) -> None:
    signed_up.open("/account/delete")
    assert signed_up.send(password=password).status_code == 401
    assert rows("SELECT deleted_at FROM users") == [(None,)]


def test_who_has_no_password_must_have_signed_in_just_now(
    signed_up: Browser, rows: Rows
) -> None:
    rows("UPDATE users SET password_hash = NULL")
    signed_up.open("/account/delete")
    rows("UPDATE sessions SET confirmed_at = now() - interval '11 minutes'")
    assert signed_up.send().status_code == 401
    assert signed_up.open("/account/delete").url.path == "/confirm"
    assert rows("SELECT deleted_at FROM users") == [(None,)]
    rows("UPDATE sessions SET confirmed_at = now() - interval '9 minutes'")
    signed_up.open("/account/delete")
    assert "Your account is deleted" in signed_up.send().text


def test_the_link_comes_by_mail_too(
    start_server: Callable[..., Server],
    mail: MailServer,
    admin: Admin,
) -> None:
    admin.add_user(EMAIL, Tier.FREE, PASSWORD)
    changes = {"smtp_host": "127.0.0.1", "smtp_port": mail.port}
    with start_server(smtp_security="none", **changes).client() as client:
        signed_up = Browser(client)
        signed_up.sign_in(EMAIL)
        _delete(signed_up)
        signed_up.open(mail.wait_for_link())
        assert "Your account is back" in signed_up.send().text


def test_without_grace_there_is_no_way_back(
    start_server: Callable[..., Server], admin: Admin
) -> None:
    with start_server(grace_days=0).client() as client:
        signed_up = Browser(client)
        signed_up.sign_up(EMAIL)
        signed_up.open("/account/delete")
        assert "/account/keep" not in signed_up.send(password=PASSWORD).text
    assert admin.purge(datetime.now(UTC)).users == 1
