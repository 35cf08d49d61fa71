"""Sync over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Header, Query, Request, Response
from starlette.background import BackgroundTask

from promptvault.server.dependencies import AppSettings, Transaction
from promptvault.server.guard import Authenticated
from promptvault.server.http.compression import compressed
from promptvault.server.http.json_body import documented, read_json
from promptvault.server.sync.reading import request_of
from promptvault.server.sync.service import limits_of, synchronise, versions_of
from promptvault.wire.error import ErrorRead
from promptvault.wire.sync import SyncAnswer, SyncRequest, VersionsRead

router = APIRouter(tags=["sync"])
_AcceptEncoding = Annotated[str, Header()]
_After = Annotated[str, Query(pattern=r"^(\d{1,18}\.\d{1,9})?$")]


@router.post(
    "/sync",
    response_model=SyncAnswer,
    responses={
        402: {"model": SyncAnswer, "description": "Done, but for what did not fit."},
        426: {"model": ErrorRead, "description": "No common version of the protocol."},
    },
    openapi_extra=documented(SyncRequest),
)
async def sync(http: Request) -> Response:
    """Take what a device has changed, and tell what it has not seen."""
    # Nothing as a parameter: FastAPI would read the body before it asks who sends it,
    # and takes a hundredth of the request's time to fill one.
    request = await read_json(http, request_of)
    state = http.app.state
    settings = state.settings
    async with state.database.transaction() as connection:
        answer, moved = await synchronise(
            connection,
            http.state.bearer,
            request,
            limits_of(settings),
            settings.storage_limit,
        )
    over = any(vault.status == "quota" for vault in answer.vaults)
    body = answer.model_dump_json(exclude_unset=True).encode()
    encodings = http.headers.get("accept-encoding", "")
    response = compressed(body, encodings, 402 if over else 200)
    if moved:
        response.background = BackgroundTask(state.hub.publish, moved)
    return response  # the transaction has committed; after it is sent they are told


@router.get(
    "/vaults/{vault}/items/{item}/versions",
    response_model=VersionsRead,
    responses={404: {"model": ErrorRead, "description": "There is no such prompt."}},
)
async def versions(
    vault: UUID,
    item: UUID,
    connection: Transaction,
    bearer: Authenticated,
    settings: AppSettings,
    after: _After = "",
    accept_encoding: _AcceptEncoding = "",
) -> Response:
    """Tell versions of a prompt, in the order of their numbers, a page at a time.

    What the answer calls `next` is the `after` of the page that follows.
    """
    seq, position = map(int, after.split(".")) if after else (0, 0)
    most = settings.versions_limit
    found = await versions_of(connection, bearer, vault, item, (seq, position), most)
    return compressed(found.model_dump_json().encode(), accept_encoding)
