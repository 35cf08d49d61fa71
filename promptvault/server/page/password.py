"""The pages on which users change their password, or replace a forgotten one."""

from typing import Annotated

from fastapi import APIRouter, Form
from starlette.responses import Response

from promptvault.errors import (
    AuthenticationError,
    InvalidInputError,
    PermissionDeniedError,
    PromptVaultError,
)
from promptvault.server.account import password_change
from promptvault.server.dependencies import AppBackground, AppDatabase, AppSettings
from promptvault.server.link import service as link
from promptvault.server.link.service import Purpose
from promptvault.server.page.browser import (
    Browser,
    CurrentBrowser,
    CurrentUser,
    CurrentVisitor,
)
from promptvault.server.page.rendering import redirect_signed_in, render
from promptvault.server.password import (
    LONGEST,
    SHORTEST,
    checked_password,
    hash_password,
)
from promptvault.server.session.repository import SignedIn
from promptvault.server.session.service import begin_session, check_password
from promptvault.server.settings import Settings

router = APIRouter()


@router.get("/reset")
async def show_reset(browser: CurrentBrowser, settings: AppSettings) -> Response:
    """Ask for an address; without mail, explain how the operator makes a link."""
    return render("reset.html", browser, settings)


@router.post("/reset")
async def ask_for_reset(
    browser: CurrentBrowser,
    settings: AppSettings,
    database: AppDatabase,
    background: AppBackground,
    visitor: CurrentVisitor,
    email: Annotated[str, Form()] = "",
) -> Response:
    """Mail a link if the address has an account; the answer is always the same."""
    if not settings.smtp_host:
        raise PermissionDeniedError("This server sends no mail: ask its operator.")
    await password_change.count_mail_request(database, settings, visitor.network, email)
    mailing = password_change.mail_link(database, settings, email)
    background.start(mailing)
    return render("reset_sent.html", browser, settings, {"email": email.strip()})


@router.get("/reset/password")
async def show_new_password(
    browser: CurrentBrowser,
    settings: AppSettings,
    database: AppDatabase,
    token: str = "",
) -> Response:
    """Ask for a new password; the link is not used up yet."""
    async with database.transaction() as connection:
        found = await link.find(connection, settings, token, Purpose.PASSWORD)
    return _new_password(browser, settings, token, found.email)


@router.post("/reset/password")
async def set_password(
    browser: CurrentBrowser,
    settings: AppSettings,
    database: AppDatabase,
    visitor: CurrentVisitor,
    token: Annotated[str, Form()] = "",
    password: Annotated[str, Form()] = "",
) -> Response:
    """Set the password of the link's user, and sign the user in."""
    async with database.transaction() as connection:
        found = await link.find(connection, settings, token, Purpose.PASSWORD)
    try:
        hashed = await hash_password(checked_password(password, found.email))
    except InvalidInputError as error:
        return _new_password(browser, settings, token, found.email, error)
    async with database.transaction() as connection:
        user_id = await password_change.set_by_link(connection, settings, token, hashed)
        secret = await begin_session(
            connection, settings, user_id, visitor, before=browser.secret
        )
    return redirect_signed_in("/account", settings, secret)


@router.get("/account/password")
async def show_password(
    browser: CurrentBrowser, settings: AppSettings, user: CurrentUser
) -> Response:
    """Ask for the current and the new password."""
    return _change(browser, settings, user)


@router.post("/account/password")
async def change_password(
    browser: CurrentBrowser,
    settings: AppSettings,
    database: AppDatabase,
    user: CurrentUser,
    visitor: CurrentVisitor,
    password: Annotated[str, Form()] = "",
    new_password: Annotated[str, Form()] = "",
) -> Response:
    """Change the password, and sign out all other browsers."""
    try:
        await check_password(database, user, password)
        hashed = await hash_password(checked_password(new_password, user.email))
    except (AuthenticationError, InvalidInputError) as error:
        return _change(browser, settings, user, error)
    async with database.transaction() as connection:
        await password_change.change_password(connection, user.user_id, hashed)
        secret = await begin_session(
            connection, settings, user.user_id, visitor, before=browser.secret
        )
    return redirect_signed_in("/account?done=password", settings, secret)


def _new_password(
    browser: Browser,
    settings: Settings,
    token: str,
    email: str,
    problem: PromptVaultError | None = None,
) -> Response:
    values = {"token": token, "email": email, "problem": problem, **_RULE}
    status = problem.status_code if problem else 200
    return render("new_password.html", browser, settings, values, status)


def _change(
    browser: Browser,
    settings: Settings,
    user: SignedIn,
    problem: PromptVaultError | None = None,
) -> Response:
    values = {"user": user, "problem": problem, **_RULE}
    status = problem.status_code if problem else 200
    return render("change_password.html", browser, settings, values, status)


_RULE = {"shortest": SHORTEST, "longest": LONGEST}
