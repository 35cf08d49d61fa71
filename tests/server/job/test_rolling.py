"""A server of the version before jobs, beside a current one, on one database."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from promptvault.server.postgres import migration
from tests.older_program import BEFORE_TEAMS, unpack_program
from tests.server.browser import PASSWORD, Browser
from tests.server.conftest import EMAIL, ServerProcess
from tests.server.mail_server import MailServer

OTHER = "bob@example.org"


@pytest.fixture
def old_program(tmp_path: Path) -> Path:
    """Return the folder of the program from before jobs."""
    return unpack_program(BEFORE_TEAMS, tmp_path / "old")


def _sign_up(url: str, email: str) -> None:
    with httpx.Client(base_url=url, timeout=60) as client:
        assert Browser(client).sign_up(email).status_code == 200


def _confirm(url: str, link: str) -> None:
    with httpx.Client(base_url=url, timeout=60) as client:
        browser = Browser(client)
        browser.open(link)
        assert browser.send(password=PASSWORD).url.path == "/device"


def test_each_mails_a_link_that_the_other_knows(
    server_process: Callable[..., ServerProcess],
    empty_database_url: str,
    old_program: Path,
    mail: MailServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PROMPTVAULT_SERVER_SMTP_HOST", "127.0.0.1")
    monkeypatch.setenv("PROMPTVAULT_SERVER_SMTP_PORT", str(mail.port))
    monkeypatch.setenv("PROMPTVAULT_SERVER_SMTP_SECURITY", "none")
    database = ("--database-url", empty_database_url)
    as_old = ("env", "-C", str(old_program), f"PYTHONPATH={old_program}")
    command = [sys.executable, "-m", "promptvault", "server", "migrate", *database]
    subprocess.run([*as_old, *command], check=True)
    old = server_process(*database, through=as_old)
    migration.upgrade(empty_database_url)
    new = server_process(*database)
    _sign_up(old.url, EMAIL)
    _confirm(new.url, mail.wait_for_link(1))
    _sign_up(new.url, OTHER)
    _confirm(old.url, mail.wait_for_link(2))
