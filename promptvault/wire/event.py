"""The events that the server sends to devices: `GET /v1/events`."""

from uuid import UUID

from pydantic import BaseModel

VAULT_EVENT = "vault"
ROSTER_EVENT = "roster"


class VaultEvent(BaseModel):
    """A vault has changed; `seq` is that of its last change."""

    vault: UUID
    seq: int


class RosterEvent(BaseModel):
    """The user's vaults have changed; see `SyncAnswer.roster`."""

    roster: int
