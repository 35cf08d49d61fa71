"""Billing: what an account pays for, and the pages on which that is done."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

from promptvault.wire.account import LimitsRead, UsageRead

BoughtPlan = Literal["pro", "enterprise"]
"""The plans that can be bought, if the server sells them."""


class PriceRead(BaseModel):
    """A price, in the smallest unit of its currency."""

    amount: int
    currency: str


class OfferRead(BaseModel):
    """A plan that can be bought."""

    plan: str
    interval: str
    amount: int | None = None
    currency: str | None = None


class BillingRead(BaseModel):
    """What an account pays for: `GET /v1/billing`."""

    tier: str
    why: str
    """``none``, ``gift`` or ``subscription``."""
    status: str | None = None
    """That of the subscription, as Stripe names it."""
    interval: str | None = None
    price: PriceRead | None = None
    renews_at: datetime | None = None
    cancel_at: datetime | None = None
    grace_until: datetime | None = None
    notice: str | None = None
    """What the user must know about the plan; see `domain.entitlement.Notice`."""
    notice_at: datetime | None = None
    """The time that the notice is about."""
    limits: LimitsRead
    usage: UsageRead
    can_upgrade: list[OfferRead]
    has_portal: bool
    is_owner: bool


class CheckoutCreate(BaseModel):
    """A plan to buy: `POST /v1/billing/checkout`."""

    model_config = ConfigDict(extra="forbid")

    plan: BoughtPlan
    interval: Literal["month", "year"] = "month"


class LinkRead(BaseModel):
    """A page to open."""

    url: str
    expires_at: datetime | None = None
