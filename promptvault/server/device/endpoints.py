"""Devices over HTTP."""

from dataclasses import asdict
from uuid import UUID

from fastapi import APIRouter

from promptvault.errors import NotFoundError
from promptvault.server.dependencies import Transaction
from promptvault.server.guard import Authenticated
from promptvault.server.token.repository import TokenRepository
from promptvault.wire.device import SignedInRead
from promptvault.wire.error import ErrorRead

router = APIRouter(tags=["device"])


@router.get("/devices")
async def list_devices(
    connection: Transaction, bearer: Authenticated
) -> list[SignedInRead]:
    """List the user's devices and machine tokens, the last used first."""
    found = await TokenRepository(connection).signed_in(bearer.user_id, bearer.token_id)
    return [SignedInRead(**asdict(each)) for each in found]


@router.delete(
    "/devices/{device_id}", status_code=204, responses={404: {"model": ErrorRead}}
)
async def revoke_device(
    device_id: UUID, connection: Transaction, bearer: Authenticated
) -> None:
    """Sign out a device, or revoke a machine token."""
    if not await TokenRepository(connection).revoke(bearer.user_id, device_id):
        raise NotFoundError("Nothing is signed in with this id.")
