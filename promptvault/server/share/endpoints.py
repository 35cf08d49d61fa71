"""Shares over HTTP, for those who make them."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request

from promptvault.server.dependencies import AppDatabase, Transaction, account_slot
from promptvault.server.guard import Authenticated
from promptvault.server.http.address import advertised_origin
from promptvault.server.http.json_body import documented, read_model
from promptvault.server.share import service
from promptvault.wire.error import ErrorRead
from promptvault.wire.share import ShareCreate, ShareRead, SharesRead, ShareUpdate

router = APIRouter(tags=["share"], prefix="/shares")

_LONGEST_CURSOR = 200
_NOT_FOUND: dict[int | str, dict[str, Any]] = {
    404: {"model": ErrorRead, "description": "There is no such share."}
}


@router.post(
    "",
    status_code=201,
    responses={
        402: {"model": ErrorRead, "description": "Too many shares for the plan."},
        404: {"model": ErrorRead, "description": "There is no such prompt."},
        409: {"model": ErrorRead, "description": "It seems to hold a secret."},
    },
    openapi_extra=documented(ShareCreate),
)
async def create_share(
    http: Request, database: AppDatabase, bearer: Authenticated
) -> ShareRead:
    """Make a link by which anybody can read one prompt."""
    wanted = await read_model(http, ShareCreate)
    origin = advertised_origin(http)
    async with account_slot(http):
        return await service.create_share(database, bearer, origin, wanted)


@router.get("")
async def list_shares(
    http: Request,
    connection: Transaction,
    bearer: Authenticated,
    vault: UUID | None = None,
    item: UUID | None = None,
    ended: bool = False,
    limit: Annotated[int, Query(ge=1, le=100)] = 100,
    before: Annotated[str, Query(max_length=_LONGEST_CURSOR)] = "",
) -> SharesRead:
    """List the shares that the user manages, the newest first: live or ended ones."""
    return await service.list_shares(
        connection,
        bearer,
        advertised_origin(http),
        vault=vault,
        item=item,
        ended=ended,
        before=before,
        limit=limit,
    )


@router.patch(
    "/{share_id}",
    responses={
        **_NOT_FOUND,
        402: {"model": ErrorRead, "description": "Too many shares for the plan."},
        409: {"model": ErrorRead, "description": "The share is revoked."},
    },
    openapi_extra=documented(ShareUpdate),
)
async def update_share(
    share_id: UUID, http: Request, database: AppDatabase, bearer: Authenticated
) -> ShareRead:
    """Change when a share ends, its password, or how often it can be viewed."""
    wanted = await read_model(http, ShareUpdate)
    origin = advertised_origin(http)
    async with account_slot(http):
        return await service.update_share(database, bearer, origin, share_id, wanted)


@router.delete("/{share_id}", status_code=204, responses=_NOT_FOUND)
async def revoke_share(
    share_id: UUID, connection: Transaction, bearer: Authenticated
) -> None:
    """End a share for good; a second time nothing happens."""
    await service.revoke_share(connection, bearer, share_id)
