"""The pages on which people sign in and out."""

from typing import Annotated

from fastapi import APIRouter, Form
from starlette.responses import Response

from promptvault.server.dependencies import AppDatabase, AppSettings, Transaction
from promptvault.server.page.browser import (
    CurrentBrowser,
    CurrentVisitor,
    path_after_sign_in,
)
from promptvault.server.page.rendering import redirect, redirect_signed_in, render
from promptvault.server.session.service import (
    begin_session,
    end_session,
    find_user_id,
)

router = APIRouter()

_WRONG = "The e-mail address or the password is not right."


@router.get("/signin")
async def show_sign_in(
    browser: CurrentBrowser, settings: AppSettings, user_code: str = "", to: str = ""
) -> Response:
    """Show the form."""
    values = {"user_code": user_code, "to": to, "email": "", "problem": None}
    return render("sign_in.html", browser, settings, values)


@router.post("/signin")
async def sign_in(
    browser: CurrentBrowser,
    settings: AppSettings,
    database: AppDatabase,
    visitor: CurrentVisitor,
    email: Annotated[str, Form()] = "",
    password: Annotated[str, Form()] = "",
    user_code: Annotated[str, Form()] = "",
    to: Annotated[str, Form()] = "",
) -> Response:
    """Sign in, and go on to the device that waits, or to the account."""
    user_id = await find_user_id(database, settings, visitor, email, password)
    if user_id is None:
        values = {"user_code": user_code, "to": to, "email": email, "problem": _WRONG}
        return render("sign_in.html", browser, settings, values, 401)
    async with database.transaction() as connection:
        secret = await begin_session(
            connection, settings, user_id, visitor, before=browser.secret
        )
    return redirect_signed_in(path_after_sign_in(user_code, to), settings, secret)


@router.get("/signout")
async def show_sign_out(browser: CurrentBrowser, settings: AppSettings) -> Response:
    """Ask whether to sign out, because opening a link must not do it."""
    return render("sign_out.html", browser, settings)


@router.post("/signout")
async def sign_out(
    browser: CurrentBrowser, settings: AppSettings, connection: Transaction
) -> Response:
    """End the session; the cookie stays, and belongs to no session."""
    await end_session(connection, settings, browser.secret)
    return redirect("/signin")
