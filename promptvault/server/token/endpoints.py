"""Tokens over HTTP: whoever holds one may end it."""

from fastapi import APIRouter

from promptvault.server.dependencies import Transaction
from promptvault.server.guard import Authenticated
from promptvault.server.token.repository import TokenRepository

router = APIRouter(tags=["token"])


@router.delete("/token", status_code=204)
async def revoke_token(connection: Transaction, bearer: Authenticated) -> None:
    """Sign out what asks."""
    signed_in_id = bearer.device_id or bearer.token_id
    await TokenRepository(connection).revoke(bearer.user_id, signed_in_id)


@router.delete("/tokens", status_code=204)
async def revoke_every_token(connection: Transaction, bearer: Authenticated) -> None:
    """Sign out every device of the user who asks, and every machine."""
    await TokenRepository(connection).revoke_every(bearer.user_id)
