"""Networks that users have signed in from, in the database."""

from uuid import UUID

from promptvault.server.database import Connection

_NOBODY = UUID(int=0)


class NetworkRepository:
    """Reads and writes known networks within one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def note(self, user_id: UUID, network_hash: str) -> None:
        """Store that a user has signed in from a network just now."""
        await self._connection.execute(
            """
            INSERT INTO known_networks (user_id, hash, used_at) VALUES (%s, %s, now())
            ON CONFLICT (user_id, hash) DO UPDATE SET used_at = excluded.used_at
            """,
            (user_id, network_hash),
        )

    async def is_known(self, user_id: UUID | None, network_hash: str) -> bool:
        """Whether a user has signed in from a network; nobody has, with equal work."""
        cursor = await self._connection.execute(
            "SELECT 1 FROM known_networks WHERE user_id = %s AND hash = %s",
            (user_id or _NOBODY, network_hash),
        )
        return await cursor.fetchone() is not None

    async def forget_all(self, user_id: UUID) -> None:
        """Forget every network of a user."""
        await self._connection.execute(
            "DELETE FROM known_networks WHERE user_id = %s", (user_id,)
        )
