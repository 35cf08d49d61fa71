"""Sign-ups that wait for their mail to be answered."""

from dataclasses import dataclass
from datetime import timedelta

from psycopg.rows import class_row

from promptvault.server.database import Connection


@dataclass(frozen=True, slots=True)
class SignUp:
    """An address, and the password that whoever wrote it down chose."""

    email: str
    password_hash: str


class SignUpRepository:
    """Reads and writes sign-ups within one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def add(self, token_hash: str, sign_up: SignUp, life: timedelta) -> None:
        """Store a sign-up, and forget those that nobody answered in time."""
        await self._connection.execute("DELETE FROM sign_ups WHERE expires_at <= now()")
        await self._connection.execute(
            "INSERT INTO sign_ups (hash, email, password_hash, expires_at)"
            " VALUES (%s, %s, %s, now() + %s)",
            (token_hash, sign_up.email, sign_up.password_hash, life),
        )

    async def find(self, token_hash: str) -> SignUp | None:
        """Return the sign-up that a mail is about."""
        return await self._one(
            "SELECT email, password_hash FROM sign_ups"
            " WHERE hash = %s AND expires_at > now()",
            token_hash,
        )

    async def use(self, token_hash: str) -> SignUp | None:
        """Take a sign-up away and return it: of all who ask, one gets it."""
        return await self._one(
            "DELETE FROM sign_ups WHERE hash = %s AND expires_at > now()"
            " RETURNING email, password_hash",
            token_hash,
        )

    async def _one(self, query: str, token_hash: str) -> SignUp | None:
        cursor = self._connection.cursor(row_factory=class_row(SignUp))
        await cursor.execute(query, (token_hash,))
        return await cursor.fetchone()
