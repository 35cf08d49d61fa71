"""The settings of billing."""

import re
from datetime import timedelta
from typing import Annotated, NamedTuple

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode

from promptvault.domain.tier import Tier

_KEY = re.compile(r"(sk|rk)_(live|test)_\w+")
_PRICE = re.compile(r"(\w+)=(pro|enterprise):(month|year)(:hidden)?")


class Price(NamedTuple):
    """What a price of Stripe buys."""

    id: str
    plan: Tier
    interval: str
    """``month`` or ``year``."""
    is_hidden: bool
    """Whether it is not sold any more. Subscriptions that have it stay."""


class BillingSettings(BaseSettings):
    """Settings of a server that sells plans. Without a key it sells nothing."""

    stripe_secret_key: SecretStr | None = None
    """The secret key of Stripe's API. Without it, the server sells nothing."""
    stripe_webhook_secret: SecretStr | None = None
    """The signing secret of the webhook endpoint at Stripe; while it is rotated, both
    secrets with a comma between them."""
    stripe_prices: Annotated[tuple[Price, ...], NoDecode] = ()
    """What is sold: ``price_1=pro:month,price_2=enterprise:year``. A price that is not
    sold any more stays, with ``:hidden`` at its end, while a subscription has it."""
    stripe_api_url: str | None = None
    """Another address of Stripe's API, for tests."""
    stripe_portal_configuration: str | None = None
    """The configuration of the customer portal, ``bpc_…``; the default one if empty."""
    billing_grace_days: int = Field(default=14, ge=0, le=365)
    """Days for which a plan stays after a payment has failed."""
    billing_tax: bool = False
    """Whether Stripe computes taxes."""

    @property
    def has_billing(self) -> bool:
        """Whether the server sells plans."""
        return self.stripe_secret_key is not None

    @property
    def billing_grace(self) -> timedelta:
        """How long a plan stays after a payment has failed."""
        return timedelta(days=self.billing_grace_days)

    @property
    def webhook_secrets(self) -> list[str]:
        """The signing secrets of the webhook endpoint."""
        secret = self.stripe_webhook_secret
        value = secret.get_secret_value() if secret else ""
        return [each.strip() for each in value.split(",") if each.strip()]

    @property
    def is_live(self) -> bool:
        """Whether the key is for real payments."""
        key = self.stripe_secret_key
        return key is not None and "_live_" in key.get_secret_value()

    def plan_of(self, price: str) -> Tier | None:
        """Return the plan that a price buys; None if the price is not named."""
        return next(
            (each.plan for each in self.stripe_prices if each.id == price), None
        )

    def price_for(self, plan: str, interval: str) -> Price | None:
        """Return the price that is sold for a plan; None if there is none."""
        return next(
            (
                each
                for each in self.stripe_prices
                if (each.plan, each.interval) == (plan, interval) and not each.is_hidden
            ),
            None,
        )

    @field_validator("stripe_secret_key")
    @classmethod
    def _require_key(cls, key: SecretStr | None) -> SecretStr | None:
        if key is None or not key.get_secret_value():
            return None
        if not _KEY.fullmatch(key.get_secret_value()):
            raise ValueError(
                "it must start with sk_live_, sk_test_, rk_live_ or rk_test_"
            )
        return key

    @field_validator("stripe_prices", mode="before")
    @classmethod
    def _read_prices(cls, text: object) -> object:
        if not isinstance(text, str):
            return text
        return tuple(_price(each) for each in text.split(",") if each.strip())

    @model_validator(mode="after")
    def _require_all(self) -> "BillingSettings":
        if not self.has_billing:
            return self
        prefix = "PROMPTVAULT_SERVER_STRIPE"
        if not self.webhook_secrets:
            raise ValueError(f"{prefix}_SECRET_KEY needs {prefix}_WEBHOOK_SECRET")
        if not self.stripe_prices:
            raise ValueError(f"{prefix}_SECRET_KEY needs {prefix}_PRICES")
        if self.is_live and self.stripe_api_url:
            raise ValueError(f"{prefix}_API_URL is for a key of the test mode")
        return self


def _price(text: str) -> Price:
    match = _PRICE.fullmatch(text.strip())
    if match is None:
        raise ValueError("each price must be as 'price_1=pro:month'")
    id, plan, interval, hidden = match.groups()
    return Price(id, Tier(plan), interval, bool(hidden))
