"""The pages on which the owner of a team hands it over, or deletes it."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Form, Request
from starlette.responses import Response

from promptvault.errors import InvalidInputError, PromptVaultError, TierLimitError
from promptvault.server.activity.actor import actor_in_browser
from promptvault.server.database import Connection
from promptvault.server.dependencies import AppDatabase, AppSettings, Transaction
from promptvault.server.ownership import service as ownership
from promptvault.server.page.browser import Browser, ConfirmedUser, CurrentBrowser
from promptvault.server.page.rendering import redirect, render
from promptvault.server.session.repository import SignedIn
from promptvault.server.settings import Settings
from promptvault.server.team.service import delete_team

router = APIRouter(prefix="/teams/{team}")


@router.get("/transfer")
async def show_transfer(
    team: str,
    browser: CurrentBrowser,
    settings: AppSettings,
    user: ConfirmedUser,
    connection: Transaction,
) -> Response:
    """Ask which admin becomes the owner."""
    return await _transfer_page(browser, settings, user, connection, team)


@router.post("/transfer")
async def transfer_team(
    team: str,
    browser: CurrentBrowser,
    settings: AppSettings,
    user: ConfirmedUser,
    database: AppDatabase,
    to: Annotated[UUID | None, Form()] = None,
) -> Response:
    """Make an admin the owner, whose account pays from now on."""
    try:
        async with database.transaction() as connection:
            await ownership.transfer(connection, user.user_id, team, to)
    except (InvalidInputError, TierLimitError) as error:
        async with database.transaction() as connection:
            return await _transfer_page(
                browser, settings, user, connection, team, error
            )
    return redirect("/account?done=transferred")


@router.get("/delete")
async def show_team_deletion(
    team: str,
    browser: CurrentBrowser,
    settings: AppSettings,
    user: ConfirmedUser,
    connection: Transaction,
) -> Response:
    """Explain what a deletion does, and ask for the team's short name."""
    return await _deletion_page(browser, settings, user, connection, team)


@router.post("/delete")
async def delete_team_by_page(
    team: str,
    request: Request,
    browser: CurrentBrowser,
    settings: AppSettings,
    user: ConfirmedUser,
    database: AppDatabase,
    confirm: Annotated[str, Form()] = "",
) -> Response:
    """Delete the team for all of its members."""
    try:
        async with database.transaction() as connection:
            actor = actor_in_browser(request, user)
            await delete_team(connection, actor, team, confirm.strip())
    except InvalidInputError as error:
        async with database.transaction() as connection:
            return await _deletion_page(
                browser, settings, user, connection, team, error
            )
    return redirect("/account?done=team-deleted")


async def _transfer_page(
    browser: Browser,
    settings: Settings,
    user: SignedIn,
    connection: Connection,
    slug: str,
    problem: PromptVaultError | None = None,
) -> Response:
    team = await ownership.get_owned(connection, user.user_id, slug)
    admins = await ownership.heirs(connection, team)
    values = {"user": user, "team": team, "admins": admins, "problem": problem}
    status = problem.status_code if problem else 200
    return render("team_transfer.html", browser, settings, values, status)


async def _deletion_page(
    browser: Browser,
    settings: Settings,
    user: SignedIn,
    connection: Connection,
    slug: str,
    problem: PromptVaultError | None = None,
) -> Response:
    team = await ownership.get_owned(connection, user.user_id, slug)
    values = {
        "user": user,
        "team": team,
        "problem": problem,
        "grace_days": settings.grace_days,
    }
    status = problem.status_code if problem else 200
    return render("team_delete.html", browser, settings, values, status)
