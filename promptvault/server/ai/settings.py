"""The settings of the server's own model."""

from typing import Annotated, NamedTuple

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings

from promptvault.domain.tier import Tier
from promptvault.errors import InvalidInputError
from promptvault.providers.endpoint import Endpoint

_PREFIX = "PROMPTVAULT_SERVER_AI_"
MICRO = 1_000_000
"""Micro-USD in a US dollar."""
_GROUPS = (
    ("ai_base_url", "ai_api_key", "ai_model", "ai_cap_instance"),
    ("ai_fallback_base_url", "ai_fallback_api_key", "ai_fallback_model"),
    ("ai_price_input", "ai_price_output"),
)
"""Settings of which all are set, or none."""

_Usd = Annotated[float, Field(gt=0, le=1_000_000)]
_MicroUsd = Annotated[float, Field(ge=0, le=MICRO)]


class TokenPrice(NamedTuple):
    """What a token costs, in millionths of a US dollar."""

    input: float
    output: float


class Target(NamedTuple):
    """A model to ask, and what it costs."""

    endpoint: Endpoint
    price: TokenPrice


class AiSettings(BaseSettings):
    """Settings of a server that has a model of its own. Without a URL it has none."""

    ai_base_url: SecretStr | None = None
    """An API like OpenAI's Chat Completions, with the version in its path."""
    ai_api_key: SecretStr | None = None
    ai_model: str | None = None
    """The name of the model there."""
    ai_fallback_base_url: SecretStr | None = None
    """Another API, which is asked if the first one is down or busy."""
    ai_fallback_api_key: SecretStr | None = None
    ai_fallback_model: str | None = None
    ai_timeout: float = Field(default=120.0, gt=0, le=300)
    """Seconds for which the model may send nothing."""
    ai_price_input: _MicroUsd | None = None
    """Millionths of a US dollar for a token of the request: US dollars for a million.
    The default is the list price of the model. With a fallback, that of the dearer."""
    ai_price_output: _MicroUsd | None = None
    """The same for a token of the answer."""
    ai_cap_pro: _Usd = 5.0
    """US dollars that an account may use up in a month."""
    ai_cap_enterprise: _Usd = 50.0
    ai_cap_instance: _Usd | None = None
    """US dollars that all accounts together may use up in a month."""

    @property
    def has_ai(self) -> bool:
        """Whether the server has a model of its own."""
        return self.ai_base_url is not None

    def ai_cap(self, plan: str) -> int:
        """Return what an account on *plan* may use up in a month, in micro-USD."""
        usd = {Tier.PRO: self.ai_cap_pro, Tier.ENTERPRISE: self.ai_cap_enterprise}
        return round(usd.get(Tier(plan), 0.0) * MICRO)

    @property
    def ai_instance_cap(self) -> int:
        """What all accounts may use up in a month, in micro-USD."""
        return round((self.ai_cap_instance or 0.0) * MICRO)

    def ai_targets(self) -> list[Target]:
        """Return the model, and then its fallback; raises InvalidInputError."""
        groups = ["", *(["fallback_"] if self.ai_fallback_base_url else [])]
        return [self._target(group) for group in groups]

    def _target(self, group: str) -> Target:
        url: SecretStr = getattr(self, f"ai_{group}base_url")
        key: SecretStr = getattr(self, f"ai_{group}api_key")
        model: str = getattr(self, f"ai_{group}model")
        group = group.upper()
        try:
            endpoint = Endpoint(url.get_secret_value(), model, key.get_secret_value())
        except InvalidInputError:
            raise InvalidInputError(
                f"{_PREFIX}{group}BASE_URL must be as 'https://api.example.org/v1', and"
                f" {_PREFIX}{group}API_KEY a key"
            ) from None
        return Target(endpoint, self._price_of(endpoint, group))

    def _price_of(self, endpoint: Endpoint, group: str) -> TokenPrice:
        if self.ai_price_input is not None and self.ai_price_output is not None:
            return TokenPrice(self.ai_price_input, self.ai_price_output)
        from promptvault.providers.price import find_price  # takes a fifth of a second

        found = find_price(endpoint)
        # A model on this computer has no list price: what it costs has to be said.
        if found is None or not found.output:
            raise InvalidInputError(
                f"the price of {_PREFIX}{group}MODEL is not known: set"
                f" {_PREFIX}PRICE_INPUT and {_PREFIX}PRICE_OUTPUT"
            )
        return TokenPrice(*found)

    @field_validator(
        *("ai_base_url", "ai_api_key", "ai_model"),
        *("ai_fallback_base_url", "ai_fallback_api_key", "ai_fallback_model"),
        *("ai_price_input", "ai_price_output", "ai_cap_instance"),
        mode="before",
    )
    @classmethod
    def _without_empty(cls, value: object) -> object:
        return None if value == "" else value

    @model_validator(mode="after")
    def _require_whole_groups(self) -> "AiSettings":
        for group in _GROUPS:
            missing = [name for name in group if getattr(self, name) is None]
            if missing and len(missing) < len(group):
                names = " and ".join(_variable(name) for name in missing)
                raise ValueError(f"{names} must be set too")
        if self.ai_fallback_base_url is not None and not self.has_ai:
            raise ValueError(f"{_PREFIX}FALLBACK_BASE_URL needs {_PREFIX}BASE_URL")
        if self.has_ai:
            try:
                self.ai_targets()
            except InvalidInputError as error:
                raise ValueError(str(error)) from None
        return self


def _variable(name: str) -> str:
    return _PREFIX + name.removeprefix("ai_").upper()
