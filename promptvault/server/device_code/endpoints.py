"""The device flow over HTTP; forms go in, as OAuth has it."""

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import JSONResponse

from promptvault.server.address import visitor_address
from promptvault.server.dependencies import AppSettings, Transaction
from promptvault.server.device_code import service
from promptvault.wire.device_code import (
    DeviceCodeCreate,
    DeviceCodeRead,
    DeviceTokenCreate,
    DeviceTokenRead,
    OAuthErrorRead,
)
from promptvault.wire.error import ErrorRead

router = APIRouter(prefix="/device", tags=["device sign-in"])


@router.post("/code")
async def start_device_sign_in(
    request: Request,
    connection: Transaction,
    settings: AppSettings,
    wish: Annotated[DeviceCodeCreate, Form()],
) -> DeviceCodeRead:
    """Begin to sign a device in: show the code to its user, and poll for a token."""
    ip = visitor_address(request, settings.trusted_proxies)
    return await service.start(connection, settings, wish, ip)


@router.post(
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
