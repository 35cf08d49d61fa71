"""A real Chromium, and windows of it that report every error."""

import os
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import psycopg
import pytest
from playwright.sync_api import Browser, sync_playwright

from promptvault.wire.device_code import CLIENT_ID
from tests.browser.window import Window
from tests.server.conftest import (
    Server,
    database_url,
    free_port,
    mail,
    postgres,
    reused_database,
    server,
    settings,
    start_server,
    template,
)

__all__ = [
    "database_url",
    "free_port",
    "mail",
    "postgres",
    "reused_database",
    "server",
    "settings",
    "start_server",
    "template",
]

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

OpenWindow = Callable[..., Window]
StartDevice = Callable[..., dict[str, Any]]


# Its driver runs an event loop in this thread, which must be gone for other tests.
@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """Return a headless browser; if there is none, only CI fails."""
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        missing = "no Chromium is installed (Debian: apt-get install chromium)"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(missing)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program, args=["--disable-gpu"]
        )
        yield browser
        browser.close()


@pytest.fixture
def open_window(chromium: Browser, server: Server) -> Iterator[OpenWindow]:
    """Return a function that opens a window, which may ask *others*; keywords are
    options of a Playwright context.

    At the end, no page may have logged an error or a request to another server.
    """
    windows: list[Window] = []

    def start(*others: str, **options: Any) -> Window:
        context = chromium.new_context(base_url=server.url, **options)
        context.set_default_timeout(20_000)
        windows.append(Window(context.new_page(), server.url, *others))
        return windows[-1]

    yield start
    for window in windows:
        window.page.context.close()
    assert [complaint for window in windows for complaint in window.complaints] == []


@pytest.fixture
def window(open_window: OpenWindow) -> Window:
    """Return a window that is not signed in."""
    return open_window()


@pytest.fixture
def start_device(server: Server) -> StartDevice:
    """Return a function that lets a device ask for approval, and returns its codes."""

    def start(**more: str) -> dict[str, Any]:
        wish = {"client_id": CLIENT_ID, "device_label": "analytical", **more}
        answer = httpx.post(
            f"{server.url}/v1/device/code", data=wish | {"device_os": "Linux 6"}
        )
        codes: dict[str, Any] = answer.raise_for_status().json()
        return codes

    return start


@pytest.fixture
def change(database_url: str) -> Callable[[str], None]:
    """Return a function that changes the database while the server runs."""

    def run(statement: str) -> None:
        with psycopg.connect(database_url) as connection:
            connection.execute(statement)

    return run
