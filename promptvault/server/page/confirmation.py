"""The page on which users prove again who they are, before what is dangerous."""

from typing import Annotated

from fastapi import APIRouter, Form
from starlette.responses import Response

from promptvault.errors import AuthenticationError
from promptvault.server.dependencies import AppDatabase, AppSettings
from promptvault.server.page.browser import (
    Browser,
    CurrentBrowser,
    CurrentUser,
    path_after_sign_in,
)
from promptvault.server.page.rendering import redirect, render
from promptvault.server.session.repository import SessionRepository, SignedIn
from promptvault.server.session.service import check_password
from promptvault.server.settings import Settings

router = APIRouter()


@router.get("/confirm")
async def show_confirmation(
    browser: CurrentBrowser, settings: AppSettings, user: CurrentUser, to: str = ""
) -> Response:
    """Ask for the password, or lead to the sign-in provider."""
    return _page(browser, settings, user, to)


@router.post("/confirm")
async def confirm(
    browser: CurrentBrowser,
    settings: AppSettings,
    database: AppDatabase,
    user: CurrentUser,
    password: Annotated[str, Form()] = "",
    to: Annotated[str, Form()] = "",
) -> Response:
    """Go on to the page that asked; the proof is good for ten minutes."""
    try:
        await check_password(database, user, password)
    except AuthenticationError as error:
        return _page(browser, settings, user, to, error)
    async with database.transaction() as connection:
        await SessionRepository(connection).confirm(user.user_id, user.session_id)
    return redirect(path_after_sign_in("", to))


def _page(
    browser: Browser,
    settings: Settings,
    user: SignedIn,
    to: str,
    problem: AuthenticationError | None = None,
) -> Response:
    values = {"user": user, "to": to, "problem": problem}
    status = problem.status_code if problem else 200
    return render("confirm.html", browser, settings, values, status)
