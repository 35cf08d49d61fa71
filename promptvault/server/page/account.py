"""The page of an account: who, what is used of it, and what is signed in to it."""

from collections.abc import Iterator
from typing import Annotated, NamedTuple
from uuid import UUID

from fastapi import APIRouter, Form, Request
from fastapi.responses import StreamingResponse
from starlette.responses import Response

from promptvault.server.account.export import stream
from promptvault.server.account.service import usage_of
from promptvault.server.dependencies import AppDatabase, AppSettings, Transaction
from promptvault.server.http.address import told_origin
from promptvault.server.page.browser import CurrentBrowser, CurrentUser
from promptvault.server.page.rendering import redirect, render
from promptvault.server.session.repository import SessionRepository
from promptvault.server.token.repository import TokenRepository
from promptvault.wire.account import LimitsRead, UsageRead

router = APIRouter(prefix="/account")

_DONE = {
    "signed-out": "It is signed out.",
    "password": "Your password is changed. Other browsers are signed out.",
}
"""What is said after a form was sent; whatever else stands in the address is not."""


class Used(NamedTuple):
    """How much of one allowance is used."""

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
    """Show everything about an account on one page."""
    plan, limits, usage = await usage_of(connection, settings, user.account_id)
    signed_in = await TokenRepository(connection).signed_in(user.user_id)
    values = {
        "user": user,
        "plan": plan,
        "usage": [*_used(limits, usage)],
        "devices": [each for each in signed_in if not each.is_machine],
        "machines": [each for each in signed_in if each.is_machine],
        "sessions": await SessionRepository(connection).of_user(user.user_id),
        "done": _DONE.get(done),
        "origin": told_origin(request),
    }
    return render("account.html", browser, settings, values)


def _used(limits: LimitsRead, usage: UsageRead) -> Iterator[Used]:
    prompts = None if limits.prompts is None else f"{limits.prompts:,}"
    yield Used("Prompts", f"{usage.prompts:,}", prompts)
    storage = None if limits.storage is None else _megabytes(limits.storage)
    yield Used("Storage", _megabytes(usage.storage or 0), storage)


def _megabytes(size: int) -> str:
    return f"{size / 1_000_000:,.1f} MB"


@router.post("/devices")
async def sign_out_device(
    user: CurrentUser, connection: Transaction, device_id: Annotated[UUID, Form()]
) -> Response:
    """Sign a device out, or a machine; who clicks twice is told the same."""
    await TokenRepository(connection).revoke(user.user_id, device_id)
    return redirect("/account?done=signed-out")


@router.post("/sessions")
async def end_session(
    user: CurrentUser, connection: Transaction, session_id: Annotated[UUID, Form()]
) -> Response:
    """Sign a browser out."""
    await SessionRepository(connection).delete_one(user.user_id, session_id)
    return redirect("/account?done=signed-out")


@router.get("/export")
async def export_account(database: AppDatabase, user: CurrentUser) -> Response:
    """Give all prompts with all their versions, as `promptvault import` reads them."""
    pieces = stream(database.transaction, user.user_id, user.account_id)
    name = "attachment; filename=promptvault-export.json"
    return StreamingResponse(
        pieces, media_type="application/json", headers={"Content-Disposition": name}
    )
