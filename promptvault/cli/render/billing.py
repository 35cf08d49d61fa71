"""Printing what an account pays for."""

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from promptvault.cli import terminal
from promptvault.cli.render.format import format_day, format_size
from promptvault.cli.render.table import Column, print_table
from promptvault.domain.money import price_text
from promptvault.domain.plan_notice import notice_text, over_limit

if TYPE_CHECKING:
    from promptvault.wire.account import LimitsRead, UsageRead
    from promptvault.wire.billing import BillingRead, OfferRead

_WHY = {
    "none": "nothing is paid for",
    "gift": "given by the operator",
    "subscription": "paid for",
}


def billing(found: "BillingRead") -> None:
    """Print the plan, its limits and usage, and what can be bought."""
    lines = (
        ("plan", found.tier),
        ("why", _WHY.get(found.why, found.why)),
        *_price(found),
        *_times(found),
        *notice(found.notice, found.notice_at),
        *usage(found.limits, found.usage),
        *_offers(found),
        *_portal(found),
    )
    print_table((Column("What", "dim"), Column("Value")), lines, "")


def notice(kind: str | None, at: datetime | None) -> Iterator[tuple[str, str]]:
    """Yield the line of a notice, if there is one."""
    if text := notice_text(kind, format_day(at)):
        yield "notice", text


def usage(limits: "LimitsRead", used: "UsageRead") -> Iterator[tuple[str, str]]:
    """Yield a line for each limit of a plan."""
    yield "prompts", used_of(used.prompts, limits.prompts)
    yield "members", used_of(used.members, limits.members)
    if used.storage is not None:
        most = _limit(None) if limits.storage is None else format_size(limits.storage)
        yield "storage", f"{format_size(used.storage)} of {most}"
    yield "optimizations", _limit(limits.optimizations)


def used_of(used: int, limit: int | None) -> str:
    """Return what is used of a limit, and by how much it exceeds it."""
    over = over_limit(used, limit)
    more = f", {over:,} over the limit" if over else ""
    return f"{used:,} of {_limit(limit)}{more}"


def _limit(limit: int | None) -> str:
    return "unlimited" if limit is None else f"{limit:,}"


def _price(found: "BillingRead") -> Iterator[tuple[str, str]]:
    if found.price and found.interval:
        price = price_text(found.price.amount, found.price.currency)
        yield "price", f"{price} a {found.interval}"


def _times(found: "BillingRead") -> Iterator[tuple[str, str]]:
    times = (
        ("renews", found.renews_at),
        ("ends", found.cancel_at),
        ("pay by", found.grace_until),
    )
    for name, time in times:
        if time and not (name == "renews" and found.grace_until):
            yield name, format_day(time)


def _offers(found: "BillingRead") -> Iterator[tuple[str, str]]:
    name = "to buy"
    for plan in dict.fromkeys(each.plan for each in found.can_upgrade):
        prices = [_offer(each) for each in found.can_upgrade if each.plan == plan]
        yield name, f"{plan}, {' or '.join(prices)}"
        name = ""
    if found.can_upgrade and found.is_owner:
        yield name, "'promptvault billing upgrade --plan PLAN'"


def _offer(offer: "OfferRead") -> str:
    if offer.amount is None or offer.currency is None:
        return f"by the {offer.interval}"
    return f"{price_text(offer.amount, offer.currency)} a {offer.interval}"


def _portal(found: "BillingRead") -> Iterator[tuple[str, str]]:
    if found.has_portal and found.is_owner:
        yield "payment", "card, invoices, another plan: 'promptvault billing portal'"
    elif not found.is_owner:
        yield "payment", "the owner of the account chooses the plan"


def waited(found: "BillingRead") -> None:
    """Print that another plan is there."""
    terminal.note(f"The account has the plan {found.tier} now.")
