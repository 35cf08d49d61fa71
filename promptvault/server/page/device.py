"""The pages on which users approve or deny a device."""

from typing import Annotated, Literal

from fastapi import APIRouter, Form
from starlette.responses import Response

from promptvault.server.database import Connection
from promptvault.server.dependencies import AppSettings, Transaction
from promptvault.server.device_code import service
from promptvault.server.limit.rule import CODES_BY_USER
from promptvault.server.limit.service import enforce_limit
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
    "No device waits with this code: it was mistyped, used before, or has expired."
)


@router.get("/device")
async def show_device(
    browser: CurrentBrowser,
    settings: AppSettings,
    user: CurrentUser,
    user_code: str = "",
) -> Response:
    """Ask for the code; the form contains the one of the URL, if any."""
    return _code_page(browser, settings, user, user_code)


@router.post("/device")
async def look_up_code(
    browser: CurrentBrowser,
    settings: AppSettings,
    user: CurrentUser,
    connection: Transaction,
    user_code: Annotated[str, Form()] = "",
) -> Response:
    """Open the page of the device that waits with a code.

    It is a redirect, so going back in the browser does not send the form again.
    """
    await enforce_limit(connection, CODES_BY_USER, f"code:{user.user_id}")
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
    """Show the device that waits with a code, and ask whether to approve it."""
    await enforce_limit(connection, CODES_BY_USER, f"code:{user.user_id}")
    device = await service.find_pending(connection, user_code)
    if device is None:
        return await _show_earlier_decision(
            browser, settings, user, connection, user_code
        )
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
    manage: Annotated[bool, Form()] = False,
) -> Response:
    """Approve or deny the device; a second request is shown the first decision."""
    await enforce_limit(connection, CODES_BY_USER, f"code:{user.user_id}")
    if await service.decide(
        connection, user.user_id, user_code, decision, may_manage=manage
    ):
        return redirect(path_with_code("/device/decision", user_code))
    return await _show_earlier_decision(browser, settings, user, connection, user_code)


@router.get("/device/decision")
async def show_decision(
    browser: CurrentBrowser,
    settings: AppSettings,
    user: CurrentUser,
    connection: Transaction,
    user_code: str = "",
) -> Response:
    """Show what this user decided about a device."""
    decision = await service.find_decision(connection, user.user_id, user_code)
    if decision is None:
        return _code_page(browser, settings, user, user_code, _NO_SUCH_CODE)
    return render(
        "decided.html", browser, settings, {"user": user, "decision": decision}
    )


async def _show_earlier_decision(
    browser: Browser,
    settings: Settings,
    user: SignedIn,
    connection: Connection,
    user_code: str,
) -> Response:
    """Show the user's earlier decision if there is one, else ask for a code."""
    if await service.find_decision(connection, user.user_id, user_code):
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
