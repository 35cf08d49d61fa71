"""One-time links to set a password: by mail, and from the operator."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import psycopg
import pytest

from promptvault.domain.tier import Tier
from promptvault.server.admin import Admin
from tests.conftest import Pvt
from tests.server.browser import PASSWORD, Browser, fields_of
from tests.server.conftest import EMAIL, SECRET, Server
from tests.server.mail_server import MailServer

OTHER = "another good password"


@pytest.fixture
def mailed(start_server: Callable[..., Server], mail: MailServer) -> Iterator[Browser]:
    """Return a browser, for a server that sends mail and trusts a proxy."""
    changes = {"smtp_host": "127.0.0.1", "smtp_port": mail.port}
    server = start_server(smtp_security="none", trusted_proxies=1, **changes)
    with server.client() as client:
        yield Browser(client)


@pytest.fixture
def link(admin: Admin) -> str:
    """Return the path of the link for a new account."""
    url = admin.add_user(EMAIL, Tier.FREE).password_url
    assert url is not None
    return url.removeprefix("http://127.0.0.1:8000")


@pytest.fixture
def on_this_database(
    pvt: Pvt, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> Pvt:
    """Return the program, whose `server` commands go with this test's server."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("PROMPTVAULT_SERVER_SECRET", SECRET)
    return pvt


class TestALink:
    def test_lets_a_new_account_in(self, browser: Browser, link: str) -> None:
        assert EMAIL in browser.open(link).text
        assert browser.send(password=PASSWORD).url.path == "/account"
        browser.client.cookies.clear()
        assert browser.sign_in(EMAIL).url.path == "/account"

    def test_is_good_once(self, browser: Browser, link: str) -> None:
        browser.open(link)
        form = {"form_proof": fields_of(browser.page.text)["form_proof"]}
        form |= {"token": link.partition("token=")[2]}
        browser.send(password=PASSWORD)
        assert browser.open(link).status_code == 422
        form["form_proof"] = fields_of(browser.open("/account/password").text)[
            "form_proof"
        ]
        again = browser.client.post("/reset/password", data=form | {"password": OTHER})
        assert again.status_code == 422
        assert browser.sign_in(EMAIL, OTHER).status_code == 401

    def test_is_good_once_for_many_at_once(
        self, browser: Browser, link: str, server: Server
    ) -> None:
        browser.open(link)
        form = fields_of(browser.page.text)

        def send(number: int) -> int:
            with server.client() as client:
                client.cookies = httpx.Cookies(browser.client.cookies)
                data = form | {"password": f"{OTHER} {number}"}
                answer = client.post("/reset/password", data=data)
            return answer.status_code

        with ThreadPoolExecutor(6) as threads:
            statuses = sorted(threads.map(send, range(6)))
        assert statuses == [303] + [422] * 5

    def test_survives_a_password_that_will_not_do(
        self, browser: Browser, link: str
    ) -> None:
        browser.open(link)
        assert browser.send(password="short").status_code == 422
        assert browser.send(password=PASSWORD).url.path == "/account"

    def test_ends_with_time(
        self, browser: Browser, link: str, database_url: str
    ) -> None:
        with psycopg.connect(database_url) as connection:
            connection.execute("UPDATE account_links SET expires_at = now()")
        assert browser.open(link).status_code == 422

    def test_is_stored_as_a_hash(self, link: str, database_url: str) -> None:
        with psycopg.connect(database_url) as connection:
            rows = connection.execute("SELECT l::text FROM account_links l").fetchall()
        assert len(rows) == 1
        assert link.partition("token=")[2] not in rows[0][0]

    def test_ends_everything_that_the_password_before_let_in(
        self, browser: Browser, server: Server, admin: Admin
    ) -> None:
        browser.sign_up(EMAIL)
        token = admin.issue_token(EMAIL, "machine")
        links = [admin.reset_password(EMAIL) for _ in range(2)]
        with server.client() as client:
            other = Browser(client)
            other.open(str(links[0]).removeprefix("http://127.0.0.1:8000"))
            other.send(password=OTHER)
            assert other.page.url.path == "/account"
            headers = {"Authorization": f"Bearer {token}"}
            assert client.get("/v1/me", headers=headers).status_code == 401
        assert browser.open("/account").url.path == "/signin"
        second = str(links[1]).removeprefix("http://127.0.0.1:8000")
        assert browser.open(second).status_code == 422

    def test_leaves_the_token_that_came_with_the_account(
        self, browser: Browser, link: str, admin: Admin
    ) -> None:
        token = admin.issue_token(EMAIL, "machine")
        browser.open(link)
        browser.send(password=PASSWORD)
        headers = {"Authorization": f"Bearer {token}"}
        assert browser.client.get("/v1/me", headers=headers).status_code == 200

    def test_is_void_once_the_password_was_changed(
        self, browser: Browser, admin: Admin
    ) -> None:
        browser.sign_up(EMAIL)
        url = str(admin.reset_password(EMAIL))
        browser.open("/account/password")
        browser.send(password=PASSWORD, new_password=OTHER)
        path = url.removeprefix("http://127.0.0.1:8000")
        assert browser.open(path).status_code == 422


class TestByMail:
    def test_a_forgotten_password_is_replaced(
        self, mailed: Browser, mail: MailServer, admin: Admin
    ) -> None:
        admin.add_user(EMAIL, Tier.FREE, PASSWORD)
        mailed.open("/reset")
        assert EMAIL.upper() in mailed.send(email=EMAIL.upper()).text
        mailed.open(mail.wait_for_link())
        mailed.send(password=OTHER)
        mailed.client.cookies.clear()
        assert mailed.sign_in(EMAIL, PASSWORD).status_code == 401
        assert mailed.sign_in(EMAIL, OTHER).url.path == "/account"

    def test_the_address_is_verified_by_it(
        self,
        mailed: Browser,
        mail: MailServer,
        admin: Admin,
        database_url: str,
    ) -> None:
        admin.add_user(EMAIL, Tier.FREE)
        mailed.open("/reset")
        mailed.send(email=EMAIL)
        mailed.open(mail.wait_for_link())
        mailed.send(password=PASSWORD)
        with psycopg.connect(database_url) as connection:
            rows = connection.execute(
                "SELECT email_verified_at IS NOT NULL FROM users"
            ).fetchall()
        assert rows == [(True,)]

    def test_the_answer_does_not_reveal_who_has_an_account(
        self, mailed: Browser, mail: MailServer, admin: Admin
    ) -> None:
        """Nor from what the server does before it answers: the rows are the same."""
        admin.add_user(EMAIL, Tier.FREE)
        pages = []
        for email in ("bob@example.org", "no address", EMAIL):
            mailed.open("/reset")
            mailed.send(email=email)
            proof = fields_of(mailed.page.text).get("form_proof", "")
            pages.append(mailed.page.text.replace(email, "").replace(proof, ""))
        assert pages[0] == pages[1] == pages[2]
        assert EMAIL in str(mail.wait_for_link() and mail.mails[0][0])
        assert len(mail.mails) == 1

    def test_no_header_changes_the_url_of_the_link(
        self, mailed: Browser, mail: MailServer, admin: Admin
    ) -> None:
        admin.add_user(EMAIL, Tier.FREE)
        mailed.open("/reset")
        mailed.client.headers["Host"] = "evil.example"
        mailed.client.headers["X-Forwarded-Host"] = "evil.example"
        mailed.send(email=EMAIL)
        mail.wait_for_link()
        assert "evil" not in mail.mails[0][1].as_string()

    def test_mails_to_an_address_are_limited(
        self, mailed: Browser, mail: MailServer, admin: Admin
    ) -> None:
        """From one network, or from many."""
        admin.add_user(EMAIL, Tier.FREE)
        statuses = []
        for number in range(14):
            network = number // 4  # four from each of them
            mailed.client.headers["X-Forwarded-For"] = f"198.51.{network}.{number}"
            mailed.open("/reset")
            statuses.append(mailed.send(email=EMAIL).status_code)
        assert statuses == ([200] * 3 + [429]) * 3 + [200, 429]
        mail.wait_for_link(10)

    def test_mail_that_cannot_be_sent_reveals_nothing(
        self,
        start_server: Callable[..., Server],
        free_port: int,
        admin: Admin,
    ) -> None:
        admin.add_user(EMAIL, Tier.FREE)
        changes = {"smtp_host": "127.0.0.1", "smtp_port": free_port}
        with start_server(**changes).client() as client:
            browser = Browser(client)
            for email in (EMAIL, "bob@example.org"):
                browser.open("/reset")
                assert browser.send(email=email).status_code == 200


def test_without_mail_the_page_says_who_has_links(browser: Browser) -> None:
    shown = browser.open("/reset").text
    assert "promptvault server user password" in shown
    assert '<form method="post" action="/reset"' not in shown
    assert "/reset" in browser.open("/signin").text
    proof = fields_of(browser.page.text)["form_proof"]
    data = {"form_proof": proof, "email": EMAIL}
    assert browser.client.post("/reset", data=data).status_code == 403


class TestTheOperator:
    def test_gets_a_link_with_the_account(
        self, on_this_database: Pvt, browser: Browser
    ) -> None:
        made = on_this_database.ok("server", "user", "add", EMAIL)
        (url,) = made.text.splitlines()
        path = url.removeprefix("http://127.0.0.1:8000")
        browser.open(path)
        assert browser.send(password=PASSWORD).url.path == "/account"

    def test_gets_another_link(self, on_this_database: Pvt, browser: Browser) -> None:
        on_this_database.ok("server", "user", "add", EMAIL, "--json")
        told = on_this_database.ok("server", "user", "password", EMAIL, "--json").json
        assert told["email"] == EMAIL
        browser.open(told["password_url"].removeprefix("http://127.0.0.1:8000"))
        assert browser.send(password=PASSWORD).url.path == "/account"

    def test_pipes_a_password_in(self, on_this_database: Pvt, browser: Browser) -> None:
        stdin = f"{PASSWORD}\n".encode()
        made = on_this_database.ok(
            *("server", "user", "add", EMAIL, "--password", "-", "--json"), stdin=stdin
        )
        assert made.json["password_url"] is None
        assert browser.sign_in(EMAIL).url.path == "/account"
        changed = on_this_database.ok(
            *("server", "user", "password", EMAIL, "--password", "-"),
            stdin=OTHER.encode(),
        )
        assert changed.text == ""
        assert browser.sign_in(EMAIL).status_code == 401
        assert browser.sign_in(EMAIL, OTHER).url.path == "/account"

    @pytest.mark.parametrize(
        ("given", "stdin"), [("-", b"short\n"), ("-", b""), (PASSWORD, b"")]
    )
    def test_makes_no_account_with_a_password_that_will_not_do(
        self,
        on_this_database: Pvt,
        admin: Admin,
        given: str,
        stdin: bytes,
    ) -> None:
        result = on_this_database(
            *("server", "user", "add", EMAIL, "--password", given), stdin=stdin
        )
        assert result.code == 2
        assert PASSWORD not in result.err
        assert admin.users() == []

    def test_gets_no_link_for_an_unknown_user(self, on_this_database: Pvt) -> None:
        assert on_this_database("server", "user", "password", EMAIL).code == 3
