"""The plan of an account, from the operator's gift and its subscriptions."""

from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptvault.domain.entitlement import (
    Entitlement,
    Notice,
    Subscription,
    entitlement,
)
from promptvault.domain.tier import Tier

GRACE = timedelta(days=14)
FREE, PRO, ENTERPRISE = Tier


def _day(number: int | None) -> datetime | None:
    if number is None:
        return None
    return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=number)


def _subscription(status: str, plan: Tier | None = PRO, **days: int) -> Subscription:
    return Subscription(status, plan, **{name: _day(n) for name, n in days.items()})  # type: ignore[arg-type]


NOW = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=100)
ACTIVE = _subscription("active", period_end=110)
ACTIVE_ENTERPRISE = _subscription("active", ENTERPRISE, period_end=110)

VECTORS = {
    "nothing": (None, None, [], FREE, None, None, None),
    "active": (None, None, [ACTIVE], PRO, None, None, None),
    "cancelled by a date": (
        *(None, None, [_subscription("active", cancel_at=110)]),
        *(PRO, 110, Notice.ENDS, 110),
    ),
    "cancelled at the end of the period": (
        *(None, None, [ACTIVE._replace(cancel_at_period_end=True)]),
        *(PRO, 110, Notice.ENDS, 110),
    ),
    "its end has passed": (
        *(None, None, [_subscription("active", cancel_at=99)]),
        *(FREE, None, Notice.ENDED, None),
    ),
    "past due, within the grace": (
        *(None, None, [_subscription("past_due", past_due_since=95)]),
        *(PRO, 109, Notice.PAY_BY, 109),
    ),
    "past due, after the grace": (
        *(None, None, [_subscription("past_due", past_due_since=85)]),
        *(FREE, None, Notice.UNPAID, None),
    ),
    "past due, and cancelled before the grace ends": (
        *(None, None, [_subscription("past_due", past_due_since=95, cancel_at=103)]),
        *(PRO, 103, Notice.PAY_BY, 103),
    ),
    "unpaid beside active": (
        *(None, None, [_subscription("unpaid"), ACTIVE_ENTERPRISE]),
        *(ENTERPRISE, None, None, None),
    ),
    "two": (None, None, [ACTIVE, ACTIVE], PRO, None, Notice.TWO, None),
    "incomplete": (
        *(None, None, [_subscription("incomplete")]),
        *(FREE, None, Notice.UNFINISHED, None),
    ),
    "paused": (
        *(None, None, [_subscription("paused")]),
        *(FREE, None, Notice.PAUSED, None),
    ),
    "trial": (
        *(None, None, [_subscription("trialing", trial_end=107)]),
        *(PRO, None, Notice.TRIAL_ENDS, 107),
    ),
    "a gift beside what has ended": (
        *(ENTERPRISE, 120, [_subscription("canceled")]),
        *(ENTERPRISE, 120, None, None),
    ),
    "a gift below what is paid": (
        *(PRO, None, [ACTIVE_ENTERPRISE]),
        *(ENTERPRISE, None, None, None),
    ),
    "a gift that has ended": (ENTERPRISE, 99, [ACTIVE], PRO, None, None, None),
    "a state of a later version": (
        *(None, None, [_subscription("hibernating")]),
        *(FREE, None, Notice.ENDED, None),
    ),
}


@pytest.mark.parametrize("vector", VECTORS.values(), ids=VECTORS)
def test_the_best_plan_wins(vector: tuple[object, ...]) -> None:
    gift, until, subscriptions, *expected = vector
    found = entitlement(gift, _day(until), subscriptions, NOW, GRACE)  # type: ignore[arg-type]
    plan, end, notice, at = expected
    assert (found.plan, found.until) == (plan, _day(end))  # type: ignore[arg-type]
    assert (found.notice, found.notice_at) == (notice, _day(at))  # type: ignore[arg-type]


def test_a_price_that_is_not_known_leaves_the_plan_as_it_is() -> None:
    unknown = _subscription("active", None)
    found = entitlement(None, None, [unknown], NOW, GRACE, stored=PRO)
    assert found == Entitlement(PRO, "subscription", None, Notice.UNKNOWN_PRICE)


def test_the_plan_has_its_limits() -> None:
    limits = {tier: entitlement(tier, None, [], NOW, GRACE).allowance for tier in Tier}
    assert [limits[tier].prompts for tier in Tier] == [50, None, None]
    assert [limits[tier].members for tier in Tier] == [1, 5, None]


_days = st.none() | st.integers(80, 120).map(_day)
_subscriptions = st.builds(
    Subscription,
    st.sampled_from(
        ["active", "trialing", "past_due", "unpaid", "paused", "canceled", "incomplete"]
    ),
    st.sampled_from([None, PRO, ENTERPRISE]),
    *(_days, _days, st.booleans(), _days, _days),
)
_gifts = st.none() | st.sampled_from(Tier)
_lists = st.lists(_subscriptions, max_size=3)


@given(_gifts, _days, _lists)
def test_the_order_of_subscriptions_does_not_matter(
    gift: Tier | None, until: datetime | None, found: list[Subscription]
) -> None:
    answers = {
        entitlement(gift, until, order, NOW, GRACE, PRO)
        for order in permutations(found)
    }
    assert len(answers) == 1


@given(_gifts, _days, _lists, _subscriptions)
def test_another_subscription_never_takes_a_plan_away(
    gift: Tier | None,
    until: datetime | None,
    few: list[Subscription],
    more: Subscription,
) -> None:
    order = [*Tier]
    before = entitlement(gift, until, few, NOW, GRACE).plan
    after = entitlement(gift, until, [*few, more], NOW, GRACE).plan
    assert order.index(after) >= order.index(before)


@given(_gifts, _days, _lists)
def test_the_plan_holds_until_the_end_that_is_named_and_no_longer(
    gift: Tier | None, until: datetime | None, found: list[Subscription]
) -> None:
    # A subscription that is seen as past due has the time since when it is.
    found = [each._replace(past_due_since=each.past_due_since or NOW) for each in found]
    now = entitlement(gift, until, found, NOW, GRACE)
    if now.until is None:
        later = NOW + timedelta(days=1000)
        expected = now.plan
    else:
        before = now.until - timedelta(seconds=1)
        assert entitlement(gift, until, found, before, GRACE).plan == now.plan
        later, expected = now.until, None
    after = entitlement(gift, until, found, later, GRACE).plan
    assert after == expected if expected else after != now.plan
