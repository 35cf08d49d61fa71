"""Deleted and erased users in the database."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from psycopg.errors import UniqueViolation
from psycopg.rows import class_row, scalar_row

from promptvault.server.billing.stripe_client import ENDED
from promptvault.server.database import Connection


@dataclass(frozen=True, slots=True)
class StoredUser:
    """A user whose data are still stored, deleted or not."""

    id: UUID
    account_id: UUID
    email: str
    deleted_at: datetime | None


_USER = "id, account_id, email, deleted_at"
LONGEST_WAIT = timedelta(days=3)
"""How long a deleted account is kept because it still pays."""
_LIVE = f"s.status NOT IN {tuple(sorted(ENDED))}"
# If other users are left in the account, it goes on to pay.
_DUE = f"""
SELECT u.id, u.account_id, u.email, u.deleted_at
  FROM users u JOIN accounts a ON a.id = u.account_id
 WHERE u.erase_at <= %(now)s AND (%(user)s::uuid IS NULL OR u.id = %(user)s)
   AND (u.erase_at + %(wait)s::interval <= %(now)s
       OR a.deleted_at IS NULL OR NOT EXISTS (
       SELECT 1 FROM subscriptions s WHERE s.account_id = a.id AND {_LIVE}))
 ORDER BY u.erase_at LIMIT 1
"""
_PAYS = f"""
SELECT 1 FROM users u
  JOIN accounts a ON a.id = u.account_id AND a.deleted_at IS NOT NULL
  JOIN subscriptions s ON s.account_id = a.id AND {_LIVE}
 WHERE u.id = %s
"""

# Lines about members name their ids, those about invitations only the address.
_FORGET_NAME = """
UPDATE activities
   SET actor_email = CASE WHEN actor = %(user)s THEN %(name)s ELSE actor_email END,
       network = CASE WHEN actor = %(user)s THEN NULL ELSE network END,
       subject = CASE WHEN details->>'user' = %(user)s::text
                        OR lower(subject) = lower(%(email)s) THEN %(name)s
                      ELSE subject END
 WHERE actor = %(user)s OR details->>'user' = %(user)s::text
    OR lower(subject) = lower(%(email)s) AND NOT EXISTS (
       SELECT 1 FROM users WHERE lower(email) = lower(%(email)s) AND id <> %(user)s)
"""


class ErasureRepository:
    """Deletes and erases users within one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def find(self, email: str) -> StoredUser | None:
        """Return the user with an address, or else the last deleted one who had it."""
        cursor = self._connection.cursor(row_factory=class_row(StoredUser))
        await cursor.execute(
            f"SELECT {_USER} FROM users WHERE lower(email) = lower(%s)"
            " ORDER BY deleted_at DESC NULLS FIRST LIMIT 1",
            (email,),
        )
        return await cursor.fetchone()

    async def find_deleted(self, user_id: UUID) -> tuple[str, datetime] | None:
        """Return the address of a deleted user, and when the data are erased."""
        cursor = await self._connection.execute(
            "SELECT email, erase_at FROM users WHERE id = %s AND erase_at IS NOT NULL",
            (user_id,),
        )
        return await cursor.fetchone()

    async def next_due(
        self, now: datetime, user_id: UUID | None = None
    ) -> StoredUser | None:
        """Return a user to erase at *now*, without a lock; if given, only that one.

        An account that pays is left out for `LONGEST_WAIT`: a job ends that.
        """
        cursor = self._connection.cursor(row_factory=class_row(StoredUser))
        values = {"now": now, "user": user_id, "wait": LONGEST_WAIT}
        await cursor.execute(_DUE, values)
        return await cursor.fetchone()

    async def pays(self, user_id: UUID) -> bool:
        """Return True if a user's account is deleted, and has a subscription."""
        cursor = await self._connection.execute(_PAYS, (user_id,))
        return await cursor.fetchone() is not None

    async def lock_identities(self, user_id: UUID) -> None:
        """Wait for a provider that signs a user in, or sends an event about one."""
        await self._connection.execute(
            "SELECT 1 FROM identities WHERE user_id = %s"
            " ORDER BY issuer, subject FOR UPDATE",
            (user_id,),
        )

    async def delete_codes(self, user_id: UUID) -> None:
        """Delete the codes of devices that have not fetched their token yet."""
        await self._connection.execute(
            "DELETE FROM device_codes WHERE user_id = %s", (user_id,)
        )

    async def mark(self, user_id: UUID, grace: timedelta) -> UUID | None:
        """Mark a user as deleted, to be erased after *grace*, and return the account.

        The address becomes free. Returns None if the user was deleted before.
        """
        cursor = self._connection.cursor(row_factory=scalar_row)
        await cursor.execute(
            """
            UPDATE users SET deleted_at = now(), erase_at = now() + %s
             WHERE id = %s AND deleted_at IS NULL RETURNING account_id
            """,
            (grace, user_id),
        )
        return await cursor.fetchone()

    async def mark_account(self, account_id: UUID) -> bool:
        """Mark an account as deleted if all of its users are; True if this did it."""
        cursor = await self._connection.execute(
            """
            UPDATE accounts SET deleted_at = now()
             WHERE id = %s AND deleted_at IS NULL AND NOT EXISTS (
                   SELECT 1 FROM users
                    WHERE account_id = accounts.id AND deleted_at IS NULL)
            """,
            (account_id,),
        )
        return cursor.rowcount == 1

    async def unmark(self, user_id: UUID) -> bool:
        """Undo `mark`; return False if another user has the address now."""
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
        """Undo `mark_account`."""
        await self._connection.execute(
            "UPDATE accounts SET deleted_at = NULL WHERE id = %s", (account_id,)
        )

    async def lock_vaults(self, account_id: UUID) -> None:
        """Wait for readers of an account's vaults, which store their cursors.

        Without this, the vaults would be locked as they are erased: in any order.
        """
        await self._connection.execute(
            "SELECT 1 FROM vaults WHERE account_id = %s ORDER BY id FOR UPDATE",
            (account_id,),
        )

    async def erase_user(self, user: StoredUser) -> None:
        """Erase a user, and the rows that hold only the address.

        The row that says that a provider has deleted the user stays for a while.
        Otherwise a late event of the provider would make the user again.
        """
        await self._connection.execute(
            "UPDATE identities SET user_id = NULL"
            " WHERE user_id = %s AND deleted_at IS NOT NULL",
            (user.id,),
        )
        await self._connection.execute("DELETE FROM users WHERE id = %s", (user.id,))
        await self._connection.execute(
            "DELETE FROM sign_ups WHERE lower(email) = lower(%s)", (user.email,)
        )

    async def erase_invitations(self, user: StoredUser) -> None:
        """Erase the invitations to a user, unless another one has the address now."""
        await self._connection.execute(
            """
            DELETE FROM invitations
             WHERE lower(email) = lower(%(email)s) AND NOT EXISTS (
                   SELECT 1 FROM users
                    WHERE lower(email) = lower(%(email)s) AND id <> %(user)s)
            """,
            {"email": user.email, "user": user.id},
        )

    async def forget_name(self, user: StoredUser, name: str) -> None:
        """Put *name* in the place of an erased user's address in activity logs."""
        await self._connection.execute(
            _FORGET_NAME, {"email": user.email, "user": user.id, "name": name}
        )

    async def erase_account(self, account_id: UUID) -> bool:
        """Erase an account without users, and its vaults; True if it had none left."""
        cursor = await self._connection.execute(
            """
            DELETE FROM accounts WHERE id = %s AND NOT EXISTS (
                   SELECT 1 FROM users WHERE account_id = accounts.id)
            """,
            (account_id,),
        )
        return cursor.rowcount == 1

    async def forget_identities(self, before: datetime) -> None:
        """Delete identities without a user that a provider deleted before a time."""
        await self._connection.execute(
            "DELETE FROM identities WHERE user_id IS NULL AND deleted_at < %s",
            (before,),
        )

    async def prompt_count(self, account_id: UUID) -> int:
        """Return the number of an account's prompts; 0 if there is no account."""
        cursor = self._connection.cursor(row_factory=scalar_row)
        await cursor.execute(
            "SELECT prompt_count FROM accounts WHERE id = %s", (account_id,)
        )
        count: int | None = await cursor.fetchone()
        return count or 0
