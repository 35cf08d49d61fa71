"""Sign-ups that wait for their confirmation, in the database."""

from dataclasses import dataclass
from datetime import timedelta

from psycopg.rows import class_row

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

    async def add(self, token_hash: str, sign_up: SignUp, life: timedelta) -> None:
        """Store a sign-up, and delete the expired ones."""
        await self._connection.execute("DELETE FROM sign_ups WHERE expires_at <= now()")
        await self._connection.execute(
            "INSERT INTO sign_ups (hash, email, password_hash, expires_at)"
            " VALUES (%s, %s, %s, now() + %s)",
            (token_hash, sign_up.email, sign_up.password_hash, life),
        )

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
