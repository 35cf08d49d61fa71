"""Somebody deletes their own account, and thinks again, or not."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from promptvault.domain.tier import Tier
from promptvault.server.admin import Admin
from tests.server.browser import PASSWORD, Browser
from tests.server.conftest import EMAIL, Server
from tests.server.test_sign_up_mail import MailServer, free_port, mail

__all__ = ["free_port", "mail"]

Rows = Callable[[str], list[Any]]


@pytest.fixture
def rows(database_url: str) -> Rows:
    """Return what reads and changes the database."""

    def run(query: str) -> list[Any]:
        with psycopg.connect(database_url) as connection:
            cursor = connection.execute(query.encode())
            return cursor.fetchall() if cursor.description else []

    return run


@pytest.fixture
def browser(server: Server) -> Iterator[Browser]:
    """Return a browser in which somebody has just signed up."""
    with server.client() as client:
        browser = Browser(client)
        browser.sign_up(EMAIL)
        yield browser


def _delete(browser: Browser) -> str:
    """Delete the account and return the path of the link that brings it back."""
    browser.open("/account/delete")
    browser.send(password=PASSWORD)
    assert "Your account is deleted" in browser.page.text, browser.page.text
    return browser.page.text.partition("/account/keep")[2].partition('"')[0]


def test_it_is_signed_out_everywhere_and_erased_when_its_grace_is_over(
    browser: Browser, admin: Admin, rows: Rows
) -> None:
    token = admin.issue_token(EMAIL, "machine")
    _delete(browser)
    headers = {"Authorization": f"Bearer {token}"}
    assert browser.client.get("/v1/me", headers=headers).status_code == 401
    assert browser.open("/account").url.path == "/signin"
    assert browser.send(email=EMAIL, password=PASSWORD).status_code == 401
    now = datetime.now(UTC)
    assert admin.purge(now + timedelta(days=29)).users == 0
    assert admin.purge(now + timedelta(days=31)).users == 1
    for table in ("users", "accounts", "vaults", "account_links", "known_networks"):
        assert rows(f"SELECT 1 FROM {table}") == []


def test_until_then_it_comes_back_as_it_was(browser: Browser, rows: Rows) -> None:
    path = "/account/keep" + _delete(browser)
    assert EMAIL in browser.open(path).text
    assert rows("SELECT 1 FROM users WHERE deleted_at IS NULL") == []  # only looked at
    assert "Your account is back" in browser.send().text
    assert browser.sign_in(EMAIL).url.path == "/account"
    assert rows("SELECT deleted_at FROM accounts") == [(None,)]
    assert rows("SELECT deleted_at, erase_at FROM users") == [(None, None)]


def test_the_link_is_good_once_and_lets_nobody_in(browser: Browser) -> None:
    path = "/account/keep" + _delete(browser)
    browser.open(path)
    browser.send()
    assert browser.open("/account").url.path == "/signin"
    assert browser.open(path).status_code == 422


def test_an_address_that_somebody_took_is_not_taken_back(
    browser: Browser, admin: Admin, rows: Rows
) -> None:
    path = "/account/keep" + _delete(browser)
    admin.add_user(EMAIL, Tier.FREE)
    browser.open(path)
    assert browser.send().status_code == 409
    assert rows("SELECT count(*) FROM users WHERE deleted_at IS NULL") == [(1,)]
    assert rows("SELECT count(*) FROM account_links WHERE purpose LIKE '%keep'") == [
        (1,)
    ]


@pytest.mark.parametrize("password", ["", "wrong password"])
def test_without_the_password_nothing_is_deleted(
    browser: Browser, rows: Rows, password: str
) -> None:
    browser.open("/account/delete")
    assert browser.send(password=password).status_code == 401
    assert rows("SELECT deleted_at FROM users") == [(None,)]


def test_who_has_no_password_must_have_signed_in_just_now(
    browser: Browser, rows: Rows
) -> None:
    rows("UPDATE users SET password_hash = NULL")
    rows("UPDATE sessions SET created_at = now() - interval '11 minutes'")
    browser.open("/account/delete")
    assert browser.send().status_code == 401
    assert rows("SELECT deleted_at FROM users") == [(None,)]
    rows("UPDATE sessions SET created_at = now() - interval '9 minutes'")
    browser.open("/account/delete")
    assert "Your account is deleted" in browser.send().text


def test_the_link_comes_by_mail_too(
    start_server: Callable[..., Server],
    mail: MailServer,
    admin: Admin,
) -> None:
    admin.add_user(EMAIL, Tier.FREE, PASSWORD)
    changes = {"smtp_host": "127.0.0.1", "smtp_port": mail.port}
    with start_server(smtp_security="none", **changes).client() as client:
        browser = Browser(client)
        browser.sign_in(EMAIL)
        _delete(browser)
        browser.open(mail.wait_for_link())
        assert "Your account is back" in browser.send().text


def test_without_grace_there_is_no_way_back(
    start_server: Callable[..., Server], admin: Admin
) -> None:
    with start_server(grace_days=0).client() as client:
        browser = Browser(client)
        browser.sign_up(EMAIL)
        browser.open("/account/delete")
        assert "/account/keep" not in browser.send(password=PASSWORD).text
    assert admin.purge(datetime.now(UTC)).users == 1
