"""A device is approved or denied: from the terminal through the pages and back."""

import platform
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.browser.conftest import OpenWindow, StartDevice
from tests.browser.login import Login
from tests.browser.window import Window
from tests.conftest import Process
from tests.server.conftest import EMAIL, Server

NO_SUCH_CODE = "No device waits with this code"


@pytest.fixture
def login(home: Path, server: Server) -> Iterator[Login]:
    """Return `login`, which waits for approval."""
    process = Login(server.url)
    yield process
    process.close()


def test_from_the_terminal_to_whoami(
    login: Login, window: Window, pvt_process: Process
) -> None:
    address, code = login.codes()
    window.open(address)
    window.expect_title("Sign in")
    window.follow("Sign up")
    window.fill(mail=EMAIL, Password="correct horse battery")
    window.press("Sign up")
    window.expect_title("Let a device in")
    window.enter(code)
    window.expect_title("Let this device in?")
    shown = window.page.inner_text("main")
    system = f"{platform.system()} {platform.release()}"
    for told in (code, platform.node(), system, "127.0.0.1", "UTC"):
        assert told in shown
    assert "read, change and delete your prompts" in shown
    assert "Approve only if you started this yourself" in shown
    window.press("Approve")
    window.expect_title("This device is let in")
    assert login.wait() == 0
    assert f"as {EMAIL}" in login.screen
    assert EMAIL in pvt_process("whoami").text
    (row,) = pvt_process("devices", "list", "--json").json
    assert (row["label"], row["is_current"]) == (platform.node(), True)


def test_denied_in_the_browser_the_terminal_says_so(
    login: Login, window: Window, home: Path
) -> None:
    address, code = login.codes()
    window.sign_up()
    window.open(f"{address}?user_code={code}")
    window.press("Continue")
    window.press("Deny")
    window.expect_title("This device was not let in")
    assert login.wait() == 4
    assert "refused in the browser" in login.screen
    assert not (home / "credentials").exists()


def test_the_code_comes_along_through_sign_up(
    window: Window, start_device: StartDevice
) -> None:
    codes = start_device()
    window.open(codes["verification_uri_complete"])
    window.follow("Sign up")
    window.follow("Sign in")
    window.follow("Sign up")
    window.fill(mail=EMAIL, Password="correct horse battery")
    window.press("Sign up")
    window.press("Continue")
    window.expect_title("Let this device in?")


def test_no_script_is_needed(
    open_window: OpenWindow, start_device: StartDevice
) -> None:
    window = open_window(java_script_enabled=False)
    window.sign_up()
    window.enter(start_device()["user_code"])
    window.press("Approve")
    window.expect_title("This device is let in")


def test_a_wrong_code_lets_nothing_in_and_can_be_corrected(
    window: Window, start_device: StartDevice
) -> None:
    code = start_device()["user_code"]
    window.sign_up()
    for wrong in ("BBBB-CCCC", "what?"):
        window.enter(wrong)
        window.expect_alert(NO_SUCH_CODE)
        assert window.page.get_by_label("Code").input_value() == wrong
    window.enter(f" {code.lower().replace('-', ' ')}")
    window.expect_title("Let this device in?")


def test_an_expired_code_lets_nothing_in(
    window: Window, start_device: StartDevice, change: Callable[[str], None]
) -> None:
    """Neither where the code is entered, nor on a page that was open all the time."""
    window.sign_up()
    window.enter(start_device()["user_code"])
    window.expect_title("Let this device in?")
    change("UPDATE device_codes SET expires_at = now()")
    window.press("Approve")
    window.expect_alert(NO_SUCH_CODE)
    window.press("Continue")
    window.expect_alert(NO_SUCH_CODE)


def test_a_code_is_good_once(
    window: Window, open_window: OpenWindow, start_device: StartDevice
) -> None:
    code = start_device()["user_code"]
    other = open_window()
    for each, email in ((window, EMAIL), (other, "bob@example.org")):
        each.sign_up(email)
        each.enter(code)
    window.press("Approve")
    other.press("Approve")
    other.expect_alert(NO_SUCH_CODE)
    window.open("/device")
    window.enter(code)
    window.expect_alert(NO_SUCH_CODE)


@pytest.mark.parametrize(
    ("button", "title"),
    [
        ("Approve", "This device is let in"),
        ("Deny", "This device was not let in"),
    ],
)
def test_back_and_again_decide_nothing(
    window: Window,
    start_device: StartDevice,
    database_url: str,
    button: str,
    title: str,
) -> None:
    window.sign_up()
    window.enter(start_device()["user_code"])
    page = window.page.get_by_role("button", name=button, exact=True)
    page.dblclick()
    window.expect_title(title)
    window.page.go_back()
    window.expect_title(title)
    window.page.reload()
    window.expect_title(title)
    window.page.go_back()
    window.expect_title("Let a device in")


def test_by_keyboard_alone(window: Window, start_device: StartDevice) -> None:
    window.open(start_device()["verification_uri_complete"])
    assert _focused(window) == "email"
    assert _tab(window, 3) == ["password", "Sign in", "Sign up"]
    window.page.keyboard.press("Enter")
    window.expect_title("Sign up")
    window.page.keyboard.type(EMAIL)
    assert _tab(window, 1) == ["password"]
    window.page.keyboard.type("correct horse battery")
    assert _tab(window, 1) == ["Sign up"]
    window.page.keyboard.press("Enter")
    window.expect_title("Let a device in")
    assert _focused(window) == "user_code"
    window.page.keyboard.press("Enter")
    window.expect_title("Let this device in?")
    assert _focused(window) == ""  # a key that is pressed too often approves nothing
    assert _tab(window, 3) == ["PromptVault", "Approve", "Deny"]
    window.page.keyboard.press("Shift+Tab")
    window.page.keyboard.press("Space")
    window.expect_title("This device is let in")


def _tab(window: Window, times: int) -> list[str]:
    found = []
    for _ in range(times):
        window.page.keyboard.press("Tab")
        found.append(_focused(window))
    return found


def _focused(window: Window) -> str:
    name: str = window.run(
        "() => { const it = document.activeElement; return it === document.body"
        " ? '' : it.id || it.innerText }"
    )
    return name
