"""Rate limits: by the visitor's address for a route, or by any other key."""

import secrets

from fastapi import Request

from promptvault.errors import RateLimitedError
from promptvault.server.database import Connection, Database
from promptvault.server.http.address import visitor_network
from promptvault.server.limit.redis_repository import RedisLimitRepository
from promptvault.server.limit.repository import LimitRepository
from promptvault.server.limit.rule import (
    ROUTE_LIMITS,
    UNKNOWN_TOKENS,
    Limit,
)
from promptvault.server.redis.client import Redis, RedisAwayError

_CLEANING_ODDS = 1000
"""One request in so many deletes idle buckets."""


async def enforce_limit(connection: Connection, limit: Limit, key: str) -> None:
    """Count one request for *key*.

    Raises RateLimitedError, which says when to try again. The request counts when the
    transaction commits. To count a failed attempt, an endpoint must therefore return an
    answer and not raise.
    """
    raise_if_exhausted(await LimitRepository(connection).take(key, limit), limit)


def raise_if_exhausted(left: float, limit: Limit) -> None:
    """Raise RateLimitedError if *left*, the content of a bucket, is below zero."""
    if left < 0:
        raise RateLimitedError(
            "Too many requests: wait a little and try again.", -left / limit.per_second
        )


async def enforce_route_limit(request: Request) -> None:
    """Raise RateLimitedError if a visitor exceeds the limit of a route, if it has one.

    The request counts in a transaction of its own, which ends before the endpoint's
    begins: a request must not hold one connection while it waits for another.
    """
    name = request.scope["route"].name
    limit = ROUTE_LIMITS.get(name)
    if limit is None:
        return
    state = request.app.state
    network = network_of_request(request)
    async with state.address_slots.slot(network):
        try:
            await _enforce_in_redis(state.redis, limit, f"{name}:{network}")
        except RedisAwayError:
            await _enforce_in_database(state.database, limit, f"{name}:{network}")


async def _enforce_in_redis(redis: Redis | None, limit: Limit, key: str) -> None:
    """Count one request for *key* at once.

    Raises RateLimitedError; RedisAwayError if there is no Redis, or none that answers.
    """
    if redis is None:
        raise RedisAwayError
    raise_if_exhausted(await RedisLimitRepository(redis).take(key, limit), limit)


async def _enforce_in_database(database: Database, limit: Limit, key: str) -> None:
    async with database.transaction() as connection:
        await enforce_limit(connection, limit, key)
        if secrets.randbelow(_CLEANING_ODDS) == 0:
            await LimitRepository(connection).forget_idle()


async def count_unknown_token(request: Request, connection: Connection) -> None:
    """Count an invalid token for the visitor who sent it.

    Raises RateLimitedError. As in `enforce_limit`, it counts when the transaction
    commits.
    """
    key = f"unknown token:{network_of_request(request)}"
    try:
        await _enforce_in_redis(request.app.state.redis, UNKNOWN_TOKENS, key)
    except RedisAwayError:
        await enforce_limit(connection, UNKNOWN_TOKENS, key)


def network_of_request(request: Request) -> str:
    """Return the network that counts as one visitor; see `visitor_network`."""
    return visitor_network(request, request.app.state.settings.trusted_proxies)
