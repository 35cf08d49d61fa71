"""What a person must know about the plan, in words."""

from promptvault.domain.entitlement import Notice

_TEXTS: dict[str, str] = {
    Notice.TRIAL_ENDS: "The trial ends on {day}.",
    Notice.ENDS: "The plan ends on {day}. Nothing is deleted then.",
    Notice.PAY_BY: "A payment has failed. Update the card before {day}, when the plan"
    " ends.",
    Notice.TWO: "You pay for two subscriptions: end one of them.",
    Notice.ENDED: "The subscription has ended.",
    Notice.UNFINISHED: "The payment was not finished.",
    Notice.PAUSED: "The subscription is paused.",
    Notice.UNPAID: "A payment is missing, so the account has the free plan.",
    Notice.UNKNOWN_PRICE: "The operator of this server must look at the subscription.",
}


def notice_text(notice: str | None, day: str) -> str:
    """Return the sentence for a notice that is about *day*.

    It is empty without a notice, and for one of a newer server.
    """
    return _TEXTS.get(notice or "", "").format(day=day)


def over_limit(used: int, limit: int | None) -> int:
    """Return by how many *used* exceeds *limit*, as after a plan has ended."""
    return 0 if limit is None else max(0, used - limit)
