"""Accounts over HTTP."""

from typing import Any

from fastapi import APIRouter
from fastapi.responses import StreamingResponse

from promptvault.server.account.export import stream
from promptvault.server.account.service import describe
from promptvault.server.dependencies import AppDatabase, AppSettings, Transaction
from promptvault.server.guard import Authenticated
from promptvault.wire.account import MeRead

router = APIRouter(tags=["account"])


@router.get("/me")
async def me(
    connection: Transaction, settings: AppSettings, bearer: Authenticated
) -> MeRead:
    """Tell who the token belongs to, what they may use, and what they do."""
    return await describe(connection, settings, bearer)


@router.get("/me/export", response_model=list[dict[str, Any]])
async def export_me(database: AppDatabase, bearer: Authenticated) -> StreamingResponse:
    """Give all prompts with all their versions, as `promptvault import` reads them."""
    pieces = stream(database.transaction, bearer.user_id, bearer.account_id)
    name = "attachment; filename=promptvault-export.json"
    return StreamingResponse(
        pieces, media_type="application/json", headers={"Content-Disposition": name}
    )
