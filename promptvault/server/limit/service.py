"""Refuse who comes too often: by address before anything else, or by a key of one's
own."""

import secrets

from fastapi import Request

from promptvault.errors import RateLimitedError
from promptvault.server.database import Connection
from promptvault.server.http.address import visitor_network
from promptvault.server.limit.repository import LimitRepository
from promptvault.server.limit.rule import (
    ROUTE_LIMITS,
    UNKNOWN_TOKENS,
    Limit,
)

_CLEANING_ODDS = 1000


async def take(connection: Connection, limit: Limit, key: str) -> None:
    """Count one more for *key*; raises RateLimitedError, which says when to come back.

    It counts when the transaction commits: an endpoint that raises after it was not
    counted, so attempts that fail must end in an answer.
    """
    refuse_below_zero(await LimitRepository(connection).take(key, limit), limit)


def refuse_below_zero(left: float, limit: Limit) -> None:
    """Raise RateLimitedError where nothing was *left* in a bucket."""
    if left < 0:
        raise RateLimitedError(
            "Too many requests: wait a little and try again.", -left / limit.per_second
        )


async def restrain(request: Request) -> None:
    """Refuse a visitor who comes too often to a route that has a limit.

    It is counted in a transaction of its own, and before the request's begins: a
    request must not hold one connection while it waits for another.
    """
    name = request.scope["route"].name
    limit = ROUTE_LIMITS.get(name)
    if limit is None:
        return
    state = request.app.state
    async with (
        state.address_turns.turn(network(request)),
        state.database.transaction() as connection,
    ):
        await take(connection, limit, f"{name}:{network(request)}")
        if secrets.randbelow(_CLEANING_ODDS) == 0:
            await LimitRepository(connection).forget_idle()


async def count_stranger(request: Request, connection: Connection) -> None:
    """Count a token that is good for nothing against the visitor who sends it.

    Raises RateLimitedError. As with `take`, it counts when the transaction commits.
    """
    await take(connection, UNKNOWN_TOKENS, f"unknown token:{network(request)}")


def network(request: Request) -> str:
    """Return what counts as one visitor, by address."""
    return visitor_network(request, request.app.state.settings.trusted_proxies)
