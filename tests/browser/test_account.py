"""Sign up, sign in, sign out, and the mail between, as a person meets them."""

from collections.abc import Callable, Iterator

import pytest
from aiosmtpd.controller import Controller
from playwright.sync_api import expect

from tests.browser.conftest import OpenWindow, StartDevice
from tests.browser.look import PROBLEMS
from tests.browser.window import Window
from tests.server.conftest import EMAIL, Server
from tests.server.test_sign_up_mail import MailServer, free_port

__all__ = ["free_port"]


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
    window.expect_title("Let a device in")


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
    """Also for who goes back: the page from before is not shown again."""
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


def test_the_start_leads_to_where_one_signs_in(window: Window) -> None:
    window.open("/")
    window.expect_title("Sign in")


class TestMail:
    @pytest.fixture
    def mail(self, free_port: int) -> Iterator[MailServer]:
        """Return a mail server that runs."""
        kept = MailServer(free_port)
        controller = Controller(kept, hostname="127.0.0.1", port=free_port)
        controller.start()
        yield kept
        controller.stop()

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
        window.expect_title("Look into your mail")
        assert window.run(PROBLEMS) == []
        window.open(mail.link())
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
        window.expect_title("Look into your mail")
        for each, title in (
            (window, "Let a device in"),
            (open_window(), "That does not work"),
        ):
            each.open(mail.link())
            each.fill(Password="correct horse battery")
            each.press("Confirm")
            each.expect_title(title)

    def test_a_forgotten_password_is_replaced(
        self, window: Window, mail: MailServer
    ) -> None:
        window.sign_up()
        window.expect_title("Look into your mail")
        window.open(mail.link())
        window.fill(Password="correct horse battery")
        window.press("Confirm")
        window.follow("Sign out")
        window.press("Sign out")
        window.follow("Choose a new one")
        window.fill(mail=EMAIL, Password="another good password")
        window.press("Sign up")
        window.expect_title("Look into your mail")
        window.open(mail.link())
        window.fill(Password="another good password")
        window.press("Confirm")
        window.expect_title("Let a device in")
