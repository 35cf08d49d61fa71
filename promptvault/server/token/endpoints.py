"""Tokens over HTTP: a token can revoke itself, or all tokens of its user."""

from fastapi import APIRouter

from promptvault.server.dependencies import Transaction
from promptvault.server.guard import Authenticated
from promptvault.server.token.repository import TokenRepository

router = APIRouter(tags=["token"])


@router.delete("/token", status_code=204)
async def revoke_token(connection: Transaction, bearer: Authenticated) -> None:
    """Sign out the device or machine that sends the request."""
    signed_in_id = bearer.device_id or bearer.token_id
    await TokenRepository(connection).revoke(bearer.user_id, signed_in_id)


@router.delete("/tokens", status_code=204)
async def revoke_every_token(connection: Transaction, bearer: Authenticated) -> None:
    """Sign out all devices and machines of the user."""
    await TokenRepository(connection).revoke_every(bearer.user_id)
