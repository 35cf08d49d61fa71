"""A server without sign-up; only its operator creates accounts."""

from collections.abc import Callable, Iterator

import pytest

from promptvault.domain.tier import Tier
from promptvault.server.admin import Admin
from tests.server.browser import PASSWORD, Browser, fields_of
from tests.server.conftest import EMAIL, Server
from tests.server.mail_server import MailServer


@pytest.fixture
def browser(start_server: Callable[..., Server]) -> Iterator[Browser]:
    """Return a browser that is not signed in."""
    with start_server(sign_up="closed").client() as client:
        yield Browser(client)


@pytest.fixture
def mailed(start_server: Callable[..., Server], mail: MailServer) -> Iterator[Browser]:
    """Return a browser, for a server that sends mail."""
    changes = {"smtp_host": "127.0.0.1", "smtp_port": mail.port}
    server = start_server(sign_up="closed", smtp_security="none", **changes)
    with server.client() as client:
        yield Browser(client)


def test_sign_up_is_refused(browser: Browser, admin: Admin) -> None:
    assert browser.open("/signup").status_code == 403
    assert "takes no new accounts" in browser.page.text
    proof = fields_of(browser.open("/signin").text)["form_proof"]
    assert "/signup" not in browser.page.text
    data = {"form_proof": proof, "email": EMAIL, "password": PASSWORD}
    assert browser.client.post("/signup", data=data).status_code == 403
    assert admin.users() == []


def test_a_user_gets_a_password_by_mail(
    mailed: Browser, mail: MailServer, admin: Admin
) -> None:
    admin.add_user(EMAIL, Tier.FREE)
    assert "/signup" not in mailed.open("/signin").text
    mailed.open("/reset")
    mailed.send(email=EMAIL)
    mailed.open(mail.wait_for_link())
    assert mailed.send(password=PASSWORD).url.path == "/account"


def test_sign_up_by_mail_is_refused(
    mailed: Browser, mail: MailServer, admin: Admin
) -> None:
    proof = fields_of(mailed.open("/signin").text)["form_proof"]
    data = {"form_proof": proof, "email": EMAIL, "password": PASSWORD}
    assert mailed.client.post("/signup", data=data).status_code == 403
    assert mail.mails == []
    assert admin.users() == []
