"""`billing`, and what other commands say of the plan, at a server that sells plans."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import Popen
from typing import Any

import httpx
import psycopg
import pytest

from promptvault.domain.tier import Tier
from promptvault.server.admin import Admin
from tests.server.billing.conftest import Buyer
from tests.server.conftest import EMAIL, Server
from tests.sync.machine import Machine
from tests.sync.waiting import DEADLINE, eventually
from tests.till.app import Till

Connection = psycopg.Connection[Any]


@pytest.fixture
def desk(tmp_path: Path, home: Path, server: Server, token: str) -> Machine:
    """Return a device of the buyer."""
    device = Machine(tmp_path / "desk")
    device.sign_in(server.url, token)
    return device


@pytest.fixture
def full(desk: Machine, connection: Connection) -> Machine:
    """Return the device, whose second prompt was refused."""
    connection.execute("UPDATE accounts SET prompt_limit = 1")
    desk.ok("add", "first", "One")
    desk.ok("add", "second", "Two")
    assert desk("sync").code == 9
    return desk


@pytest.fixture
def start(desk: Machine) -> Iterator[Callable[..., Popen[str]]]:
    """Return a function that starts the program on the device."""
    running: list[Popen[str]] = []

    def run(*arguments: str) -> Popen[str]:
        running.append(desk.start(*arguments))
        return running[-1]

    yield run
    for each in running:
        each.kill()
        each.communicate()


def _prompts(connection: Connection) -> int:
    found = connection.execute("SELECT prompt_count FROM accounts").fetchall()
    return int(found[0][0])


def _pay(url: str) -> None:
    assert httpx.post(url, data={"action": "pay"}).status_code == 303


def _line(process: Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline()


def test_the_plan_is_shown(desk: Machine, buyer: Buyer) -> None:
    assert desk.ok("billing", "status", "--json").json == buyer.billing()
    shown = desk.ok("billing", "status").text
    assert "plan\tfree\n" in shown
    assert "prompts\t0 of 50\n" in shown
    offer = "pro, 9.00 EUR a month or 90.00 EUR a year"
    assert f"to buy\t{offer}\n" in shown
    assert "\t'promptvault billing upgrade --plan PLAN'\n" in shown


@pytest.mark.usefixtures("courier")
def test_a_plan_that_is_paid_sends_what_was_refused(
    full: Machine, start: Callable[..., Popen[str]], connection: Connection
) -> None:
    upgrade = start("billing", "upgrade", "--yearly", "--wait")
    _pay(_line(upgrade).strip())
    _, notes = upgrade.communicate(timeout=DEADLINE)
    assert upgrade.returncode == 0, notes
    assert "The account has the plan pro now.\n" in notes
    assert _prompts(connection) == 2
    shown = full.ok("billing", "status").text
    assert "price\t90.00 EUR a year\n" in shown
    assert "renews\t" in shown
    url = full.ok("billing", "portal", "--no-browser", "--json").json["url"]
    assert "/portal/" in url


@pytest.mark.usefixtures("courier", "full")
def test_a_watching_device_sends_it_by_itself(
    start: Callable[..., Popen[str]], buyer: Buyer, connection: Connection
) -> None:
    watch = start("sync", "--watch", "--json")
    assert json.loads(_line(watch))["held_back"]
    _pay(buyer.checkout().json()["url"])
    eventually(lambda: _prompts(connection) == 2)
    assert json.loads(_line(watch))["pushed"] == 1


@pytest.mark.usefixtures("courier")
def test_a_failed_payment_is_mentioned_once_a_day(
    desk: Machine, buyer: Buyer, till: Till, connection: Connection
) -> None:
    buyer.pay()
    buyer.waits_for("pro")
    buyer.manage("fail_card")
    till.books.advance(31)
    eventually(lambda: buyer.billing()["notice"] == "pay_by")
    said = "A payment has failed. Update the card before "
    assert said in desk.ok("sync").err
    assert said not in desk.ok("sync").err
    assert said in desk.ok("whoami").text
    assert "pay by\t" in desk.ok("billing", "status").text
    buyer.manage("repair_card")
    eventually(lambda: buyer.billing()["notice"] is None)
    desk.ok("sync")
    buyer.manage("fail_card")
    till.books.advance(31)
    eventually(lambda: buyer.billing()["notice"] == "pay_by")
    assert said in desk.ok("sync").err


def test_more_prompts_than_the_plan_allows_are_counted(
    desk: Machine, connection: Connection
) -> None:
    connection.execute("UPDATE accounts SET prompt_count = 3000")
    over = "prompts\t3,000 of 50, 2,950 over the limit\n"
    assert over in desk.ok("whoami").text
    assert over in desk.ok("billing", "status").text


def _stripe_down(till: Till, **_: Any) -> None:
    till.is_down = True


def _not_owner(connection: Connection, **_: Any) -> None:
    connection.execute("UPDATE users SET role = 'member'")


def _not_managing(connection: Connection, **_: Any) -> None:
    connection.execute("UPDATE tokens SET scopes = '{sync:read,sync:write}'")


def _has_plan(buyer: Buyer, **_: Any) -> None:
    buyer.pay()


@pytest.mark.parametrize(
    ("spoil", "command", "code", "why"),
    [
        (_stripe_down, "upgrade", 6, "Stripe does not answer"),
        (_not_owner, "upgrade", 4, "Only the owner"),
        (_not_owner, "portal", 4, "Only the owner"),
        (_not_managing, "upgrade", 4, "login --manage"),
        (_has_plan, "upgrade", 5, "has a subscription already"),
        (None, "portal", 5, "bought nothing"),
        (None, "upgrade --plan gold", 2, "no plan 'gold'"),
    ],
)
def test_what_cannot_be_bought_has_its_exit_code(
    spoil: Callable[..., None] | None,
    command: str,
    code: int,
    why: str,
    desk: Machine,
    buyer: Buyer,
    till: Till,
    connection: Connection,
) -> None:
    if spoil:
        spoil(buyer=buyer, till=till, connection=connection)
    result = desk("billing", *command.split())
    assert (result.code, result.text) == (code, "")
    assert why in result.err


def test_a_server_that_sells_nothing_says_so(
    start_server: Callable[..., Server], tmp_path: Path, home: Path, admin: Admin
) -> None:
    admin.add_user(EMAIL, Tier.FREE)
    device = Machine(tmp_path / "desk")
    device.sign_in(start_server().url, admin.issue_token(EMAIL, "test", manage=True))
    for command in ("status", "upgrade", "portal"):
        result = device("billing", command)
        assert (result.code, result.text) == (3, "")
        assert "This server sells nothing." in result.err
