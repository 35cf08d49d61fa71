"""What the server tells devices of its own accord: `GET /v1/events`."""

from uuid import UUID

from pydantic import BaseModel

VAULT_EVENT = "vault"


class VaultEvent(BaseModel):
    """Something was changed in a vault; its number is the last one now."""

    vault: UUID
    seq: int
