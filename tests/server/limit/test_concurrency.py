"""ConcurrencyLimit: a few requests of one key at a time; none of another key waits."""

import asyncio
from collections import Counter

import pytest

from promptvault.errors import RateLimitedError, UnavailableError
from promptvault.server.limit.concurrency import ConcurrencyLimit


def test_few_of_one_key_go_on_at_once_and_in_order() -> None:
    async def run() -> tuple[list[int], int]:
        limit, order, going, most = ConcurrencyLimit(2, 100, 60), [], 0, 0

        async def one(number: int) -> None:
            nonlocal going, most
            async with limit.slot("key"):
                going += 1
                most = max(most, going)
                order.append(number)
                await asyncio.sleep(0)
                going -= 1

        await asyncio.gather(*(one(number) for number in range(20)))
        return order, most

    assert asyncio.run(run()) == ([*range(20)], 2)


def test_another_key_does_not_wait() -> None:
    async def run() -> bool:
        limit = ConcurrencyLimit(1, 100, 60)
        async with limit.slot("busy"), limit.slot("another"):
            return True

    assert asyncio.run(run())


def test_too_many_that_wait_are_refused() -> None:
    async def run() -> Counter[str]:
        limit, done = ConcurrencyLimit(1, 3, 60), Counter[str]()

        async def one() -> None:
            try:
                async with limit.slot("key"):
                    await asyncio.sleep(0)
                done["answered"] += 1
            except RateLimitedError:
                done["refused"] += 1

        await asyncio.gather(*(one() for _ in range(10)))
        return done

    assert asyncio.run(run()) == {"answered": 4, "refused": 6}


@pytest.mark.parametrize("is_handed_over", [False, True])
def test_who_gives_up_loses_no_slot_for_the_others(is_handed_over: bool) -> None:
    async def run() -> None:
        limit = ConcurrencyLimit(1, 100, 60)

        async def one() -> None:
            async with limit.slot("key"):
                pass

        async with limit.slot("key"):
            first = asyncio.create_task(one())
            second = asyncio.create_task(one())
            await asyncio.sleep(0)
            if not is_handed_over:
                first.cancel()
                await asyncio.sleep(0)
        first.cancel()
        await second
        await asyncio.gather(first, return_exceptions=True)
        await one()

    asyncio.run(run())


def test_who_waits_too_long_is_refused_and_the_next_has_a_slot() -> None:
    async def run() -> None:
        limit = ConcurrencyLimit(1, 100, 0.01)
        async with limit.slot("key"):
            with pytest.raises(UnavailableError):
                async with limit.slot("key"):
                    pass
        async with limit.slot("key"):
            pass

    asyncio.run(run())
