"""Events of other services, each of which is handled once."""

from promptvault.server.database import Connection


class ExternalEventRepository:
    """Reads and writes events within one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def is_new(self, source: str, external_id: str, kind: str) -> bool:
        """Store that an event is handled, and tell whether nobody has done so before.

        Whoever has the same one at the same time waits. What it says is not kept: it is
        about people.
        """
        cursor = await self._connection.execute(
            "INSERT INTO external_events (source, external_id, kind)"
            " VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
            (source, external_id, kind),
        )
        return cursor.rowcount > 0
