"""Sign-ins in progress at the provider, and the provider's identities of users."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from psycopg.rows import class_row, scalar_row

from promptvault.server.database import Connection


@dataclass(frozen=True, slots=True)
class Identity:
    """A provider's identity of a user. Its row is locked until the transaction ends."""

    issuer: str
    subject: str
    user_id: UUID | None
    changed_at: int
    """The time of the last event that was applied, on the provider's clock, in
    milliseconds."""
    deleted_at: datetime | None


class ProviderSignInRepository:
    """Reads and writes sign-ins in progress within one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def add(
        self, state_hash: str, browser_hash: str, user_code: str, life: timedelta
    ) -> None:
        """Store a new sign-in, and delete the expired ones."""
        await self._connection.execute(
            "DELETE FROM provider_sign_ins WHERE expires_at <= now()"
        )
        await self._connection.execute(
            "INSERT INTO provider_sign_ins (hash, browser_hash, user_code, expires_at)"
            " VALUES (%s, %s, %s, now() + %s)",
            (state_hash, browser_hash, user_code, life),
        )

    async def use(self, state_hash: str, browser_hash: str) -> str | None:
        """Delete the sign-in that this browser began, and return its user code."""
        cursor = self._connection.cursor(row_factory=scalar_row)
        await cursor.execute(
            "DELETE FROM provider_sign_ins"
            " WHERE hash = %s AND browser_hash = %s AND expires_at > now()"
            " RETURNING user_code",
            (state_hash, browser_hash),
        )
        return await cursor.fetchone()


class IdentityRepository:
    """Reads and writes identities within one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def lock(self, issuer: str, subject: str) -> Identity:
        """Return an identity, add it if needed, and lock its row."""
        await self._connection.execute(
            "INSERT INTO identities (issuer, subject) VALUES (%s, %s)"
            " ON CONFLICT DO NOTHING",
            (issuer, subject),
        )
        cursor = self._connection.cursor(row_factory=class_row(Identity))
        await cursor.execute(
            "SELECT issuer, subject, user_id, changed_at, deleted_at FROM identities"
            " WHERE issuer = %s AND subject = %s FOR UPDATE",
            (issuer, subject),
        )
        identity = await cursor.fetchone()
        assert identity is not None
        return identity

    async def is_linked(self, user_id: UUID) -> bool:
        """Return True if an identity is linked to the user."""
        cursor = await self._connection.execute(
            "SELECT 1 FROM identities WHERE user_id = %s", (user_id,)
        )
        return await cursor.fetchone() is not None

    async def link(self, identity: Identity, user_id: UUID) -> None:
        """Link an identity to a user."""
        await self._connection.execute(
            "UPDATE identities SET user_id = %s WHERE issuer = %s AND subject = %s",
            (user_id, identity.issuer, identity.subject),
        )

    async def mark_changed(self, identity: Identity, changed_at: int) -> None:
        """Store the time of the last event that was applied."""
        await self._connection.execute(
            "UPDATE identities SET changed_at = %s WHERE issuer = %s AND subject = %s",
            (changed_at, identity.issuer, identity.subject),
        )

    async def mark_deleted(self, identity: Identity) -> None:
        """Store that the provider has deleted an identity. It stays deleted."""
        await self._connection.execute(
            "UPDATE identities SET deleted_at = now()"
            " WHERE issuer = %s AND subject = %s",
            (identity.issuer, identity.subject),
        )
