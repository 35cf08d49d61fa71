"""The page on which a person joins the team of an invitation."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from promptvault.errors import (
    ConflictError,
    NotFoundError,
    PermissionDeniedError,
    TierLimitError,
)
from promptvault.server.activity.actor import actor_in_browser
from promptvault.server.dependencies import AppDatabase, AppSettings, Transaction
from promptvault.server.invitation import service
from promptvault.server.page.browser import CurrentBrowser, CurrentUser
from promptvault.server.page.rendering import render
from promptvault.server.session.repository import SessionRepository
from promptvault.server.token.secret import hash_secret

router = APIRouter()

_REFUSALS = (NotFoundError, PermissionDeniedError, TierLimitError, ConflictError)
_MAY = {
    "admin": "read and change its prompts, and manage its members",
    "editor": "read and change its prompts",
    "viewer": "read its prompts",
}


@router.get("/join/{token}")
async def show_invitation(
    token: str,
    browser: CurrentBrowser,
    settings: AppSettings,
    connection: Transaction,
) -> Response:
    """Show who invites to which team.

    Opening the link must not accept it: some mail programs open every link.
    """
    try:
        offer = await service.find_offer(connection, settings, token)
    except NotFoundError as error:
        refused = {"problem": error, "offer": None, "token": ""}
        return render("join.html", browser, settings, refused, error.status_code)
    sessions = SessionRepository(connection)
    user = await sessions.find(hash_secret(settings.key, browser.secret))
    values: dict[str, object] = {
        "user": user,
        "offer": offer,
        "may": _MAY[offer.role],
        "token": token,
        "problem": None,
    }
    return render("join.html", browser, settings, values)


@router.post("/join/{token}")
async def join_team(
    token: str,
    request: Request,
    browser: CurrentBrowser,
    settings: AppSettings,
    user: CurrentUser,
    database: AppDatabase,
) -> Response:
    """Join the team, and say what to do next."""
    actor = actor_in_browser(request, user)
    try:
        async with database.transaction() as connection:
            joined = await service.accept(connection, settings, actor, token)
    except _REFUSALS as error:
        values = {"user": user, "problem": error, "offer": None, "token": ""}
        return render("join.html", browser, settings, values, error.status_code)
    return render("joined.html", browser, settings, {"user": user, "joined": joined})
