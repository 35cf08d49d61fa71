"""Sign up, sign in, sign out, and their mail, in a browser."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from playwright.sync_api import expect

from promptvault.domain.tier import Tier
from promptvault.server.admin import Admin
from promptvault.server.settings import Settings
from tests.browser.conftest import OpenWindow, StartDevice
from tests.browser.look import PROBLEMS
from tests.browser.window import Window
from tests.server.conftest import EMAIL, Server
from tests.server.mail_server import MailServer


def test_a_wrong_password_is_said_and_only_that_is_typed_again(window: Window) -> None:
    window.sign_up()
    window.follow("Sign out")
    window.press("Sign out")
    window.sign_in(password="not the password")
    window.expect_alert("The e-mail address or the password is not right.")
    expect(window.page.get_by_label("mail")).to_have_value(EMAIL)
    expect(window.page.get_by_label("Password")).to_be_focused()
    expect(window.page.get_by_label("Password")).to_have_value("")
    window.sign_in()
    window.expect_title("Your account")


def test_a_password_that_will_not_do_is_said(window: Window) -> None:
    window.sign_up(password="aaaaaaaaaaaa")
    window.expect_alert("repeats a few characters")
    expect(window.page.get_by_label("Password")).to_be_focused()
    window.page.keyboard.type("correct horse battery")
    window.page.keyboard.press("Enter")
    window.expect_title("Let a device in")


def test_the_browser_itself_stops_what_is_no_address_and_too_short(
    window: Window,
) -> None:
    window.open("/signup")
    window.fill(mail="ada", Password="short")
    window.button("Sign up").click()
    window.expect_title("Sign up")
    assert window.run("() => document.querySelectorAll('input:invalid').length") == 2


def test_signed_out_is_signed_out(window: Window) -> None:
    """Also after going back: the page from before is not shown again."""
    window.sign_up()
    window.follow("Sign out")
    window.press("Sign out")
    window.expect_title("Sign in")
    window.open("/device")
    window.expect_title("Sign in")
    window.page.go_back()
    window.page.go_back()
    assert EMAIL not in window.page.inner_text("body")


def test_who_is_signed_out_elsewhere_is_asked_again(
    window: Window, start_device: StartDevice, change: Callable[[str], None]
) -> None:
    code = start_device()["user_code"]
    window.sign_up()
    window.enter(code)
    change("UPDATE sessions SET expires_at = now()")
    window.page.reload()
    window.expect_title("Sign in")
    window.sign_in()
    window.press("Continue")
    window.expect_title("Let this device in?")


def test_the_start_leads_to_the_account(window: Window) -> None:
    window.open("/")
    window.expect_title("Your prompts on all your devices")
    window.follow("Sign up")
    window.fill(mail=EMAIL, Password="correct horse battery")
    window.press("Sign up")
    window.follow("PromptVault")
    window.follow("Your account")
    window.expect_title("Your account")


def test_a_page_that_is_not_there_leads_back(window: Window) -> None:
    window.open("/nowhere")
    window.expect_title("There is nothing here")
    window.follow("Start over")
    window.expect_title("Your prompts on all your devices")


class TestTheAccount:
    def test_signs_out_a_device_and_another_browser(
        self, window: Window, open_window: OpenWindow, start_device: StartDevice
    ) -> None:
        window.sign_up()
        code = start_device()
        window.enter(code["user_code"])
        window.press("Approve")
        window.exchange(code["device_code"])
        other = open_window()
        other.open("/signin")
        other.sign_in()
        window.open("/account")
        window.press("Sign out analytical")
        expect(window.page.get_by_role("status")).to_have_text("It is signed out.")
        assert "analytical" not in window.page.inner_text("main")
        window.press("Sign out Chrome on Linux")
        other.page.reload()
        other.expect_title("Sign in")

    def test_changes_its_password(
        self, window: Window, open_window: OpenWindow
    ) -> None:
        window.sign_up()
        other = open_window()
        other.open("/signin")
        other.sign_in()
        window.follow("Account")
        window.follow("Change password")
        window.fill(Current="not the password")
        window.fill(**{"New password": "another good password"})
        window.press("Change password")
        window.expect_alert("This is not your password.")
        window.fill(Current="correct horse battery")
        window.fill(**{"New password": "another good password"})
        window.press("Change password")
        window.expect_title("Your account")
        other.page.reload()
        other.expect_title("Sign in")
        other.sign_in(password="another good password")
        other.expect_title("Your account")

    def test_is_downloaded(self, window: Window) -> None:
        window.sign_up()
        window.follow("Account")
        with window.page.expect_download() as download:
            window.page.get_by_role("link", name="Download everything").click()
        assert download.value.suggested_filename == "promptvault-export.json"
        assert json.loads(download.value.path().read_text()) == []

    def test_is_deleted_and_comes_back(self, window: Window) -> None:
        window.sign_up()
        window.follow("Account")
        window.follow("Delete this account")
        window.fill(Password="not the password")
        window.press("Delete account")
        window.expect_alert("This is not your password.")
        window.fill(Password="correct horse battery")
        window.press("Delete account")
        window.expect_title("Your account is deleted")
        window.page.locator("a.long").click()
        window.expect_title("Keep your account?")
        window.press("Keep account")
        window.expect_title("Your account is back")
        window.follow("Sign in")
        window.sign_in()
        window.expect_title("Your account")

    def test_begins_with_a_link_of_the_operators(
        self, window: Window, settings: Settings
    ) -> None:
        add_user = Admin(settings).add_user
        with ThreadPoolExecutor() as threads:  # Playwright has a loop in this one
            url = threads.submit(add_user, EMAIL, Tier.FREE).result().password_url
        window.open(str(url).removeprefix("http://127.0.0.1:8000"))
        expect(window.page.get_by_label("New password")).to_be_focused()
        window.page.keyboard.type("correct horse battery")
        window.press("Set password")
        window.expect_title("Your account")


class TestMail:
    @pytest.fixture
    def server(self, start_server: Callable[..., Server], mail: MailServer) -> Server:
        """Return a server that sends mail."""
        return start_server(
            smtp_host="127.0.0.1", smtp_port=mail.port, smtp_security="none"
        )

    def test_its_link_leads_to_the_device_that_waits(
        self, window: Window, mail: MailServer, start_device: StartDevice
    ) -> None:
        window.open(start_device()["verification_uri_complete"])
        window.follow("Sign up")
        window.fill(mail=EMAIL, Password="correct horse battery")
        window.press("Sign up")
        window.expect_title("Check your mail")
        assert window.run(PROBLEMS) == []
        window.open(mail.wait_for_link())
        window.fill(Password="not the password")
        window.press("Confirm")
        window.expect_alert("This is not the password")
        window.fill(Password="correct horse battery")
        window.press("Confirm")
        window.press("Continue")
        window.expect_title("Let this device in?")

    def test_its_link_is_good_once(
        self, window: Window, open_window: OpenWindow, mail: MailServer
    ) -> None:
        window.sign_up()
        window.expect_title("Check your mail")
        for each, title in (
            (window, "Let a device in"),
            (open_window(), "That does not work"),
        ):
            each.open(mail.wait_for_link())
            each.fill(Password="correct horse battery")
            each.press("Confirm")
            each.expect_title(title)

    def test_a_forgotten_password_is_replaced(
        self, window: Window, mail: MailServer
    ) -> None:
        window.sign_up()
        window.expect_title("Check your mail")
        window.open(mail.wait_for_link())
        window.fill(Password="correct horse battery")
        window.press("Confirm")
        window.follow("Sign out")
        window.press("Sign out")
        window.follow("Choose a new one")
        window.fill(mail=EMAIL)
        window.press("Send mail")
        window.expect_title("Check your mail")
        assert window.run(PROBLEMS) == []
        window.open(mail.wait_for_link(2))
        assert window.run(PROBLEMS) == []
        window.fill(**{"New password": "another good password"})
        window.press("Set password")
        window.expect_title("Your account")
