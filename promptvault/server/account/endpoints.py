"""Accounts over HTTP."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import StreamingResponse

from promptvault.server.account.export import stream
from promptvault.server.account.service import describe
from promptvault.server.database import Database
from promptvault.server.dependencies import AppDatabase, AppSettings, Transaction
from promptvault.server.guard import Authenticated
from promptvault.wire.account import MeRead

router = APIRouter(tags=["account"])


@router.get("/me")
async def me(
    connection: Transaction, settings: AppSettings, bearer: Authenticated
) -> MeRead:
    """Return the token's user and device, the account's limits and its usage."""
    return await describe(connection, settings, bearer)


@router.get("/me/export", response_model=list[dict[str, Any]])
async def export_me(database: AppDatabase, bearer: Authenticated) -> StreamingResponse:
    """Return all prompts with all versions, in a format of `promptvault import`."""
    return download_export(database, bearer.user_id, bearer.account_id)


def download_export(
    database: Database, user_id: UUID, account_id: UUID
) -> StreamingResponse:
    """Return an answer that browsers save as a file with the user's prompts."""
    pieces = stream(database.transaction, user_id, account_id)
    name = "attachment; filename=promptvault-export.json"
    return StreamingResponse(
        pieces, media_type="application/json", headers={"Content-Disposition": name}
    )
