"""Mail leaves the server through jobs, in real processes, even after failures."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from email.message import Message

import httpx
import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session

from promptvault.domain.tier import Tier
from promptvault.server.admin import Admin
from tests.server.browser import PASSWORD, Browser
from tests.server.conftest import EMAIL, Server, ServerProcess
from tests.server.job.conftest import Rows
from tests.server.mail_server import MailServer, mail_server
from tests.sync.waiting import eventually

Start = Callable[..., ServerProcess]


@pytest.fixture
def start(
    server_process: Start,
    database_url: str,
    mail: MailServer,
    monkeypatch: pytest.MonkeyPatch,
) -> Start:
    """Return a function that starts `serve` on this test's database, with mail."""
    for name, value in _mail_settings(mail).items():
        monkeypatch.setenv(name, value)
    return lambda *arguments: server_process("--database-url", database_url, *arguments)


def _kill_at_first_mail(
    mail: MailServer, process: subprocess.Popen[str], *, is_delivered: bool
) -> None:
    """Kill a process while it waits for the answer to its first mail."""
    receive = mail.handle_DATA

    async def kill(server: SMTP, session: Session, envelope: Envelope) -> str:
        if process.poll() is not None:
            return await receive(server, session, envelope)
        process.kill()
        process.wait()
        return await receive(server, session, envelope) if is_delivered else "451 no"

    mail.handle_DATA = kill  # type: ignore[method-assign,assignment]


def _reset(url: str) -> None:
    with httpx.Client(base_url=url, timeout=60) as client:
        browser = Browser(client)
        browser.open("/reset")
        assert browser.send(email=EMAIL).status_code == 200


def _ids(mails: list[tuple[list[str], Message]]) -> list[str]:
    return [mail["Message-ID"] for _, mail in mails]


def test_a_server_killed_before_the_mail_was_taken_sends_it_once(
    start: Start, mail: MailServer, admin: Admin, rows: Rows
) -> None:
    admin.add_user(EMAIL, Tier.FREE)
    first = start()
    _kill_at_first_mail(mail, first.process, is_delivered=False)
    _reset(first.url)
    first.process.wait(60)
    assert rows("SELECT attempts, error FROM jobs") == [(1, None)]
    second = start()
    rows("UPDATE jobs SET run_at = now()")  # as if the pause were over
    with httpx.Client(base_url=second.url, timeout=60) as client:
        browser = Browser(client)
        assert EMAIL in browser.open(mail.wait_for_link()).text
        assert browser.send(password=PASSWORD).url.path == "/account"
    eventually(lambda: rows("SELECT 1 FROM jobs") == [])
    assert len(mail.mails) == 1


def test_one_killed_after_it_sends_the_same_mail_with_a_link_that_works_too(
    start: Start, mail: MailServer, admin: Admin, rows: Rows
) -> None:
    admin.add_user(EMAIL, Tier.FREE)
    first = start()
    _kill_at_first_mail(mail, first.process, is_delivered=True)
    _reset(first.url)
    first.process.wait(60)
    second = start()
    rows("UPDATE jobs SET run_at = now()")
    links = [mail.wait_for_link(1), mail.wait_for_link(2)]
    assert len({*_ids(mail.mails)}) == 1  # so a mailbox shows only one
    with httpx.Client(base_url=second.url, timeout=60) as client:
        for link in links:
            assert EMAIL in Browser(client).open(link).text
    eventually(lambda: rows("SELECT 1 FROM jobs") == [])
    assert len(mail.mails) == 2


@pytest.mark.parametrize(("by", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_a_process_of_its_own_sends_what_servers_leave(
    start_server: Callable[..., Server],
    mail: MailServer,
    admin: Admin,
    rows: Rows,
    by: signal.Signals,
    code: int,
) -> None:
    admin.add_user(EMAIL, Tier.FREE)
    server = start_server(smtp_host="127.0.0.1", jobs="off")
    _reset(server.url)
    with _working(server, mail) as process:
        with server.client() as client:
            assert EMAIL in Browser(client).open(mail.wait_for_link()).text
        process.send_signal(by)
        assert process.wait(60) == code
    assert rows("SELECT 1 FROM jobs") == []


def test_one_that_is_killed_leaves_its_job_to_the_next(
    start_server: Callable[..., Server], mail: MailServer, admin: Admin, rows: Rows
) -> None:
    admin.add_user(EMAIL, Tier.FREE)
    server = start_server(smtp_host="127.0.0.1", jobs="off")
    with _working(server, mail) as first:
        _kill_at_first_mail(mail, first, is_delivered=False)
        _reset(server.url)
        assert first.wait(60) == -signal.SIGKILL
    waiting = "SELECT kind, attempts FROM jobs WHERE attempts > 0"
    assert rows(waiting) == [("mail_password", 1)]
    rows("UPDATE jobs SET run_at = now()")
    with _working(server, mail):
        mail.wait_for_link()
        eventually(lambda: rows("SELECT 1 FROM jobs") == [])
    assert len(mail.mails) == 1


@contextlib.contextmanager
def _working(server: Server, mail: MailServer) -> Iterator["subprocess.Popen[str]"]:
    """Run `server work` on the database of *server* while the block runs."""
    command = [sys.executable, "-m", "promptvault", "server", "work"]
    variables = {
        "DATABASE_URL": server.settings.address,
        "PROMPTVAULT_SERVER_SECRET": server.settings.key,
        "PROMPTVAULT_SERVER_PUBLIC_URL": server.url,
        **_mail_settings(mail),
    }
    environment = os.environ | variables
    with subprocess.Popen(command, env=environment, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def _mail_settings(mail: MailServer) -> dict[str, str]:
    """Return the variables by which a server in another process sends mail."""
    return {
        "PROMPTVAULT_SERVER_SMTP_HOST": "127.0.0.1",
        "PROMPTVAULT_SERVER_SMTP_PORT": str(mail.port),
        "PROMPTVAULT_SERVER_SMTP_SECURITY": "none",
    }


def test_a_request_does_not_wait_for_a_mail_server(
    start_server: Callable[..., Server], free_port: int, rows: Rows
) -> None:
    """The mail server is down at first, and then up."""
    changes = {"smtp_host": "127.0.0.1", "smtp_port": free_port}
    server = start_server(smtp_security="none", **changes)
    with server.client() as client:
        browser = Browser(client)
        assert browser.sign_up(EMAIL).status_code == 200
        eventually(lambda: rows("SELECT 1 FROM jobs WHERE error IS NOT NULL") != [])
        assert rows("SELECT kind, attempts, error FROM jobs") == [
            (
                *("mail_sign_up", 1),
                "The mail could not be sent: ConnectionRefusedError.",
            )
        ]
        with mail_server(free_port) as mail:
            rows("UPDATE jobs SET run_at = now()")
            browser.open(mail.wait_for_link())
            assert browser.send(password=PASSWORD).url.path == "/device"


def test_without_encryption_nothing_goes_out_by_default(
    start_server: Callable[..., Server], mail: MailServer, rows: Rows
) -> None:
    server = start_server(smtp_host="127.0.0.1", smtp_port=mail.port)
    with server.client() as client:
        assert Browser(client).sign_up(EMAIL).status_code == 200
        eventually(lambda: rows("SELECT 1 FROM jobs WHERE error IS NOT NULL") != [])
    assert mail.mails == []


def test_an_address_that_is_refused_is_not_tried_again(
    start_server: Callable[..., Server], mail: MailServer, rows: Rows
) -> None:
    async def refuse(*_: object) -> str:
        return "550 No such mailbox"

    mail.handle_RCPT = refuse  # type: ignore[attr-defined]
    changes = {"smtp_host": "127.0.0.1", "smtp_port": mail.port}
    with start_server(smtp_security="none", **changes).client() as client:
        Browser(client).sign_up(EMAIL)
        eventually(lambda: rows("SELECT 1 FROM jobs WHERE dead_at IS NOT NULL") != [])
    assert rows("SELECT attempts, error FROM jobs") == [
        (1, "The mail server refuses the address (550).")
    ]


def test_neither_jobs_nor_logs_hold_an_address_or_a_link(
    capfd: pytest.CaptureFixture[str],
    start_server: Callable[..., Server],
    free_port: int,
    rows: Rows,
    admin: Admin,
) -> None:
    admin.add_user(EMAIL, Tier.FREE)
    changes = {"smtp_host": "127.0.0.1", "smtp_port": free_port}
    server = start_server(smtp_security="none", **changes)
    with server.client() as client:
        Browser(client).sign_up("bob@example.org")
    _reset(server.url)
    failed = "SELECT count(*) FROM jobs WHERE error IS NOT NULL"
    eventually(lambda: rows(failed) == [(2,)])
    server.stop()
    (stored,) = rows("SELECT string_agg(j::text, ' ') FROM jobs j")[0]
    err = capfd.readouterr().err
    assert not any(word in stored + err for word in ("example.org", "token="))
    lines = [json.loads(line) for line in err.splitlines()]
    failures = [each for each in lines if each["event"] == "a job has failed"]
    assert {each["kind"] for each in failures} == {"mail_password", "mail_sign_up"}
    assert {each["reason"] for each in failures} == {
        "The mail could not be sent: ConnectionRefusedError."
    }


def test_a_mail_about_what_is_gone_is_not_sent(
    start_server: Callable[..., Server], mail: MailServer, rows: Rows, admin: Admin
) -> None:
    """Its user was deleted, its sign-up has expired, its deletion is undone."""
    user = admin.add_user(EMAIL, Tier.FREE).user
    add = "INSERT INTO jobs (kind, payload) SELECT %s, jsonb_object(ARRAY[%s, %s])"
    rows("UPDATE users SET deleted_at = now()")
    rows(add, "mail_password", "user", str(user.id))
    rows(add, "mail_deletion", "user", str(user.id))
    rows(add, "mail_sign_up", "sign_up", str(user.id))
    changes = {"smtp_host": "127.0.0.1", "smtp_port": mail.port}
    start_server(smtp_security="none", **changes)
    eventually(lambda: rows("SELECT 1 FROM jobs") == [])
    assert mail.mails == []
    assert rows("SELECT 1 FROM account_links WHERE is_mailed") == []
