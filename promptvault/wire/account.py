"""Who is signed in, what they may use, and what they do."""

from uuid import UUID

from pydantic import BaseModel


class DeviceRead(BaseModel):
    """A device that is signed in."""

    id: UUID
    label: str
    os: str


class LimitsRead(BaseModel):
    """What the plan allows; null is without limit."""

    prompts: int | None
    optimizations: int | None
    members: int | None
    storage: int | None = None
    """Bytes; an older server does not limit them."""


class UsageRead(BaseModel):
    """How much of it is used."""

    prompts: int
    members: int
    storage: int | None = None
    """Bytes of all that is kept, deletions included; an older server does not say."""


class VaultRead(BaseModel):
    """A vault, and what the user is in it."""

    id: UUID
    name: str
    role: str


class MeRead(BaseModel):
    """Who the token belongs to."""

    email: str
    user_id: UUID
    account_id: UUID
    role: str
    tier: str
    limits: LimitsRead
    usage: UsageRead
    device: DeviceRead | None
    """None for a token of a machine, which is no device that signed in."""
    vaults: list[VaultRead]
    """Those of the user; the account's own come first, the oldest before all."""
