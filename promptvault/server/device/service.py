"""What is done with devices: see what is signed in, and sign it out."""

from dataclasses import asdict
from uuid import UUID

from promptvault.errors import NotFoundError
from promptvault.server.database import Connection
from promptvault.server.token.repository import Bearer, TokenRepository
from promptvault.wire.device import SignedInRead


async def signed_in(connection: Connection, bearer: Bearer) -> list[SignedInRead]:
    """Return what is signed in as the user who asks, the last seen first."""
    found = await TokenRepository(connection).signed_in(bearer.user_id, bearer.token_id)
    return [SignedInRead(**asdict(each)) for each in found]


async def sign_out(connection: Connection, user_id: UUID, signed_in_id: UUID) -> None:
    """End every token of a user's device, or of a machine; raises NotFoundError."""
    if not await TokenRepository(connection).revoke(user_id, signed_in_id):
        raise NotFoundError("Nothing is signed in with this id.")
