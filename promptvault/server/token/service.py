"""Access tokens: issued and authenticated."""

from collections.abc import Sequence
from enum import StrEnum
from uuid import UUID

from promptvault.errors import AuthenticationError
from promptvault.server.database import Connection
from promptvault.server.limit.service import raise_if_exhausted
from promptvault.server.redis.client import RedisAwayError
from promptvault.server.settings import Settings
from promptvault.server.token.known_bearers import KnownBearers
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
    connection: Connection,
    settings: Settings,
    token: str,
    known: KnownBearers | None = None,
) -> Bearer | None:
    """Return the bearer of *token*; None if it is not valid.

    Raises RateLimitedError. *connection* must commit each statement by itself, so that
    the request counts even if it fails. It counts in *known* if that is given and
    Redis answers.
    """
    tokens, limit = TokenRepository(connection), settings.request_limit
    hashed = hash_secret(settings.key, token)
    try:
        bearer = await _counted_in_redis(tokens, hashed, known)
    except RedisAwayError:
        bearer = await tokens.find_bearer(hashed, limit, settings.account_limit)
    if bearer is None:
        return None
    raise_if_exceeded(bearer, settings)
    if bearer.is_touch_due:
        await tokens.touch(bearer, settings.token_life)
    return bearer


def invalid_token() -> AuthenticationError:
    """Return the error for a token that is not valid, or not any more."""
    return AuthenticationError(
        "The token is unknown, expired or revoked: sign in again."
    )


async def _counted_in_redis(
    tokens: TokenRepository, hashed: str, known: KnownBearers | None
) -> Bearer | None:
    if known is None:
        raise RedisAwayError
    bearer = await tokens.find(hashed)
    return None if bearer is None else await known.add(hashed, bearer)


async def find_known(
    known: KnownBearers | None, settings: Settings, token: str
) -> Bearer | None:
    """Return the bearer of *token*, not confirmed, if Redis knows it.

    The request is counted then. Raises RateLimitedError.
    """
    if known is None:
        return None
    try:
        bearer = await known.find(hash_secret(settings.key, token))
    except RedisAwayError:
        return None
    if bearer is not None:
        raise_if_exceeded(bearer, settings)
    return bearer


def raise_if_exceeded(bearer: Bearer, settings: Settings) -> None:
    """Raise RateLimitedError if the bearer's device or account has nothing left."""
    raise_if_exhausted(bearer.requests_left, settings.request_limit)
    raise_if_exhausted(bearer.account_requests_left or 0, settings.account_limit)
