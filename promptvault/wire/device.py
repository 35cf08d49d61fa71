"""What is signed in to an account: devices, and machines with a token of their own."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel


class SignedInRead(BaseModel):
    """A device that somebody approved, or a token that was issued for a machine."""

    id: UUID
    label: str
    os: str
    """Empty for a machine's token, which tells nothing of where it is used."""
    is_machine: bool
    is_current: bool
    """Whether it is the one that asks."""
    created_at: datetime
    last_seen_at: datetime | None
    expires_at: datetime
    """When it is signed out, unless it is used before that."""
