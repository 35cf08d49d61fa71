"""Requests that a worker counts in advance, so that Redis is asked less often."""

import asyncio
import time
from collections.abc import Sequence
from uuid import uuid4

import pytest

from promptvault.server.limit.rule import Limit
from promptvault.server.redis.client import Redis
from promptvault.server.settings import Settings
from promptvault.server.token.known_bearers import COUNT, KnownBearers
from promptvault.server.token.repository import Bearer
from tests.server.redis_server import RedisServer

QUICK = Limit(60, 90)
"""It grows quickly enough that tokens are taken in advance."""
SLOW = Limit(60, 1)
LARGE = Limit(10_000, 10_000)


def _bearer() -> Bearer:
    ids = uuid4(), uuid4(), uuid4(), uuid4()
    return Bearer(*ids, "a@example.org", "owner", ["sync:read"], False, 1)


async def _granted(workers: Sequence[KnownBearers]) -> int:
    """Ask the workers in turn until all refuse; return how often they did not."""
    count, asking = 0, [*workers]
    while asking:
        for each in [*asking]:
            bearer = await each.find("hash")
            assert bearer is not None
            if bearer.requests_left < 0 or (bearer.account_requests_left or 0) < 0:
                asking.remove(each)
            else:
                count += 1
    return count


@pytest.mark.parametrize(
    ("limits", "calls"),
    [
        ((QUICK, LARGE), range(30, 54)),
        ((LARGE, QUICK), range(30, 54)),
        ((SLOW, LARGE), range(62, 63)),
    ],
)
def test_two_workers_grant_what_a_bucket_has_and_no_more(
    settings: Settings,
    redis_server: RedisServer,
    limits: tuple[Limit, Limit],
    calls: range,
) -> None:
    """In advance while it is more than half full, and then one by one."""
    redis = Redis(settings.model_copy(update={"redis_url": redis_server.url}), (COUNT,))

    async def run() -> tuple[int, float]:
        async with redis.running():
            workers = [KnownBearers(redis, *limits) for _ in range(2)]
            start = time.monotonic()
            await workers[0].add("hash", _bearer())
            return await _granted(workers), time.monotonic() - start

    granted, seconds = asyncio.run(run())
    limit = min(limits)
    grown = seconds * limit.per_second
    assert limit.burst - 1 <= granted <= limit.burst - 1 + grown
    asked = redis_server.client.info("commandstats")["cmdstat_evalsha"]["calls"]
    assert asked - grown - 1 <= calls.stop
    assert asked >= calls.start


def test_tokens_in_advance_are_good_for_five_seconds(
    settings: Settings, redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    redis = Redis(settings.model_copy(update={"redis_url": redis_server.url}), (COUNT,))

    async def run() -> None:
        async with redis.running():
            known = KnownBearers(redis, LARGE, LARGE)
            await known.add("hash", _bearer())
            assert await known.find("hash") is not None
            redis_server.client.flushall()
            assert await known.find("hash") is not None
            later = time.monotonic() + 5
            monkeypatch.setattr(time, "monotonic", lambda: later)
            assert await known.find("hash") is None

    asyncio.run(run())
