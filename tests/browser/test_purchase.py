"""A plan is bought, used and cancelled in a real browser, with a device beside it."""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import httpx
import psycopg
import pytest
from playwright.sync_api import expect

from promptvault.domain.tier import Tier
from promptvault.server.admin import Admin
from promptvault.server.settings import Settings
from tests.browser.conftest import OpenWindow
from tests.browser.test_look import LOOKS, problems, problems_in_the_dark
from tests.browser.window import Window
from tests.server.billing.conftest import courier, replayer, server, sold, till
from tests.server.browser import PASSWORD
from tests.server.conftest import EMAIL, Server
from tests.sync.machine import Machine
from tests.sync.waiting import eventually
from tests.till.app import Till

__all__ = ["courier", "replayer", "server", "sold", "till"]

PROMPTS = 51
T = TypeVar("T")


@pytest.fixture
def laptop(
    tmp_path: Path,
    home: Path,
    server: Server,
    settings: Settings,
) -> Machine:
    """Return a device with one prompt more than the free plan allows."""
    found = Machine(tmp_path / "laptop")
    path = tmp_path / "prompts.jsonl"
    rows = [{"name": f"p/{n}", "body": f"Text {n}."} for n in range(PROMPTS)]
    path.write_text("".join(f"{json.dumps(each)}\n" for each in rows))

    def fill() -> None:
        admin = Admin(settings)
        admin.add_user(EMAIL, Tier.FREE, PASSWORD)
        found.ok("import", str(path))
        found.sign_in(server.url, admin.issue_token(EMAIL, "laptop"))
        assert found("sync").code == 9

    _apart(fill)
    return found


def _apart(act: Callable[[], T]) -> T:
    """Run what needs an event loop of its own; the browser has that of this thread."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(act).result()


@pytest.fixture
def watching(laptop: Machine) -> Iterator[Machine]:
    """Return the device while it syncs whatever changes."""
    process = laptop.start("sync", "--watch", "--json")
    yield laptop
    process.kill()
    process.communicate()


@pytest.fixture
def prompts(database_url: str) -> Callable[[], int]:
    """Return what counts the prompts on the server."""

    def count() -> int:
        with psycopg.connect(database_url) as connection:
            query = "SELECT count(*) FROM items WHERE NOT deleted"
            ((found,),) = connection.execute(query).fetchall()
        return int(found)

    return count


@pytest.mark.usefixtures("courier")
def test_a_plan_from_the_first_refusal_to_its_end(
    open_window: OpenWindow,
    watching: Machine,
    prompts: Callable[[], int],
    till: Till,
) -> None:
    window = open_window(till.address)
    window.open("/billing")
    window.sign_in()
    window.open("/billing")
    assert prompts() == PROMPTS - 1
    window.press("Buy pro by the month")
    expect(window.page.get_by_role("heading")).to_have_text("Pay 9.00 EUR")
    window.press("pay")
    expect(window.page.get_by_text("Renews")).to_be_visible(timeout=60_000)
    assert window.page.url.endswith("/billing")
    eventually(lambda: prompts() == PROMPTS)
    window.press("Manage at Stripe")
    window.press("cancel")
    window.follow("Back")
    window.expect_title("Your plan")
    eventually(lambda: "Nothing is deleted then" in _reloaded(window))
    httpx.post(f"{till.address}/_/advance?days=31").raise_for_status()
    eventually(lambda: "1 more than the plan allows" in _reloaded(window))
    assert "Pro, by the month" in window.page.inner_text("main")
    assert watching.ok("get", "p/50").text.strip() == "Text 50."
    watching.ok("add", "p/50", "Edited.", "--upsert")
    assert _apart(lambda: watching("sync")).code == 0
    watching.ok("add", "p/new", "New.")
    assert _apart(lambda: watching("sync")).code == 9


def _reloaded(window: Window) -> str:
    window.page.reload()
    return str(window.page.inner_text("main"))


def _pages(window: Window, settings: Settings) -> Iterator[str]:
    window.sign_up()
    window.open("/billing")
    yield "free"
    window.open("/billing/done?look=9")
    window.run("() => window.stop()")  # or it goes on to the next page
    yield "waiting"
    window.open("/billing/done?look=10")
    yield "waiting no more"
    window.open("/billing")
    window.press("Buy pro by the month")
    window.press("pay")
    window.open("/billing")
    eventually(lambda: "Renews" in _reloaded(window))
    yield "paid"
    window.press("Manage at Stripe")
    window.press("cancel")
    window.follow("Back")
    eventually(lambda: "Nothing is deleted then" in _reloaded(window))
    yield "ends"
    _apart(lambda: Admin(settings).set_tier(EMAIL, Tier.ENTERPRISE))
    window.open("/billing")
    yield "given"


@pytest.mark.usefixtures("courier")
@pytest.mark.parametrize("look", LOOKS)
def test_every_page_can_be_read_and_used(
    open_window: OpenWindow,
    settings: Settings,
    till: Till,
    look: str,
) -> None:
    window = open_window(till.address, **LOOKS[look])
    found = {
        name: [*problems(window), *problems_in_the_dark(window)]
        for name in _pages(window, settings)
    }
    assert {name: wrong for name, wrong in found.items() if wrong} == {}
    assert len(found) == 6
