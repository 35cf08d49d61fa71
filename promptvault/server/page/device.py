"""The pages on which people let a device in, or not."""

from typing import Annotated, Literal

from fastapi import APIRouter, Form
from starlette.responses import Response

from promptvault.server.database import Connection
from promptvault.server.dependencies import AppSettings, Transaction
from promptvault.server.device_code import service
from promptvault.server.limit.rule import CODES_BY_USER
from promptvault.server.limit.service import take
from promptvault.server.page.browser import (
    Browser,
    CurrentBrowser,
    CurrentUser,
    path_with_code,
)
from promptvault.server.page.rendering import redirect, render
from promptvault.server.session.repository import SignedIn
from promptvault.server.settings import Settings

router = APIRouter()

_NO_SUCH_CODE = (
    "No device waits under this code: it was mistyped, used before, or has expired."
)


@router.get("/device")
async def show_device(
    browser: CurrentBrowser,
    settings: AppSettings,
    user: CurrentUser,
    user_code: str = "",
) -> Response:
    """Ask for the code; one that came along stands there already."""
    return _code_page(browser, settings, user, user_code)


@router.post("/device")
async def look_up_code(
    browser: CurrentBrowser,
    settings: AppSettings,
    user: CurrentUser,
    connection: Transaction,
    user_code: Annotated[str, Form()] = "",
) -> Response:
    """Go on to the device that waits under a code.

    What follows a form is a page with an address: going back sends nothing again.
    """
    await take(connection, CODES_BY_USER, f"code:{user.user_id}")
    if await service.find_pending(connection, user_code):
        return redirect(path_with_code("/device/approval", user_code))
    return _code_page(browser, settings, user, user_code, _NO_SUCH_CODE)


@router.get("/device/approval")
async def show_approval(
    browser: CurrentBrowser,
    settings: AppSettings,
    user: CurrentUser,
    connection: Transaction,
    user_code: str = "",
) -> Response:
    """Show which device waits under a code, and ask whether to let it in."""
    await take(connection, CODES_BY_USER, f"code:{user.user_id}")
    device = await service.find_pending(connection, user_code)
    if device is None:
        return await _answer_late(browser, settings, user, connection, user_code)
    values = {"user": user, "device": device}
    return render("approval.html", browser, settings, values)


@router.post("/device/decision")
async def decide_device(
    browser: CurrentBrowser,
    settings: AppSettings,
    user: CurrentUser,
    connection: Transaction,
    decision: Annotated[Literal["approved", "denied"], Form()],
    user_code: Annotated[str, Form()],
) -> Response:
    """Let the device in, or not; whoever comes second is told that it is over."""
    await take(connection, CODES_BY_USER, f"code:{user.user_id}")
    if await service.decide(connection, user.user_id, user_code, decision):
        return redirect(path_with_code("/device/decision", user_code))
    return await _answer_late(browser, settings, user, connection, user_code)


@router.get("/device/decision")
async def show_decision(
    browser: CurrentBrowser,
    settings: AppSettings,
    user: CurrentUser,
    connection: Transaction,
    user_code: str = "",
) -> Response:
    """Tell what this user decided about a device."""
    outcome = await service.find_outcome(connection, user.user_id, user_code)
    if outcome is None:
        return _code_page(browser, settings, user, user_code, _NO_SUCH_CODE)
    return render("decided.html", browser, settings, {"user": user, "outcome": outcome})


async def _answer_late(
    browser: Browser,
    settings: Settings,
    user: SignedIn,
    connection: Connection,
    user_code: str,
) -> Response:
    """Tell who clicks twice, or goes back, what became of a device."""
    if await service.find_outcome(connection, user.user_id, user_code):
        return redirect(path_with_code("/device/decision", user_code))
    return _code_page(browser, settings, user, user_code, _NO_SUCH_CODE)


def _code_page(
    browser: Browser,
    settings: Settings,
    user: SignedIn,
    user_code: str,
    problem: str | None = None,
) -> Response:
    values = {"user": user, "user_code": user_code, "problem": problem}
    status = 404 if problem else 200
    return render("code.html", browser, settings, values, status)
