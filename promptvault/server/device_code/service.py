"""The sign-in of a device: start, approval or denial, exchange for a token."""

from datetime import timedelta
from typing import Literal
from uuid import UUID

from promptvault.errors import UnavailableError
from promptvault.server.database import Connection
from promptvault.server.device.repository import DeviceRepository
from promptvault.server.device_code.code import (
    find_user_code,
    make_device_code,
    make_user_code,
)
from promptvault.server.device_code.repository import (
    Approval,
    Decision,
    DeviceCodeRepository,
    Poll,
    WaitingDevice,
)
from promptvault.server.settings import Settings
from promptvault.server.token.secret import hash_secret
from promptvault.server.token.service import DEVICE_SCOPES, MANAGING_SCOPES, issue
from promptvault.wire.device_code import (
    MANAGE_SCOPE,
    DeviceCodeCreate,
    DeviceCodeRead,
    DeviceTokenRead,
    OAuthErrorCode,
    OAuthErrorRead,
)

LIFE = timedelta(minutes=10)
INTERVAL = 5
"""Seconds between two polls of a device."""
_TOLERANCE = 1
"""Seconds by which a poll may come too early."""
_TRIES = 5

_DESCRIPTIONS = {
    OAuthErrorCode.AUTHORIZATION_PENDING: "The device is not approved yet.",
    OAuthErrorCode.SLOW_DOWN: "Poll less often: wait 5 seconds longer from now on.",
    OAuthErrorCode.EXPIRED_TOKEN: "The code has expired: start again.",
    OAuthErrorCode.ACCESS_DENIED: "The device was denied.",
    OAuthErrorCode.INVALID_GRANT: "The code is unknown, or was used before.",
}


async def start(
    connection: Connection,
    settings: Settings,
    asked: DeviceCodeCreate,
    *,
    ip: str,
    origin: str,
) -> DeviceCodeRead:
    """Store a device's request, and return its codes.

    *ip* is the device's address, *origin* the URL at which it reaches the server.
    """
    codes = DeviceCodeRepository(connection)
    await codes.forget_old()
    device_code = make_device_code()
    code_hash = hash_secret(settings.key, device_code)
    user_code = await _add(codes, code_hash, asked, ip)
    uri = f"{origin}/device"
    return DeviceCodeRead(
        device_code=device_code,
        user_code=user_code,
        verification_uri=uri,
        verification_uri_complete=f"{uri}?user_code={user_code}",
        expires_in=int(LIFE.total_seconds()),
        interval=INTERVAL,
        scope=" ".join(MANAGING_SCOPES if _wants_manage(asked) else DEVICE_SCOPES),
    )


def _wants_manage(asked: DeviceCodeCreate) -> bool:
    return MANAGE_SCOPE in asked.scope.split()


async def _add(
    codes: DeviceCodeRepository, code_hash: str, asked: DeviceCodeCreate, ip: str
) -> str:
    for _ in range(_TRIES):
        user_code = make_user_code()
        if await codes.add(
            code_hash,
            user_code,
            label=asked.device_label,
            os=asked.device_os,
            ip=ip,
            life=LIFE,
            interval=INTERVAL,
            wants_manage=_wants_manage(asked),
        ):
            return user_code
    raise UnavailableError("No code is free: try again.")


async def find_pending(connection: Connection, typed: str) -> WaitingDevice | None:
    """Return the device that waits with a typed code, or None."""
    user_code = find_user_code(typed)
    if user_code is None:
        return None
    return await DeviceCodeRepository(connection).find_pending(user_code)


async def decide(
    connection: Connection,
    user_id: UUID,
    typed: str,
    status: Literal["approved", "denied"],
    *,
    may_manage: bool,
) -> bool:
    """Approve or deny a waiting device; return False if there is none.

    With *may_manage* the device may manage teams, if it has asked for that.
    """
    user_code = find_user_code(typed)
    if user_code is None:
        return False
    codes = DeviceCodeRepository(connection)
    may_manage = may_manage and status == "approved"
    return await codes.decide(user_code, user_id, status, may_manage)


async def find_decision(
    connection: Connection, user_id: UUID, typed: str
) -> Decision | None:
    """Return what a user decided about the device with a typed code, or None."""
    user_code = find_user_code(typed)
    if user_code is None:
        return None
    return await DeviceCodeRepository(connection).find_decision(user_code, user_id)


async def exchange(
    connection: Connection, settings: Settings, device_code: str
) -> DeviceTokenRead | OAuthErrorRead:
    """Return the token of an approved device, once; else the reason for none.

    The reason is returned and not raised, because the poll must be stored.
    """
    codes = DeviceCodeRepository(connection)
    code_hash = hash_secret(settings.key, device_code)
    approval = await codes.exchange(code_hash)
    if approval is not None:
        return await _sign_in(connection, settings, approval)
    error = _reason(await codes.poll(code_hash, _TOLERANCE))
    return OAuthErrorRead(error=error, error_description=_DESCRIPTIONS[error])


async def _sign_in(
    connection: Connection, settings: Settings, approval: Approval
) -> DeviceTokenRead:
    device = await DeviceRepository(connection).add(
        approval.user_id, approval.device_label, approval.device_os
    )
    scopes = DEVICE_SCOPES
    if approval.may_manage:
        scopes = MANAGING_SCOPES
        await DeviceCodeRepository(connection).note_manager(approval)
    token = await issue(
        connection,
        settings,
        user_id=approval.user_id,
        name=approval.device_label,
        device_id=device.id,
        scopes=scopes,
    )
    return DeviceTokenRead(
        access_token=token,
        expires_in=int(settings.token_life.total_seconds()),
        scope=" ".join(scopes),
    )


def _reason(poll: Poll | None) -> OAuthErrorCode:
    if poll is None or poll.status == "used":
        return OAuthErrorCode.INVALID_GRANT
    if poll.is_expired:
        return OAuthErrorCode.EXPIRED_TOKEN
    if poll.status == "denied":
        return OAuthErrorCode.ACCESS_DENIED
    if poll.is_hasty:
        return OAuthErrorCode.SLOW_DOWN
    return OAuthErrorCode.AUTHORIZATION_PENDING
