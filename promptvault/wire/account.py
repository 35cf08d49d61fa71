"""The account of a token: `GET /v1/me`."""

from uuid import UUID

from pydantic import BaseModel


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


class UsageRead(BaseModel):
    """The usage of what the plan limits."""

    prompts: int
    members: int
    storage: int | None = None
    """Bytes stored, including deletions; null from a server that does not say."""


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
    vaults: list[VaultRead]
    """The vaults of the user: those of the account first, the oldest before all."""
