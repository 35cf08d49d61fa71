"""Accounts over HTTP."""

from fastapi import APIRouter

from promptvault.server.account.service import describe
from promptvault.server.dependencies import Transaction
from promptvault.server.guard import Authenticated
from promptvault.wire.account import MeRead

router = APIRouter(tags=["account"])


@router.get("/me")
async def me(connection: Transaction, bearer: Authenticated) -> MeRead:
    """Tell who the token belongs to, what they may use, and what they do."""
    return await describe(connection, bearer)
