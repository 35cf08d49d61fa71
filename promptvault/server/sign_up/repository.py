"""Sign-ups that wait for their confirmation, in the database."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from psycopg.rows import class_row, scalar_row

from promptvault.server.database import Connection


@dataclass(frozen=True, slots=True)
class SignUp:
    """An address that is not confirmed yet, and the password that was chosen."""

    email: str
    password_hash: str


class SignUpRepository:
    """Reads and writes sign-ups within one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def add(self, token_hash: str, sign_up: SignUp, life: timedelta) -> UUID:
        """Store a sign-up and return its id; delete the expired ones."""
        await self._connection.execute("DELETE FROM sign_ups WHERE expires_at <= now()")
        cursor = self._connection.cursor(row_factory=scalar_row)
        await cursor.execute(
            "INSERT INTO sign_ups (hash, email, password_hash, expires_at)"
            " VALUES (%s, %s, %s, now() + %s) RETURNING id",
            (token_hash, sign_up.email, sign_up.password_hash, life),
        )
        sign_up_id: UUID | None = await cursor.fetchone()
        assert sign_up_id is not None
        return sign_up_id

    async def copy(
        self, sign_up_id: UUID, token_hash: str, life: timedelta
    ) -> str | None:
        """Copy a sign-up with another token, and return the address.

        The link of an earlier mail stays good. Returns None if it has expired.
        """
        cursor = self._connection.cursor(row_factory=scalar_row)
        await cursor.execute(
            "INSERT INTO sign_ups (hash, email, password_hash, expires_at)"
            " SELECT %s, email, password_hash, now() + %s FROM sign_ups"
            "  WHERE id = %s AND expires_at > now() RETURNING email",
            (token_hash, life, sign_up_id),
        )
        return await cursor.fetchone()

    async def find(self, token_hash: str) -> SignUp | None:
        """Return a sign-up; None if there is none, or it has expired."""
        return await self._one(
            "SELECT email, password_hash FROM sign_ups"
            " WHERE hash = %s AND expires_at > now()",
            token_hash,
        )

    async def use(self, token_hash: str) -> SignUp | None:
        """Delete a sign-up and return it. Of concurrent calls, one gets it."""
        return await self._one(
            "DELETE FROM sign_ups WHERE hash = %s AND expires_at > now()"
            " RETURNING email, password_hash",
            token_hash,
        )

    async def _one(self, query: str, token_hash: str) -> SignUp | None:
        cursor = self._connection.cursor(row_factory=class_row(SignUp))
        await cursor.execute(query, (token_hash,))
        return await cursor.fetchone()
