"""Sign-up with mail, against a real SMTP server on a socket."""

from collections.abc import Callable

import httpx
import psycopg
import pytest

from promptvault.domain.tier import Tier
from promptvault.server.admin import Admin
from promptvault.wire.device_code import CLIENT_ID, GRANT_TYPE
from tests.server.browser import PASSWORD, Browser
from tests.server.conftest import EMAIL, Server
from tests.server.mail_server import MailServer
from tests.sync.waiting import eventually

OTHER = "another good password"
DEVICE = {"client_id": CLIENT_ID}
LABELS = {"device_label": "laptop", "device_os": "Linux"}


@pytest.fixture
def server(start_server: Callable[..., Server], mail: MailServer) -> Server:
    """Return a server that sends mail."""
    return start_server(
        smtp_host="127.0.0.1", smtp_port=mail.port, smtp_security="none"
    )


def _users(database_url: str) -> list[tuple[str, bool]]:
    with psycopg.connect(database_url) as connection:
        return connection.execute(
            "SELECT email, email_verified_at IS NOT NULL FROM users"
        ).fetchall()


def test_an_account_is_made_once_the_mail_is_answered(
    browser: Browser, mail: MailServer, database_url: str
) -> None:
    browser.open("/signup?user_code=BCDF-GHJK")
    assert EMAIL in browser.send(email=EMAIL, password=PASSWORD).text
    assert _users(database_url) == []
    assert browser.sign_in(EMAIL).status_code == 401
    link = mail.wait_for_link()
    (recipients, _message) = mail.mails[0]
    assert recipients == [EMAIL]
    browser.open(link)
    assert _users(database_url) == []  # opening it confirms nothing
    browser.send(password=PASSWORD)
    assert browser.page.url.path == "/device"
    assert "BCDF-GHJK" in browser.page.text
    assert _users(database_url) == [(EMAIL, True)]
    browser.open(mail.link())
    assert browser.send(password=PASSWORD).status_code == 422  # used


def test_neither_who_reads_the_mail_nor_who_chose_gets_in_alone(
    browser: Browser, mail: MailServer, database_url: str
) -> None:
    """Another person signs up with the address, before and after its owner."""
    links: list[str] = []
    for password in (OTHER, PASSWORD, OTHER):
        browser.sign_up(EMAIL, password)
        links.append(mail.wait_for_link(len(links) + 1))
    for at in (0, 2):
        browser.open(links[at])
        assert browser.send(password=PASSWORD).status_code == 401
    assert _users(database_url) == []
    browser.open(links[1])
    assert browser.send(password=PASSWORD).url.path == "/device"
    browser.client.cookies.clear()
    assert browser.sign_in(EMAIL, OTHER).status_code == 401


def test_who_has_an_account_cannot_be_found_out(
    browser: Browser, mail: MailServer, admin: Admin
) -> None:
    admin.add_user(EMAIL, Tier.PRO)
    pages = [
        browser.sign_up(email).text.replace(email, "")
        for email in (EMAIL, "bob@example.org")
    ]
    assert pages[0] == pages[1]
    eventually(lambda: len(mail.mails) == 2)


def test_a_forgotten_password_is_replaced_and_sessions_end(
    browser: Browser, server: Server, mail: MailServer, database_url: str
) -> None:
    browser.sign_up(EMAIL)
    browser.open(mail.wait_for_link())
    browser.send(password=PASSWORD)
    with server.client() as client:
        other = Browser(client)
        other.sign_up(EMAIL, OTHER)
        assert browser.open("/device").url.path == "/device"
        other.open(mail.wait_for_link(2))
        other.send(password=OTHER)
        assert other.open("/device").url.path == "/device"
    assert browser.open("/device").url.path == "/signin"
    assert browser.sign_in(EMAIL, PASSWORD).status_code == 401
    assert browser.sign_in(EMAIL, OTHER).url.path == "/account"
    assert _users(database_url) == [(EMAIL, True)]


def test_who_took_anothers_address_is_signed_out_once_its_owner_comes(
    browser: Browser,
    start_server: Callable[..., Server],
    mail: MailServer,
    admin: Admin,
) -> None:
    """With a device, a machine, and a device that has not fetched its token."""
    with start_server().client() as client:
        squatter = Browser(client)
        squatter.sign_up(EMAIL, OTHER)
        token, waiting = _exchange(client, _approved(squatter)), _approved(squatter)
        tokens = [token["access_token"], admin.issue_token(EMAIL, "machine")]
        browser.sign_up(EMAIL, PASSWORD)
        assert _statuses(client, tokens) == [200, 200]  # no answer yet
        browser.open(mail.wait_for_link())
        assert browser.send(password=PASSWORD).url.path == "/device"
        assert _statuses(client, tokens) == [401, 401]
        assert _exchange(client, waiting)["error"] == "invalid_grant"
        assert squatter.open("/device").url.path == "/signin"
        mine = _exchange(browser.client, _approved(browser))["access_token"]
        assert _statuses(client, [mine]) == [200]


def _approved(browser: Browser) -> str:
    """Approve a device and return its code, which it has not used yet."""
    codes = browser.client.post("/v1/device/code", data={**DEVICE, **LABELS}).json()
    browser.open(f"/device?user_code={codes['user_code']}")
    browser.send()
    assert "is let in" in browser.send(decision="approved").text
    code: str = codes["device_code"]
    return code


def _exchange(client: httpx.Client, device_code: str) -> dict[str, str]:
    wish = {**DEVICE, "grant_type": GRANT_TYPE, "device_code": device_code}
    answer: dict[str, str] = client.post("/v1/device/token", data=wish).json()
    return answer


def _statuses(client: httpx.Client, tokens: list[str]) -> list[int]:
    return [
        client.get("/v1/me", headers={"Authorization": f"Bearer {token}"}).status_code
        for token in tokens
    ]


def test_a_mail_that_is_too_old_is_good_for_nothing(
    browser: Browser, mail: MailServer, database_url: str
) -> None:
    browser.sign_up(EMAIL)
    link = mail.wait_for_link()
    with psycopg.connect(database_url) as connection:
        rows = connection.execute("SELECT s::text FROM sign_ups s").fetchall()
        connection.execute("UPDATE sign_ups SET expires_at = now()")
    assert link.split("=")[1] not in str(rows)
    browser.open(link)
    assert browser.send(password=PASSWORD).status_code == 422
    assert _users(database_url) == []


def test_mails_to_an_address_are_limited(browser: Browser, mail: MailServer) -> None:
    statuses = [browser.sign_up(EMAIL.upper()).status_code for _ in range(4)]
    assert statuses == [200, 200, 200, 429]
    eventually(lambda: len(mail.mails) == 3)


@pytest.mark.parametrize(
    "user_code",
    [
        "x\n\nYour account is locked: https://evil.example.org",
        "BCDF-GHJK\nhttps://evil.example.org",
        "BCDF-GHJK&x=evil",
        "evil",
    ],
)
def test_a_mail_contains_no_text_of_the_person_who_asked_for_it(
    browser: Browser, mail: MailServer, user_code: str
) -> None:
    browser.open("/signup")
    browser.send(email=EMAIL, password=PASSWORD, user_code=user_code)
    mail.wait_for_link()
    text = mail.mails[0][1].as_string()
    assert "/verify?token=" in text
    assert "evil" not in text
    assert "user_code" not in text


@pytest.mark.parametrize(
    "email", ["a,eve@example.org", "<a@b.c>,eve@example.org", "a@b.c,d", '"a@b.c']
)
def test_one_address_is_one_address(
    browser: Browser, mail: MailServer, email: str
) -> None:
    assert browser.sign_up(email).status_code == 422
    assert mail.mails == []
