"""Each page is readable and accessible: on a screen, a phone, in dark mode."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from axe_playwright_python.sync_playwright import Axe

from promptvault.server.token.secret import hash_secret
from tests.browser.conftest import OpenWindow, StartDevice
from tests.browser.look import FOCUS, PROBLEMS, REACHABLE
from tests.browser.window import Window
from tests.server.conftest import SECRET
from tests.server.team import insert_team

LONG = f"{'augusta-ada-king-countess-of-lovelace' * 2}@example.org"

AXE = Axe()

LOOKS: dict[str, dict[str, Any]] = {
    "screen": {"viewport": {"width": 1280, "height": 800}},
    "phone": {"viewport": {"width": 320, "height": 640}, "is_mobile": True},
}
# Only the colours of pages differ in dark mode.
_COLOURS = """
() => axe.run({runOnly: ["cat.color"], resultTypes: ["violations"]})
  .then((found) => found.violations)
"""


def _pages(
    window: Window, start_device: StartDevice, database_url: str
) -> Iterator[str]:
    """Open every page, with its errors and its long words; yield each's name."""
    window.open("/")
    yield "start"
    window.open("/nowhere")
    yield "nothing"
    window.open("/reset")
    yield "reset without mail"
    window.open(start_device()["verification_uri_complete"])
    yield "sign in"
    window.sign_in(email="nobody@example.org")
    yield "sign in, wrong"
    window.open("/signup")
    yield "sign up"
    window.sign_up(email=LONG, password="aaaaaaaaaaaa")
    yield "sign up, weak"
    window.fill(Password="correct horse battery")
    window.press("Sign up")
    yield "code"
    window.enter("BBBB-CCCC")
    yield "code, wrong"
    codes = start_device()
    window.enter(codes["user_code"])
    yield "approval"
    window.press("Approve")
    yield "approved"
    window.open("/account")
    yield "account without devices"
    window.exchange(codes["device_code"])
    window.open("/account")
    yield "account"
    window.press("Sign out analytical")
    yield "account, signed out"
    window.open("/account/password")
    yield "password"
    window.fill(Current="not the password")
    window.fill(**{"New password": "another good password"})
    window.press("Change password")
    yield "password, wrong"
    window.open("/device")
    window.enter(start_device()["user_code"])
    window.press("Deny")
    yield "denied"
    yield from _team_pages(window, start_device, database_url)
    window.open("/signout")
    yield "sign out"
    window.open("/verify?token=none")
    yield "verify"
    window.fill(Password="correct horse battery")
    window.press("Confirm")
    yield "error"
    window.open("/account/delete")
    yield "delete"
    window.fill(Password="correct horse battery")
    window.press("Delete account")
    yield "deleted"
    window.page.locator("a.long").click()
    yield "keep"
    window.press("Keep account")
    yield "kept"


def _invitation_pages(window: Window, database_url: str) -> Iterator[str]:
    """Show an invitation to the team, and accept it."""
    token = "an-invitation"
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "INSERT INTO invitations (vault_id, email, role, hash, max_uses,"
            " invited_by, expires_at) SELECT vault_id, %s, 'editor', %s, 1, user_id,"
            " now() + interval '1 day' FROM vault_members WHERE role = 'owner'"
            "   AND vault_id IN (SELECT id FROM vaults WHERE team_id IS NOT NULL)",
            (LONG, hash_secret(SECRET, f"invited {token}")),
        )
    window.open("/join/nothing")
    yield "no invitation"
    window.open(f"/join/{token}")
    yield "invitation"
    window.press("Join")
    yield "joined"


def _team_pages(
    window: Window, start_device: StartDevice, database_url: str
) -> Iterator[str]:
    """Show the pages for the owner of a team, and delete the team at last."""
    window.open("/device")
    window.enter(start_device(scope="team:admin")["user_code"])
    yield "approval to manage"
    window.page.get_by_label("It may also manage teams").check()
    window.press("Approve")
    yield "approved to manage"
    with psycopg.connect(database_url) as connection:
        team = insert_team(connection, LONG, "analytical-engine-and-its-people")
        connection.execute("UPDATE sessions SET confirmed_at = NULL")
    window.open("/account")
    yield "account with a team"
    window.page.get_by_role("link", name="Hand over").click()
    yield "confirm"
    window.fill(Password="not the password")
    window.press("Continue")
    yield "confirm, wrong"
    window.fill(Password="correct horse battery")
    window.press("Continue")
    yield "transfer without admins"
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "WITH account AS (INSERT INTO accounts (plan, member_limit)"
            " VALUES ('free', 1) RETURNING id), heir AS (INSERT INTO users"
            " (account_id, email, role) SELECT id, %s, 'owner' FROM account"
            " RETURNING id) INSERT INTO vault_members (vault_id, user_id, role)"
            " SELECT %s, id, 'admin' FROM heir",
            (f"heir-{LONG}", team.vault),
        )
    yield from _invitation_pages(window, database_url)
    window.open("/teams/analytical-engine-and-its-people/transfer")
    yield "transfer"
    window.press("Hand over the team")
    yield "transfer, refused"
    window.follow("Keep the team")
    window.page.get_by_role("link", name="Delete Analytical").click()
    yield "team deletion"
    window.fill(Type="analytical")
    window.press("Delete the team")
    yield "team deletion, wrong"
    window.fill(Type="analytical-engine-and-its-people")
    window.press("Delete the team")
    yield "account without the team"


@pytest.mark.parametrize("look", LOOKS)
def test_every_page_can_be_read_and_used(
    open_window: OpenWindow, start_device: StartDevice, database_url: str, look: str
) -> None:
    window = open_window(**LOOKS[look])
    found = {
        name: [*problems(window), *problems_in_the_dark(window)]
        for name in _pages(window, start_device, database_url)
    }
    assert len(found) == 38
    assert {name: wrong for name, wrong in found.items() if wrong} == {}


def problems(window: Window) -> list[str]:
    """Return the problems of a page, by our rules and by those of axe."""
    found = AXE.run(window.page).response["violations"]
    return [*window.run(PROBLEMS), *map(_told, found)]


def problems_in_the_dark(window: Window) -> list[str]:
    """Return the problems of a page that axe has checked, in dark mode."""
    window.page.emulate_media(color_scheme="dark")
    found = [*window.run(PROBLEMS), *map(_told, window.run(_COLOURS))]
    window.page.emulate_media(color_scheme="light")
    return [f"in the dark: {each}" for each in found]


def _told(violation: dict[str, Any]) -> str:
    return f"{violation['id']}: {violation['help']}"


def test_tab_reaches_everything_in_order_and_shows_where_it_is(
    window: Window, start_device: StartDevice, database_url: str
) -> None:
    for page in _pages(window, start_device, database_url):
        reachable = window.run(REACHABLE)
        window.run("() => document.activeElement.blur()")
        window.page.mouse.click(1, 1)
        reached = [_tab(window) for _ in reachable]
        assert [each["name"] for each in reached] == reachable, page
        assert all(each["isVisible"] for each in reached), page
        assert (places := [each["place"] for each in reached]) == sorted(places), page


def _tab(window: Window) -> dict[str, Any]:
    window.page.keyboard.press("Tab")
    focus: dict[str, Any] = window.run(FOCUS)
    return focus
