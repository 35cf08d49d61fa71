"""Token buckets, which all instances share."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol
from uuid import uuid4

import httpx
import psycopg
import pytest
from fastapi import Request
from fastapi.routing import iter_route_contexts

from promptvault.errors import RateLimitedError
from promptvault.server.admin import Admin
from promptvault.server.database import Connection
from promptvault.server.http.address import visitor_address, visitor_network
from promptvault.server.limit.redis_repository import TAKE, RedisLimitRepository
from promptvault.server.limit.repository import LimitRepository
from promptvault.server.limit.rule import ROUTE_LIMITS, UNKNOWN_TOKENS, Limit
from promptvault.server.limit.service import enforce_limit, raise_if_exhausted
from promptvault.server.redis.client import Redis
from promptvault.server.settings import Settings
from promptvault.server.token.secret import make_token
from tests.server.conftest import EMAIL, Server
from tests.server.redis_server import RedisServer

# So slow that no token is added while a test runs.
SLOW = Limit(3, 1 / 1000)


class Buckets(Protocol):
    """Where tokens are counted."""

    def take(self, limit: Limit = SLOW, key: str = "key") -> float | None:
        """Take one; return the seconds to wait, None if it was granted."""

    def age(self, seconds: float) -> None:
        """Make all buckets older."""


class DatabaseBuckets:
    """Buckets in PostgreSQL."""

    def __init__(self, database_url: str) -> None:
        self._address = database_url

    def take(self, limit: Limit = SLOW, key: str = "key") -> float | None:
        async def run() -> float | None:
            async with await Connection.connect(self._address) as connection:
                try:
                    await enforce_limit(connection, limit, key)
                except RateLimitedError as error:
                    return error.retry_after
            return None

        return asyncio.run(run())

    def age(self, seconds: float) -> None:
        with psycopg.connect(self._address) as connection:
            connection.execute(
                "UPDATE rate_limits"
                " SET updated_at = updated_at - make_interval(secs => %s)",
                (seconds,),
            )


class RedisBuckets:
    """Buckets in Redis."""

    def __init__(self, settings: Settings, server: RedisServer) -> None:
        self._settings = settings.model_copy(update={"redis_url": server.url})
        self._server = server

    def take(self, limit: Limit = SLOW, key: str = "key") -> float | None:
        async def run() -> float:
            redis = Redis(self._settings, (TAKE,))
            async with redis.running():
                return await RedisLimitRepository(redis).take(key, limit)

        try:
            raise_if_exhausted(asyncio.run(run()), limit)
        except RateLimitedError as error:
            return error.retry_after
        return None

    def age(self, seconds: float) -> None:
        for key, bucket in self._server.keys("*limit:*").items():
            tokens, since = bucket.split()
            self._server.client.set(key, f"{tokens} {float(since) - seconds:f}")


@pytest.fixture(params=["postgresql", "redis"])
def store(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Return settings of a server that counts requests there."""
    if request.param == "postgresql":
        return {}
    return {"redis_url": request.getfixturevalue("redis_server").url}


@pytest.fixture(params=["postgresql", "redis"])
def buckets(request: pytest.FixtureRequest, settings: Settings) -> Buckets:
    """Return the buckets of each kind."""
    if request.param == "postgresql":
        return DatabaseBuckets(settings.address)
    return RedisBuckets(settings, request.getfixturevalue("redis_server"))


def test_a_bucket_is_emptied_and_fills_again(buckets: Buckets) -> None:
    for _ in range(3):
        assert buckets.take() is None
    wait = buckets.take()
    assert wait is not None
    assert 59_000 < wait <= 60_000
    buckets.age(wait)
    assert buckets.take() is None
    assert buckets.take() is not None


def test_to_be_refused_costs_nothing(buckets: Buckets) -> None:
    """Otherwise, asking too often would block a user forever."""
    for _ in range(10):
        buckets.take()
    first = buckets.take()
    assert first is not None
    buckets.age(first / 2)
    second = buckets.take()
    assert second is not None
    assert second == pytest.approx(first / 2, rel=0.01)
    buckets.age(second)
    assert buckets.take() is None


def test_no_more_than_the_burst_is_saved_up(buckets: Buckets) -> None:
    buckets.take()
    buckets.age(10_000_000)
    assert [buckets.take() is None for _ in range(4)] == [True] * 3 + [False]


def test_a_clock_that_went_back_gives_and_takes_nothing(buckets: Buckets) -> None:
    buckets.take()
    buckets.age(-10_000_000)
    assert [buckets.take() is None for _ in range(3)] == [True] * 2 + [False]
    buckets.age(60_001)
    assert buckets.take() is None


def test_a_clock_that_went_back_refuses_no_longer_than_it_must(
    buckets: Buckets,
) -> None:
    for _ in range(3):
        buckets.take()
    buckets.age(-10_000_000)
    assert buckets.take() is not None
    buckets.age(60_001)
    assert buckets.take() is None


def test_keys_are_apart(buckets: Buckets) -> None:
    for _ in range(4):
        buckets.take()
    assert buckets.take(key="another") is None


def test_many_at_once_get_what_is_there(buckets: Buckets) -> None:
    limit = Limit(10, 1 / 1000)
    with ThreadPoolExecutor(8) as threads:
        waits = [*threads.map(lambda _: buckets.take(limit), range(40))]
    assert waits.count(None) == 10


def test_idle_buckets_are_deleted(database_url: str) -> None:
    async def forget() -> None:
        async with await Connection.connect(database_url) as connection:
            await LimitRepository(connection).forget_idle()

    buckets = DatabaseBuckets(database_url)
    buckets.take(key="old")
    buckets.age(90_000)
    buckets.take(key="new")
    asyncio.run(forget())
    with psycopg.connect(database_url) as connection:
        rows = connection.execute("SELECT key FROM rate_limits").fetchall()
    assert rows == [("new",)]


def test_two_instances_count_together(
    start_server: Callable[..., Server], store: dict[str, Any]
) -> None:
    statuses = []
    servers = start_server(**store), start_server(**store)
    with servers[0].client() as one, servers[1].client() as other:
        for number in range(14):
            client = one if number % 2 else other
            statuses.append(client.post("/signin").status_code)
    assert statuses == [403] * 10 + [429] * 4


def test_a_device_that_asks_too_often_waits_and_no_other_does(
    start_server: Callable[..., Server],
    admin: Admin,
    token: str,
    store: dict[str, Any],
) -> None:
    """At any instance, and for any route."""
    slow = {"request_burst": 6, "requests_per_minute": 0.01, **store}
    servers = [start_server(**slow), start_server(**slow)]
    other = admin.issue_token(EMAIL, "another")
    with servers[0].client(token) as one, servers[1].client(token) as two:
        answers = [
            client.get(path)
            for path in ("/v1/me", "/v1/devices")
            for client in (one, two, one, two)
        ]
    assert [each.status_code for each in answers] == [200] * 6 + [429] * 2
    assert 5900 < int(answers[-1].headers["retry-after"]) <= 6000
    with servers[0].client(other) as client:
        assert client.get("/v1/me").status_code == 200


def test_a_request_counts_whatever_becomes_of_it(
    start_server: Callable[..., Server], token: str, store: dict[str, Any]
) -> None:
    """A failed request counts too; a token has one rate for all requests."""
    server = start_server(request_burst=4, requests_per_minute=0.01, **store)
    with server.client(token) as client:
        answers = [
            client.post("/v1/sync", json={"proto": 1}),
            client.delete(f"/v1/devices/{uuid4()}"),
            client.get("/v1/me"),
            client.post("/v1/sync", json={"proto": 1, "device": "mine"}),
            client.delete(f"/v1/devices/{uuid4()}"),
        ]
    assert [each.status_code for each in answers] == [422, 404, 200, 422, 429]


def test_who_tries_tokens_is_slowed_down_and_who_has_one_is_not(
    start_server: Callable[..., Server], token: str, store: dict[str, Any]
) -> None:
    server = start_server(**store)
    client, visitor = server.client(token), server.client()
    answers = [
        visitor.get("/v1/me", headers={"Authorization": f"Bearer {make_token()}"})
        for _ in range(UNKNOWN_TOKENS.burst * 2)
    ]
    statuses = [each.status_code for each in answers]
    assert statuses[: UNKNOWN_TOKENS.burst] == [401] * UNKNOWN_TOKENS.burst
    assert statuses.count(429) > 0
    assert answers[statuses.index(429)].headers["retry-after"] == "1"
    assert client.get("/v1/me").status_code == 200  # from the same address


def test_every_limit_is_a_routes(server: Server) -> None:
    names = {str(route.name) for route in iter_route_contexts(server.app.routes)}
    assert ROUTE_LIMITS.keys() <= names


def test_a_header_does_not_help_without_a_proxy(visitor: httpx.Client) -> None:
    statuses = [
        visitor.post(
            "/signin", headers={"X-Forwarded-For": f"192.0.2.{number}"}
        ).status_code
        for number in range(12)
    ]
    assert statuses[-2:] == [429, 429]


def _request(peer: str, *headers: str) -> Request:
    pairs = [(b"x-forwarded-for", each.encode()) for each in headers]
    return Request({"type": "http", "client": (peer, 1), "headers": pairs})


@pytest.mark.parametrize(
    ("headers", "proxies", "address"),
    [
        ([], 0, "10.0.0.9"),
        (["1.1.1.1"], 0, "10.0.0.9"),
        (["1.1.1.1"], 1, "1.1.1.1"),
        (["6.6.6.6, 1.1.1.1"], 1, "1.1.1.1"),
        (["6.6.6.6, 1.1.1.1", "2.2.2.2"], 1, "2.2.2.2"),
        (["6.6.6.6, 1.1.1.1", "2.2.2.2"], 2, "1.1.1.1"),
        ([], 2, "10.0.0.9"),
        (["1.1.1.1"], 5, "1.1.1.1"),
        (["nonsense"], 1, "10.0.0.9"),
        (["::ffff:1.1.1.1"], 1, "1.1.1.1"),
        (["2001:db8::1%eth0"], 1, "2001:db8::1"),
    ],
)
def test_which_address_is_believed(
    headers: list[str], proxies: int, address: str
) -> None:
    assert visitor_address(_request("10.0.0.9", *headers), proxies) == address


def test_one_network_of_ipv6_is_one_visitor() -> None:
    networks = {
        visitor_network(_request(f"2001:db8:0:1::{host:x}"), 0) for host in range(9)
    }
    assert networks == {"2001:db8:0:1::/64"}
    assert visitor_network(_request("2001:db8:0:2::1"), 0) not in networks
