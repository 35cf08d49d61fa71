"""Devices over HTTP."""

from uuid import UUID

from fastapi import APIRouter

from promptvault.server.dependencies import Transaction
from promptvault.server.device import service
from promptvault.server.guard import Authenticated
from promptvault.wire.device import SignedInRead
from promptvault.wire.error import ErrorRead

router = APIRouter(tags=["device"])


@router.get("/devices")
async def list_devices(
    connection: Transaction, bearer: Authenticated
) -> list[SignedInRead]:
    """List what is signed in: devices, and machines with a token of their own."""
    return await service.signed_in(connection, bearer)


@router.delete(
    "/devices/{device_id}", status_code=204, responses={404: {"model": ErrorRead}}
)
async def revoke_device(
    device_id: UUID, connection: Transaction, bearer: Authenticated
) -> None:
    """Sign a device out, or a machine."""
    await service.sign_out(connection, bearer.user_id, device_id)
