"""A window of the browser: the user's actions, and the errors of its pages."""

from typing import Any

import httpx
from playwright.sync_api import ConsoleMessage, Locator, Page, Request, Response, expect

from promptvault.wire.device_code import CLIENT_ID, GRANT_TYPE
from tests.server.browser import PASSWORD
from tests.server.conftest import EMAIL

_HARMLESS = {"log", "info", "debug"}
_LEFT = "net::ERR_ABORTED"
"""How a request ends if its page is left before the answer."""


class Window:
    """One window, with cookies of its own; *others* are servers that it may ask."""

    def __init__(self, page: Page, url: str, *others: str) -> None:
        self.page = page
        self.complaints: list[str] = []
        self._url, self._others = url, others
        self._refusals: set[str] = set()
        page.on("response", self._note_response)
        page.on("request", self._note_request)
        page.on("requestfailed", self._note_failure)
        page.on("console", self._note_message)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def open(self, address: str) -> None:
        """Open a page."""
        self.page.goto(address)

    def fill(self, **values: str) -> None:
        """Type into fields, found by their labels' words."""
        for label, value in values.items():
            self.page.get_by_label(label).fill(value)

    def press(self, name: str) -> None:
        """Press a button; return when the next page has loaded."""
        with self.page.expect_navigation():
            self.button(name).click()

    def button(self, name: str) -> Locator:
        """Return a button, found by its words."""
        return self.page.get_by_role("button", name=name, exact=True)

    def follow(self, name: str) -> None:
        """Follow a link."""
        self.page.get_by_role("link", name=name, exact=True).click()

    def sign_up(self, email: str = EMAIL, password: str = PASSWORD) -> None:
        """Make an account."""
        self.open("/signup")
        self.fill(mail=email, Password=password)
        self.press("Sign up")

    def sign_in(self, email: str = EMAIL, password: str = PASSWORD) -> None:
        """Sign in, on the page that asks for it."""
        self.fill(mail=email, Password=password)
        self.press("Sign in")

    def exchange(self, device_code: str) -> None:
        """Fetch the token of an approved device, as the device would."""
        data = {"client_id": CLIENT_ID, "grant_type": GRANT_TYPE}
        httpx.post(
            f"{self._url}/v1/device/token", data=data | {"device_code": device_code}
        ).raise_for_status()

    def enter(self, code: str) -> None:
        """Enter a device's code."""
        self.fill(Code=code)
        self.press("Continue")

    def expect_title(self, title: str) -> None:
        """Wait for the page of that name."""
        expect(self.page.get_by_role("heading", level=1)).to_have_text(title)
        expect(self.page).to_have_title(f"{title} · PromptVault")

    def expect_alert(self, text: str) -> None:
        """Wait until an error is shown, also to screen readers."""
        expect(self.page.get_by_role("alert")).to_contain_text(text)

    def run(self, function: str, argument: Any = None) -> Any:
        """Return the result of a JavaScript function, in spite of content policies."""
        return self.page.evaluate(function, argument)

    def _note_request(self, request: Request) -> None:
        known = tuple(f"{each}/" for each in (self._url, *self._others))
        if not request.url.startswith(known):
            self.complaints.append(f"asks elsewhere: {request.url}")

    def _note_response(self, response: Response) -> None:
        if response.status < 400:
            return
        if response.request.is_navigation_request() and response.status < 500:
            self._refusals.add(response.url)
        else:
            self.complaints.append(f"{response.status} {response.url}")

    def _note_failure(self, request: Request) -> None:
        if request.failure != _LEFT:
            self.complaints.append(f"{request.failure}: {request.url}")

    def _note_message(self, message: ConsoleMessage) -> None:
        kind: str = message.type
        # The status of a page reports the error; the browser logs it again.
        is_refusal = (
            message.text.startswith("Failed to load resource: the server responded")
            and message.location["url"] in self._refusals
        )
        # Chromium suggests a field for the address in each form with a password.
        is_advice = kind == "verbose" and message.text.startswith("[DOM]")
        if kind not in _HARMLESS and not is_refusal and not is_advice:
            self.complaints.append(f"{kind}: {message.text}")
