"""The vaults of the user: `GET /v1/vaults`."""

from typing import Literal
from uuid import UUID

from pydantic import BaseModel


class VaultRead(BaseModel):
    """A vault that the user may read, and what a device must know about it."""

    id: UUID
    kind: Literal["personal", "team"]
    name: str
    """Of the team; of a personal vault, its own."""
    slug: str | None
    """The short name of the team; null for a personal vault."""
    role: str
    """Of the user."""
    team: UUID | None
    frozen: str | None
    """`plan`, `deleted` or `owner_gone`: why members may not write."""
    on_leave: Literal["keep", "wipe"] | None = None
    """What a device does with its copy when the user has left the team."""
    protected: list[str]
    """Labels that only admins may move."""
    members: int


class VaultsRead(BaseModel):
    """All vaults of the user: personal ones first, in the order of `GET /v1/me`."""

    roster: int
    """See `SyncAnswer.roster`."""
    items: list[VaultRead]
