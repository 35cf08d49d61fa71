"""The page of a shared prompt in a real browser: with scripts and without, by keyboard,
on a phone, in the dark."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from playwright.sync_api import expect

from promptvault.domain.tier import Tier
from promptvault.server.admin import Admin
from tests.browser.conftest import OpenWindow
from tests.browser.look import FOCUS, REACHABLE
from tests.browser.test_look import LOOKS, problems, problems_in_the_dark
from tests.browser.window import Window
from tests.server.conftest import Server
from tests.server.share.conftest import Owner
from tests.server.sync.conftest import push, version

TEXT = (
    """Review the {{ language }} code\u200b for {{ focus }}.

{% if strict -%} Be strict. {%- endif %}
{# Not for the model. #}{% include "style/plain" %}
{% raw %}{{ kept }}{% endraw %} """
    + "a-very-long-word-without-any-end" * 6
)
VARIABLES = {
    "language": {"description": "The programming language", "default": "Python"},
    "focus": {"choices": ["security", "speed"]},
    "strict": {"required": False, "type": "boolean"},
}
PASSWORD = "correct horse battery"

Shares = dict[str, dict[str, Any]]


@pytest.fixture
def owner(server: Server) -> Iterator[Owner]:
    """Return a user who shares prompts."""
    with ThreadPoolExecutor(1) as thread:  # Playwright runs an event loop in this one
        token = thread.submit(_new_token, server).result()
    with server.client(token) as client:
        database = server.settings.database_url
        assert database
        yield Owner(client, database.get_secret_value(), "owner@example.org")


def _new_token(server: Server) -> str:
    admin = Admin(server.settings)
    admin.add_user("owner@example.org", Tier.PRO)
    return admin.issue_token("owner@example.org", "test")


@pytest.fixture
def start_server(start_server: Callable[..., Server]) -> Callable[..., Server]:
    """Return a function that starts a server with an address for reports."""
    return lambda **changes: start_server(abuse_mail="abuse@example.org", **changes)


@pytest.fixture
def shares(owner: Owner) -> Shares:
    """Return a share of each kind, all of one template."""
    made = version(TEXT) | {"template": True, "variables": VARIABLES}
    head = push("7d3f0c1e-52a5-4be8-8a3e-0c6a4be1a001", [made])
    head["payload"] |= {"name": "coding/review", "title": "Code review", "labels": {}}
    head["payload"]["description"] = "For pull requests of a few hundred lines."
    owner.push(head)
    ended = owner.share(head["item"])
    owner.revoke(ended)
    return {
        "open": owner.share(head["item"], expires_in=86400, show_author=True),
        "password": owner.share(head["item"], password=PASSWORD),
        "limited": owner.share(head["item"], max_views=5),
        "ended": ended,
    }


def _pages(window: Window, shares: Shares) -> Iterator[str]:
    window.open(shares["open"]["url"])
    yield "open"
    window.open(shares["password"]["url"])
    yield "password"
    window.fill(Password="not the password")
    window.press("Open")
    yield "password, wrong"
    window.fill(Password=PASSWORD)
    window.press("Open")
    yield "password, right"
    window.open(shares["limited"]["url"])
    yield "limited"
    window.press("Open (5 of 5 left)")
    yield "limited, opened"
    window.open(shares["ended"]["url"])
    yield "ended"
    window.sign_up("reader@example.org")
    window.open(shares["open"]["url"])
    yield "open, signed in"
    window.press("Copy to my vault")
    yield "copied"


@pytest.mark.parametrize("look", LOOKS)
def test_every_page_can_be_read_and_used(
    open_window: OpenWindow, shares: Shares, look: str
) -> None:
    window = open_window(**LOOKS[look])
    found = {
        name: [*problems(window), *problems_in_the_dark(window)]
        for name in _pages(window, shares)
    }
    assert len(found) == 9
    assert {name: wrong for name, wrong in found.items() if wrong} == {}


def test_the_page_is_complete_without_scripts(
    open_window: OpenWindow, shares: Shares
) -> None:
    window = open_window(java_script_enabled=False)
    for name in _pages(window, shares):
        if name in {"open", "password, right", "limited, opened", "copied"}:
            shown = window.page.inner_text("main")
            for text in ("Review the {{ language }} code", "U+200B", "style/plain"):
                assert text in shown
            assert "1 invisible character" in shown
            assert (
                window.page.get_by_role("button", name="Copy", exact=True).count() == 0
            )


def test_the_button_copies_the_text_without_what_is_hidden(
    open_window: OpenWindow, shares: Shares
) -> None:
    window = open_window(permissions=["clipboard-read", "clipboard-write"])
    window.open(shares["open"]["url"])
    first = window.page.get_by_role("button", name="Copy", exact=True).first
    first.click()
    expect(window.page.get_by_role("button", name="Copied")).to_be_visible()
    copied = window.run("() => navigator.clipboard.readText()")
    assert copied == TEXT.replace("\u200b", "")


def test_tab_reaches_the_text_and_every_button_in_order(
    window: Window, shares: Shares
) -> None:
    window.open(shares["open"]["url"])
    reachable = window.run(REACHABLE)
    assert "prompt" in reachable
    window.page.mouse.click(1, 1)
    reached = []
    for _ in reachable:
        window.page.keyboard.press("Tab")
        reached.append(window.run(FOCUS))
    assert [each["name"] for each in reached] == reachable
    assert all(each["isVisible"] for each in reached)


def test_on_paper_only_the_prompt_is_left(window: Window, shares: Shares) -> None:
    window.open(shares["open"]["url"])
    window.page.emulate_media(media="print")
    shown = window.page.inner_text("main")
    assert "Review the {{ language }} code" in shown
    assert "Use it" not in shown
    assert "Sign in" not in shown


def test_a_variable_stays_in_one_line(open_window: OpenWindow, shares: Shares) -> None:
    window = open_window(viewport={"width": 320, "height": 700})
    window.open(shares["open"]["url"])
    lines = window.run(
        "() => [...document.querySelectorAll('pre .v')].map("
        "(it) => it.getClientRects().length)"
    )
    assert lines == [1, 1]
