"""The devices and machines that are signed in: `GET /v1/devices`."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel


class SignedInRead(BaseModel):
    """A device that the user approved, or a token that was issued for a machine."""

    id: UUID
    label: str
    os: str
    """Empty for the token of a machine."""
    is_machine: bool
    is_current: bool
    """Whether its token made the request."""
    created_at: datetime
    last_seen_at: datetime | None
    expires_at: datetime
    """When it is signed out; every use moves this time."""
