"""The device authorization grant over HTTP (RFC 8628). Requests are forms."""

from collections.abc import Callable, Coroutine
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute

from promptvault.server.dependencies import AppSettings, Transaction
from promptvault.server.device_code import service
from promptvault.server.http.address import advertised_origin, visitor_address
from promptvault.wire.device_code import (
    DeviceCodeCreate,
    DeviceCodeRead,
    DeviceTokenCreate,
    DeviceTokenRead,
    OAuthErrorCode,
    OAuthErrorRead,
)
from promptvault.wire.error import ErrorRead

_UNKNOWN_VALUE = {
    "client_id": OAuthErrorCode.INVALID_CLIENT,
    "grant_type": OAuthErrorCode.UNSUPPORTED_GRANT_TYPE,
}
"""OAuth's error codes for fields with an unknown value."""


class _OAuthRoute(APIRoute):
    """Answers an invalid request with an error of OAuth (RFC 6749, 5.2)."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler of requests."""
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
        code = _UNKNOWN_VALUE.get(field, code)
    description = f"{field} is missing, or has a value that this server does not know."
    body = OAuthErrorRead(error=code, error_description=description)
    return JSONResponse(body.model_dump(), 400)


router = APIRouter(prefix="/device", tags=["device sign-in"])
token_router = APIRouter(route_class=_OAuthRoute)


@router.post("/code")
async def start_device_sign_in(
    request: Request,
    connection: Transaction,
    settings: AppSettings,
    asked: Annotated[DeviceCodeCreate, Form()],
) -> DeviceCodeRead:
    """Start the sign-in of a device, which shows the code and polls for a token."""
    ip = visitor_address(request, settings.trusted_proxies)
    origin = advertised_origin(request)
    return await service.start(connection, settings, asked, ip=ip, origin=origin)


@token_router.post(
    "/token",
    response_model=DeviceTokenRead,
    responses={
        400: {
            "model": OAuthErrorRead | ErrorRead,
            "description": "There is no token, or not yet.",
        }
    },
)
async def exchange_device_code(
    connection: Transaction,
    settings: AppSettings,
    asked: Annotated[DeviceTokenCreate, Form()],
) -> DeviceTokenRead | JSONResponse:
    """Return the token of an approved device, once."""
    answer = await service.exchange(connection, settings, asked.device_code)
    if isinstance(answer, OAuthErrorRead):
        return JSONResponse(answer.model_dump(), 400)
    return answer


router.include_router(token_router)
