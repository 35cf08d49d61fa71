"""The account of a token: `GET /v1/me`."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from pydantic import BaseModel


class Feature(StrEnum):
    """A group of routes and fields that older servers do not have."""

    TEAMS = "teams"
    SHARES = "shares"
    AI = "ai"
    """The server has a model of its own; the plan says whether it may be used."""


class DeviceRead(BaseModel):
    """A device that is signed in."""

    id: UUID
    label: str
    os: str


class LimitsRead(BaseModel):
    """The limits of the plan; null means no limit."""

    prompts: int | None
    optimizations: int | None
    members: int | None
    storage: int | None = None
    """Bytes; null from a server that does not limit them."""
    hosted_usd: float | None = None
    """US dollars that the server's model may cost in a month, 0 on the free plan; null
    from a server without a model."""


class UsageRead(BaseModel):
    """The usage of what the plan limits."""

    prompts: int
    members: int
    storage: int | None = None
    """Bytes stored, including deletions; null from a server that does not say."""
    hosted_usd: float | None = None
    """US dollars that the server's model has cost this month."""


class VaultRead(BaseModel):
    """A vault, and the user's role in it."""

    id: UUID
    name: str
    role: str


class MeRead(BaseModel):
    """The user of the token, the account, and its vaults."""

    email: str
    user_id: UUID
    account_id: UUID
    role: str
    tier: str
    limits: LimitsRead
    usage: UsageRead
    device: DeviceRead | None
    """Null for the token of a machine."""
    manages: bool = False
    """Whether the token may manage teams and billing."""
    notice: str | None = None
    """What the user must know about the plan; see `domain.entitlement.Notice`."""
    notice_at: datetime | None = None
    """The time that the notice is about."""
    vaults: list[VaultRead]
    """The vaults of the user: personal ones first, the account's own before others, the
    oldest before all. Programs from before teams take the first."""
    features: list[str] = []
    """What the server can do, beyond the first version of the API: see `Feature`. A
    program sends a new field of a request only if the server names its feature."""
