"""The page of an account: its user, its usage, and what is signed in to it."""

from collections.abc import Iterator
from typing import Annotated, NamedTuple
from uuid import UUID

from fastapi import APIRouter, Form, Request
from starlette.responses import Response

from promptvault.errors import InvalidInputError
from promptvault.server.account.endpoints import download_export
from promptvault.server.account.service import usage_of
from promptvault.server.dependencies import AppDatabase, AppSettings, Transaction
from promptvault.server.http.address import advertised_origin
from promptvault.server.ownership.repository import OwnershipRepository
from promptvault.server.page.browser import CurrentBrowser, CurrentUser
from promptvault.server.page.rendering import redirect, render
from promptvault.server.session.repository import SessionRepository
from promptvault.server.token.repository import TokenRepository
from promptvault.wire.account import LimitsRead, UsageRead

router = APIRouter(prefix="/account")

_DONE = {
    "signed-out": "It is signed out.",
    "password": "Your password is changed. Other browsers are signed out.",
    "transferred": "The team has a new owner. You are an admin of it now.",
    "team-deleted": "The team is deleted.",
}
"""Messages after a form was sent, by the parameter ``done`` of the redirect. No other
text of the URL is shown."""


class Used(NamedTuple):
    """How much of one limit is used."""

    label: str
    used: str
    limit: str | None


@router.get("")
async def show_account(
    request: Request,
    browser: CurrentBrowser,
    settings: AppSettings,
    user: CurrentUser,
    connection: Transaction,
    done: str = "",
) -> Response:
    """Show the account on one page."""
    plan, limits, usage = await usage_of(connection, settings, user.account_id)
    signed_in = await TokenRepository(connection).signed_in(user.user_id)
    values = {
        "user": user,
        "plan": plan,
        "has_billing": settings.has_billing,
        "usage": [*_used(limits, usage)],
        "devices": [each for each in signed_in if not each.is_machine],
        "machines": [each for each in signed_in if each.is_machine],
        "sessions": await SessionRepository(connection).of_user(user.user_id),
        "teams": await OwnershipRepository(connection).owned(user.user_id),
        "done": _DONE.get(done),
        "origin": advertised_origin(request),
    }
    return render("account.html", browser, settings, values)


def _used(limits: LimitsRead, usage: UsageRead) -> Iterator[Used]:
    prompts = None if limits.prompts is None else f"{limits.prompts:,}"
    yield Used("Prompts", f"{usage.prompts:,}", prompts)
    storage = None if limits.storage is None else _megabytes(limits.storage)
    yield Used("Storage", _megabytes(usage.storage or 0), storage)


def _megabytes(size: int) -> str:
    return f"{size / 1_000_000:,.1f} MB"


@router.post("/devices", name="sign_out_device")
@router.post("/sessions", name="end_session")
async def sign_out(
    user: CurrentUser,
    connection: Transaction,
    device_id: Annotated[UUID | None, Form()] = None,
    session_id: Annotated[UUID | None, Form()] = None,
) -> Response:
    """Sign out a device or machine, or a browser; a second click does no harm."""
    if device_id is None and session_id is None:
        raise InvalidInputError("This form names nothing to sign out.")
    if device_id is not None:
        await TokenRepository(connection).revoke(user.user_id, device_id)
    if session_id is not None:
        await SessionRepository(connection).delete_one(user.user_id, session_id)
    return redirect("/account?done=signed-out")


@router.get("/export")
async def export_account(database: AppDatabase, user: CurrentUser) -> Response:
    """Return all prompts with all versions, in a format of `promptvault import`."""
    return download_export(database, user.user_id, user.account_id)
