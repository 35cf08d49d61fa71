"""The device flow over HTTP; forms go in, as OAuth has it."""

from collections.abc import Callable, Coroutine
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute

from promptvault.server.dependencies import AppSettings, Transaction
from promptvault.server.device_code import service
from promptvault.server.http.address import told_origin, visitor_address
from promptvault.wire.device_code import (
    DeviceCodeCreate,
    DeviceCodeRead,
    DeviceTokenCreate,
    DeviceTokenRead,
    OAuthErrorCode,
    OAuthErrorRead,
)
from promptvault.wire.error import ErrorRead

_WRONG = {
    "client_id": OAuthErrorCode.INVALID_CLIENT,
    "grant_type": OAuthErrorCode.UNSUPPORTED_GRANT_TYPE,
}
"""What OAuth calls a field that holds something that is not known."""


class _OAuthRoute(APIRoute):
    """Says as OAuth has it (RFC 6749, 5.2) what is wrong with a request."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return what answers a request."""
        handle = super().get_route_handler()

        async def answer(request: Request) -> Response:
            try:
                return await handle(request)
            except RequestValidationError as error:
                return _refusal(error)

        return answer


def _refusal(error: RequestValidationError) -> Response:
    problem = error.errors()[0]
    field, code = str(problem["loc"][-1]), OAuthErrorCode.INVALID_REQUEST
    if problem["type"] == "literal_error":
        code = _WRONG.get(field, code)
    description = f"{field} is missing, or nothing that this server knows."
    body = OAuthErrorRead(error=code, error_description=description)
    return JSONResponse(body.model_dump(), 400)


router = APIRouter(prefix="/device", tags=["device sign-in"])
token_router = APIRouter(route_class=_OAuthRoute)


@router.post("/code")
async def start_device_sign_in(
    request: Request,
    connection: Transaction,
    settings: AppSettings,
    wish: Annotated[DeviceCodeCreate, Form()],
) -> DeviceCodeRead:
    """Begin to sign a device in: show the code to its user, and poll for a token."""
    ip = visitor_address(request, settings.trusted_proxies)
    origin = told_origin(request)
    return await service.start(connection, settings, wish, ip=ip, origin=origin)


@token_router.post(
    "/token",
    response_model=DeviceTokenRead,
    responses={
        400: {
            "model": OAuthErrorRead | ErrorRead,
            "description": "No token, or not yet.",
        }
    },
)
async def exchange_device_code(
    connection: Transaction,
    settings: AppSettings,
    wish: Annotated[DeviceTokenCreate, Form()],
) -> DeviceTokenRead | JSONResponse:
    """Return the token of a device that was approved: once, and bound to it."""
    answer = await service.exchange(connection, settings, wish.device_code)
    if isinstance(answer, OAuthErrorRead):
        return JSONResponse(answer.model_dump(), 400)
    return answer


router.include_router(token_router)
