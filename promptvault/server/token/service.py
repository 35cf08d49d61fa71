"""Access tokens: issued and authenticated."""

from collections.abc import Sequence
from enum import StrEnum
from uuid import UUID

from promptvault.server.database import Connection
from promptvault.server.limit.service import raise_if_exhausted
from promptvault.server.settings import Settings
from promptvault.server.token.repository import Bearer, TokenRepository
from promptvault.server.token.secret import hash_secret, make_token
from promptvault.wire.device_code import MANAGE_SCOPE


class Scope(StrEnum):
    """What a token allows."""

    SYNC_READ = "sync:read"
    SYNC_WRITE = "sync:write"
    AI_USE = "ai:use"
    TEAM_ADMIN = MANAGE_SCOPE


DEVICE_SCOPES: tuple[Scope, ...] = (
    Scope.SYNC_READ,
    Scope.SYNC_WRITE,
    Scope.AI_USE,
)
"""The scopes of a device's token, unless it was approved to manage teams too."""
MANAGING_SCOPES = (*DEVICE_SCOPES, Scope.TEAM_ADMIN)


async def issue(
    connection: Connection,
    settings: Settings,
    *,
    user_id: UUID,
    name: str,
    device_id: UUID | None = None,
    scopes: Sequence[Scope] = DEVICE_SCOPES,
) -> str:
    """Make a token and return it. It cannot be read again: only its hash is stored."""
    token = make_token()
    await TokenRepository(connection).add(
        hash_secret(settings.key, token),
        user_id=user_id,
        device_id=device_id,
        name=name,
        scopes=[*scopes],
        life=settings.token_life,
    )
    return token


async def authenticate(
    connection: Connection, settings: Settings, token: str
) -> Bearer | None:
    """Return the bearer of *token*; None if it is not valid.

    Raises RateLimitedError. *connection* must commit each statement by itself, so that
    the request counts even if it fails.
    """
    tokens, limit = TokenRepository(connection), settings.request_limit
    bearer = await tokens.find_bearer(
        hash_secret(settings.key, token), limit, settings.account_limit
    )
    if bearer is None:
        return None
    raise_if_exhausted(bearer.requests_left, limit)
    raise_if_exhausted(bearer.account_requests_left or 0, settings.account_limit)
    if bearer.is_touch_due:
        await tokens.touch(bearer, settings.token_life)
    return bearer
