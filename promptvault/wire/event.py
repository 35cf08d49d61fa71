"""The events that the server sends to devices: `GET /v1/events`."""

from uuid import UUID

from pydantic import BaseModel

VAULT_EVENT = "vault"


class VaultEvent(BaseModel):
    """A vault has changed; `seq` is that of its last change."""

    vault: UUID
    seq: int
