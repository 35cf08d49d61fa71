"""Users on their way out, in the database."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from psycopg.errors import UniqueViolation
from psycopg.rows import class_row, scalar_row

from promptvault.server.database import Connection


@dataclass(frozen=True, slots=True)
class Leaver:
    """A user whose data are still there, deleted or not."""

    id: UUID
    account_id: UUID
    email: str
    deleted_at: datetime | None


_LEAVER = "id, account_id, email, deleted_at"


class ErasureRepository:
    """Deletes and erases users within one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def find(self, email: str) -> Leaver | None:
        """Return who has that address, else who had it last."""
        cursor = self._connection.cursor(row_factory=class_row(Leaver))
        await cursor.execute(
            f"SELECT {_LEAVER} FROM users WHERE lower(email) = lower(%s)"
            " ORDER BY deleted_at DESC NULLS FIRST LIMIT 1",
            (email,),
        )
        return await cursor.fetchone()

    async def next_due(self, now: datetime) -> Leaver | None:
        """Lock one user who is due to be erased, unless another process holds it."""
        cursor = self._connection.cursor(row_factory=class_row(Leaver))
        await cursor.execute(
            f"SELECT {_LEAVER} FROM users WHERE erase_at <= %s"
            " ORDER BY erase_at LIMIT 1 FOR UPDATE SKIP LOCKED",
            (now,),
        )
        return await cursor.fetchone()

    async def delete_codes(self, user_id: UUID) -> None:
        """Forget which devices a user has let in that have no token yet."""
        await self._connection.execute(
            "DELETE FROM device_codes WHERE user_id = %s", (user_id,)
        )

    async def mark(self, user_id: UUID, grace: timedelta) -> UUID | None:
        """Free a user's address, say when the data are to be erased, and return the
        account; None for a user who was deleted before."""
        cursor = self._connection.cursor(row_factory=scalar_row)
        await cursor.execute(
            """
            UPDATE users SET deleted_at = now(), erase_at = now() + %s
             WHERE id = %s AND deleted_at IS NULL RETURNING account_id
            """,
            (grace, user_id),
        )
        return await cursor.fetchone()

    async def mark_account(self, account_id: UUID) -> None:
        """Mark an account as deleted, if all of its users are."""
        await self._connection.execute(
            """
            UPDATE accounts SET deleted_at = now()
             WHERE id = %s AND deleted_at IS NULL AND NOT EXISTS (
                   SELECT 1 FROM users
                    WHERE account_id = accounts.id AND deleted_at IS NULL)
            """,
            (account_id,),
        )

    async def unmark(self, user_id: UUID) -> bool:
        """Give a deleted user the address back; False if somebody else has it."""
        try:
            async with self._connection.transaction():
                await self._connection.execute(
                    "UPDATE users SET deleted_at = NULL, erase_at = NULL WHERE id = %s",
                    (user_id,),
                )
        except UniqueViolation:
            return False
        return True

    async def unmark_account(self, account_id: UUID) -> None:
        """Take back that an account is deleted."""
        await self._connection.execute(
            "UPDATE accounts SET deleted_at = NULL WHERE id = %s", (account_id,)
        )

    async def lock_vaults(self, account_id: UUID) -> None:
        """Wait for whoever writes to an account's vaults, in the order of sync."""
        await self._connection.execute(
            "SELECT 1 FROM vaults WHERE account_id = %s ORDER BY id FOR UPDATE",
            (account_id,),
        )

    async def erase_user(self, leaver: Leaver) -> None:
        """Erase a user, and what is stored under the address alone.

        That a provider has deleted them stays known for a while: else its late events
        would make them anew.
        """
        await self._connection.execute(
            "UPDATE identities SET user_id = NULL"
            " WHERE user_id = %s AND deleted_at IS NOT NULL",
            (leaver.id,),
        )
        await self._connection.execute("DELETE FROM users WHERE id = %s", (leaver.id,))
        await self._connection.execute(
            "DELETE FROM sign_ups WHERE lower(email) = lower(%s)", (leaver.email,)
        )

    async def erase_account(self, account_id: UUID) -> None:
        """Erase an account with all that it has, if no user is left."""
        await self._connection.execute(
            """
            DELETE FROM accounts WHERE id = %s AND NOT EXISTS (
                   SELECT 1 FROM users WHERE account_id = accounts.id)
            """,
            (account_id,),
        )

    async def forget_strangers(self, before: datetime) -> None:
        """Forget whom a provider deleted before that, and who has no data here."""
        await self._connection.execute(
            "DELETE FROM identities WHERE user_id IS NULL AND deleted_at < %s",
            (before,),
        )

    async def prompt_count(self, account_id: UUID) -> int:
        """Return how many prompts an account has."""
        cursor = self._connection.cursor(row_factory=scalar_row)
        await cursor.execute(
            "SELECT prompt_count FROM accounts WHERE id = %s", (account_id,)
        )
        count: int | None = await cursor.fetchone()
        return count or 0
