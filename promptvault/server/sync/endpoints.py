"""Sync over HTTP."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Header, Query, Request, Response
from pydantic import TypeAdapter
from starlette.background import BackgroundTask

from promptvault.server.dependencies import AppSettings, Transaction, account_slot
from promptvault.server.guard import Authenticated
from promptvault.server.http.compression import compressed
from promptvault.server.http.json_body import documented, read_json, validated
from promptvault.server.sync.service import limits_of, synchronise, versions_of
from promptvault.wire.error import ErrorRead
from promptvault.wire.sync import Push, SyncAnswer, SyncRequest, VersionsRead

router = APIRouter(tags=["sync"])
_AcceptEncoding = Annotated[str, Header()]
_After = Annotated[str, Query(pattern=r"^(\d{1,18}\.\d{1,9})?$")]

_PUSH: TypeAdapter[Push] = TypeAdapter(Push)
_FEW_PUSHES = 8
"""Up to so many pushes of a vault are validated in one call."""


@router.post(
    "/sync",
    response_model=SyncAnswer,
    responses={
        402: {"model": SyncAnswer, "description": "Done, except what did not fit."},
        426: {"model": ErrorRead, "description": "No common version of the protocol."},
    },
    openapi_extra=documented(SyncRequest),
)
async def sync(http: Request) -> Response:
    """Store a device's changes, and return those that it has not read."""
    # The body is no parameter: FastAPI would read it before the guard has checked the
    # token. Settings and database are none either: each parameter costs about one
    # percent of the request's time.
    state = http.app.state
    settings = state.settings
    async with account_slot(http):
        request = await read_json(http, _parse_request)
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
    if moved:  # the transaction has committed; others are notified after the answer
        response.background = BackgroundTask(state.hub.publish, moved)
    return response


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
    """Return versions of a prompt in the order of their numbers, a page at a time.

    Pass the answer's `next` as `after` to get the following page.
    """
    seq, position = map(int, after.split(".")) if after else (0, 0)
    most = settings.versions_limit
    found = await versions_of(connection, bearer, vault, item, (seq, position), most)
    return compressed(found.model_dump_json().encode(), accept_encoding)


def _parse_request(data: Any) -> SyncRequest:
    """Return the request in decoded JSON.

    Many pushes are validated one by one: pydantic holds the interpreter during a call,
    and the event loop runs between calls. Raises OutdatedError, RequestValidationError.
    """
    pushes = _take_pushes(data)
    request = validated(SyncRequest.model_validate, data)
    for number, each in pushes.items():
        request.vaults[number].push = [
            validated(_PUSH.validate_python, push, "vaults", number, "push", index)
            for index, push in enumerate(each)
        ]
    return request


def _take_pushes(data: Any) -> dict[int, list[Any]]:
    """Remove the pushes from each vault that has many; return them by its index."""
    vaults = data.get("vaults") if isinstance(data, dict) else None
    return {
        number: vault.pop("push")
        for number, vault in enumerate(vaults if isinstance(vaults, list) else ())
        if isinstance(vault, dict)
        and isinstance(vault.get("push"), list)
        and len(vault["push"]) > _FEW_PUSHES
    }
