"""The pages on which people let a device in, or not."""

from typing import Annotated, Literal

from fastapi import APIRouter, Form
from starlette.responses import Response

from promptvault.server.dependencies import AppSettings, Transaction
from promptvault.server.device_code import service
from promptvault.server.limit.rule import CODES_BY_USER
from promptvault.server.limit.service import take
from promptvault.server.page.browser import CurrentBrowser, CurrentUser
from promptvault.server.page.rendering import render

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
    values = {"user": user, "user_code": user_code, "problem": None}
    return render("code.html", browser, settings, values)


@router.post("/device")
async def look_up_code(
    browser: CurrentBrowser,
    settings: AppSettings,
    user: CurrentUser,
    connection: Transaction,
    user_code: Annotated[str, Form()] = "",
) -> Response:
    """Show which device waits under a code, and ask whether to let it in."""
    await take(connection, CODES_BY_USER, f"code:{user.user_id}")
    device = await service.find_pending(connection, user_code)
    if device is None:
        values = {"user": user, "user_code": user_code, "problem": _NO_SUCH_CODE}
        return render("code.html", browser, settings, values, 404)
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
    if not await service.decide(connection, user.user_id, user_code, decision):
        values = {"user": user, "user_code": user_code, "problem": _NO_SUCH_CODE}
        return render("code.html", browser, settings, values, 404)
    values = {"user": user, "decision": decision}
    return render("decided.html", browser, settings, values)
