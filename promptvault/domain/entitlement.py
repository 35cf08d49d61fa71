"""Which plan an account has: the best of the operator's gift and its subscriptions.

Times are UTC. A time that is reached counts as over. The states of a subscription are
Stripe's: https://docs.stripe.com/api/subscriptions/object
"""

from collections.abc import Collection, Iterator
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from promptvault.domain.tier import ALLOWANCES, Allowance, Tier

_PAID = {"active", "trialing"}
_RANKS = {tier: rank for rank, tier in enumerate(Tier)}


class Subscription(NamedTuple):
    """A subscription, as it was last fetched."""

    status: str
    plan: Tier | None
    """The plan that its price buys; None if the settings do not name the price."""
    period_end: datetime | None = None
    """When the last of its items is due again."""
    cancel_at: datetime | None = None
    cancel_at_period_end: bool = False
    trial_end: datetime | None = None
    past_due_since: datetime | None = None
    """When it was first seen as past due."""


class Notice(StrEnum):
    """What the owner, or the operator, must know about an entitlement.

    Of several reasons for a free plan, the last one here is the one to name.
    """

    TRIAL_ENDS = "trial_ends"
    ENDS = "ends"
    PAY_BY = "pay_by"
    """A payment has failed. The plan ends unless it is made in time."""
    TWO = "two_subscriptions"
    ENDED = "ended"
    UNFINISHED = "unfinished"
    """The first payment was not made."""
    PAUSED = "paused"
    UNPAID = "unpaid"
    UNKNOWN_PRICE = "unknown_price"
    """For the operator: the settings do not name the price."""


class Entitlement(NamedTuple):
    """A plan, and why and how long the account has it."""

    plan: Tier
    why: str
    """``gift``, ``subscription`` or ``none``."""
    until: datetime | None = None
    """When the plan ends if nothing changes; None if that is not known."""
    notice: Notice | None = None
    notice_at: datetime | None = None
    """The time that the notice is about."""

    @property
    def allowance(self) -> Allowance:
        """The limits of the plan."""
        return ALLOWANCES[self.plan]


def entitlement(
    gift: Tier | None,
    gift_until: datetime | None,
    subscriptions: Collection[Subscription],
    now: datetime,
    grace: timedelta,
    stored: Tier = Tier.FREE,
) -> Entitlement:
    """Return the plan of an account.

    A payment that has failed leaves the plan for *grace*. A price that the settings do
    not name leaves the plan that is *stored*.
    """
    found = [_by_subscription(each, now, grace, stored) for each in subscriptions]
    live = [each for each in found if each.plan != Tier.FREE]
    candidates = [*live, *_by_gift(gift, gift_until, now)]
    if not candidates:
        return max(found, key=_urgency, default=Entitlement(Tier.FREE, "none"))
    best = max(candidates, key=_worth)
    if len(live) > 1:
        return best._replace(notice=Notice.TWO, notice_at=None)
    return best


def _by_gift(
    gift: Tier | None, until: datetime | None, now: datetime
) -> Iterator[Entitlement]:
    if gift is not None and gift != Tier.FREE and (until is None or now < until):
        yield Entitlement(gift, "gift", until)


def _by_subscription(
    found: Subscription, now: datetime, grace: timedelta, stored: Tier
) -> Entitlement:
    end = found.cancel_at or (found.period_end if found.cancel_at_period_end else None)
    if found.status == "past_due":
        return _past_due(found, now, grace, stored, end)
    if found.status not in _PAID:
        return _ended(_NOTICES.get(found.status, Notice.ENDED))
    if end is not None and end <= now:
        return _ended(Notice.ENDED)
    bought = _bought(found, stored, end)
    if bought.notice:
        return bought
    if end is not None:
        return bought._replace(notice=Notice.ENDS, notice_at=end)
    if found.status == "trialing":
        return bought._replace(notice=Notice.TRIAL_ENDS, notice_at=found.trial_end)
    return bought


_NOTICES = {
    "unpaid": Notice.UNPAID,
    "paused": Notice.PAUSED,
    "incomplete": Notice.UNFINISHED,
    "incomplete_expired": Notice.UNFINISHED,
    "canceled": Notice.ENDED,
}


def _past_due(
    found: Subscription,
    now: datetime,
    grace: timedelta,
    stored: Tier,
    end: datetime | None,
) -> Entitlement:
    last = _later(found.past_due_since or now, grace)
    until = last if end is None else min(last, end)
    if until <= now:
        return _ended(Notice.UNPAID)
    bought = _bought(found, stored, until)
    return bought._replace(notice=Notice.PAY_BY, notice_at=until)


def _later(time: datetime, grace: timedelta) -> datetime:
    try:
        return time + grace
    except OverflowError:
        return datetime.max.replace(tzinfo=time.tzinfo)


def _bought(found: Subscription, stored: Tier, until: datetime | None) -> Entitlement:
    if found.plan is None and stored == Tier.FREE:
        return _ended(Notice.UNKNOWN_PRICE)
    if found.plan is None:
        return Entitlement(stored, "subscription", until, Notice.UNKNOWN_PRICE)
    return Entitlement(found.plan, "subscription", until)


def _ended(notice: Notice) -> Entitlement:
    return Entitlement(Tier.FREE, "none", notice=notice)


def _worth(found: Entitlement) -> tuple[object, ...]:
    """Order by plan, then by end; equal ones by what they say, in no one's order."""
    ends = found.until is not None
    stamp = found.until.timestamp() if found.until else 0.0
    is_bought = found.why == "subscription"
    return _RANKS[found.plan], not ends, stamp, is_bought, _urgency(found)


def _urgency(found: Entitlement) -> tuple[int, float]:
    rank = -1 if found.notice is None else [*Notice].index(found.notice)
    return rank, found.notice_at.timestamp() if found.notice_at else 0.0
