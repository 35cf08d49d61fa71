"""The pages on which people sign up and confirm their address."""

from typing import Annotated

from fastapi import APIRouter, Form
from starlette.responses import Response

from promptvault.errors import AlreadyExistsError, InvalidInputError
from promptvault.server.database import Database
from promptvault.server.dependencies import AppDatabase, AppSettings
from promptvault.server.page.browser import (
    Browser,
    CurrentBrowser,
    CurrentVisitor,
    path_with_code,
)
from promptvault.server.page.rendering import redirect_signed_in, render
from promptvault.server.password import LONGEST, SHORTEST
from promptvault.server.session.service import begin_session
from promptvault.server.session.visitor import Visitor
from promptvault.server.settings import Settings
from promptvault.server.sign_up import service
from promptvault.server.sign_up.repository import SignUp

router = APIRouter()


@router.get("/signup")
async def show_sign_up(
    browser: CurrentBrowser, settings: AppSettings, user_code: str = ""
) -> Response:
    """Show the form, unless only the operator may make accounts."""
    service.require_open(settings)
    return _form(browser, settings, user_code=user_code, email="")


@router.post("/signup")
async def sign_up(
    browser: CurrentBrowser,
    settings: AppSettings,
    database: AppDatabase,
    visitor: CurrentVisitor,
    email: Annotated[str, Form()] = "",
    password: Annotated[str, Form()] = "",
    user_code: Annotated[str, Form()] = "",
) -> Response:
    """Make an account: at once, or if mail is configured after a confirmation."""
    service.require_open(settings)
    try:
        prepared = await service.prepare(email, password)
        return await _sign_up(browser, settings, database, visitor, prepared, user_code)
    except (AlreadyExistsError, InvalidInputError) as error:
        return _form(browser, settings, user_code=user_code, email=email, problem=error)


async def _sign_up(
    browser: Browser,
    settings: Settings,
    database: Database,
    visitor: Visitor,
    sign_up: SignUp,
    user_code: str,
) -> Response:
    if settings.smtp_host:
        await service.sign_up_by_mail(database, settings, sign_up, user_code)
        return render("mail_sent.html", browser, settings, {"email": sign_up.email})
    async with database.transaction() as connection:
        user_id = await service.sign_up_at_once(connection, settings, sign_up)
        secret = await begin_session(
            connection, settings, user_id, visitor, before=browser.secret
        )
    return redirect_signed_in(path_with_code("/device", user_code), settings, secret)


@router.get("/verify")
async def show_verification(
    browser: CurrentBrowser,
    settings: AppSettings,
    token: str = "",
    user_code: str = "",
) -> Response:
    """Ask for the password.

    Opening the link must not confirm the address: some mail programs open every link.
    """
    values = {"token": token, "user_code": user_code, "problem": None}
    return render("verify.html", browser, settings, values)


@router.post("/verify")
async def verify(
    browser: CurrentBrowser,
    settings: AppSettings,
    database: AppDatabase,
    visitor: CurrentVisitor,
    token: Annotated[str, Form()] = "",
    password: Annotated[str, Form()] = "",
    user_code: Annotated[str, Form()] = "",
) -> Response:
    """Confirm the address: make the account, or set its new password, and sign in."""
    if not await service.is_right(database, settings, token, password):
        problem = "This is not the password that was chosen with this address."
        values = {"token": token, "user_code": user_code, "problem": problem}
        return render("verify.html", browser, settings, values, 401)
    async with database.transaction() as connection:
        user_id = await service.confirm(connection, settings, token)
        secret = await begin_session(
            connection, settings, user_id, visitor, before=browser.secret
        )
    return redirect_signed_in(path_with_code("/device", user_code), settings, secret)


def _form(
    browser: Browser,
    settings: Settings,
    *,
    user_code: str,
    email: str,
    problem: AlreadyExistsError | InvalidInputError | None = None,
) -> Response:
    values = {
        "user_code": user_code,
        "email": email,
        "problem": problem,
        "shortest": SHORTEST,
        "longest": LONGEST,
    }
    status = problem.status_code if problem else 200
    return render("sign_up.html", browser, settings, values, status)
