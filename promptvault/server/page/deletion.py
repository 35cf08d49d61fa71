"""The pages on which users delete their account, and undo it."""

from typing import Annotated

from fastapi import APIRouter, Form
from starlette.responses import Response

from promptvault.errors import AuthenticationError, ConflictError, PromptVaultError
from promptvault.server.account import deletion
from promptvault.server.dependencies import AppDatabase, AppSettings, Transaction
from promptvault.server.link import service as link
from promptvault.server.link.service import Purpose
from promptvault.server.page.browser import (
    Browser,
    CurrentBrowser,
    CurrentUser,
)
from promptvault.server.page.rendering import redirect, render
from promptvault.server.session.repository import SignedIn
from promptvault.server.session.service import check_password
from promptvault.server.settings import Settings

router = APIRouter(prefix="/account")


@router.get("/delete")
async def show_deletion(
    browser: CurrentBrowser, settings: AppSettings, user: CurrentUser
) -> Response:
    """Explain what a deletion does, and ask for the password."""
    if not (user.has_password or user.is_confirmed):
        return redirect("/confirm?to=account/delete")
    return _page(browser, settings, user)


@router.post("/delete")
async def delete_account(
    browser: CurrentBrowser,
    settings: AppSettings,
    database: AppDatabase,
    user: CurrentUser,
    password: Annotated[str, Form()] = "",
) -> Response:
    """Delete the user's account, and show the link that undoes it."""
    try:
        await _confirm(database, user, password)
    except AuthenticationError as error:
        return _page(browser, settings, user, error)
    try:
        async with database.transaction() as connection:
            deleted = await deletion.delete_account(connection, settings, user)
    except ConflictError as error:
        return _page(browser, settings, user, error)
    return render("deleted.html", browser, settings, {"deletion": deleted})


async def _confirm(database: AppDatabase, user: SignedIn, password: str) -> None:
    """Raise AuthenticationError unless the user has just proved who they are.

    A user of a sign-in provider has no password here, and signs in again there.
    """
    if user.has_password:
        await check_password(database, user, password)
    elif not user.is_confirmed:
        raise AuthenticationError(
            "Ten minutes have passed since you signed in: open this page again."
        )


@router.get("/keep")
async def show_keeping(
    browser: CurrentBrowser,
    settings: AppSettings,
    connection: Transaction,
    token: str = "",
) -> Response:
    """Ask whether to undo a deletion.

    Opening the link must not do it: some mail programs open every link.
    """
    found = await link.find(connection, settings, token, Purpose.KEEP)
    values = {
        "token": token,
        "email": found.email,
        "erase_on": deletion.format_day(found.erase_at) if found.erase_at else "",
    }
    return render("keep.html", browser, settings, values)


@router.post("/keep")
async def keep_account(
    browser: CurrentBrowser,
    settings: AppSettings,
    connection: Transaction,
    token: Annotated[str, Form()] = "",
) -> Response:
    """Undo a deletion; the user then signs in as before."""
    kept = await deletion.keep_account(connection, settings, token)
    return render("kept.html", browser, settings, {"email": kept.email})


def _page(
    browser: Browser,
    settings: Settings,
    user: SignedIn,
    problem: PromptVaultError | None = None,
) -> Response:
    values = {
        "user": user,
        "problem": problem,
        "grace_days": settings.grace_days,
        "has_billing": settings.has_billing,
    }
    status = problem.status_code if problem else 200
    return render("delete.html", browser, settings, values, status)
