"""Devices in the database; each query names their user."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from psycopg.rows import class_row

from promptvault.errors import NotFoundError
from promptvault.server.database import Connection


@dataclass(frozen=True, slots=True)
class Device:
    """A device that is signed in."""

    id: UUID
    label: str
    os: str
    created_at: datetime
    last_seen_at: datetime | None


_DEVICE = "id, label, os, created_at, last_seen_at"


class DeviceRepository:
    """Reads and writes devices within one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def add(self, user_id: UUID, label: str, os: str) -> Device:
        """Add a device, and return it."""
        cursor = self._connection.cursor(row_factory=class_row(Device))
        await cursor.execute(
            "INSERT INTO devices (user_id, label, os) VALUES (%s, %s, %s)"
            f" RETURNING {_DEVICE}",
            (user_id, label, os),
        )
        device = await cursor.fetchone()
        assert device is not None
        return device

    async def get(self, user_id: UUID, device_id: UUID) -> Device:
        """Return a user's device; raises NotFoundError."""
        cursor = self._connection.cursor(row_factory=class_row(Device))
        await cursor.execute(
            f"SELECT {_DEVICE} FROM devices WHERE user_id = %s AND id = %s",
            (user_id, device_id),
        )
        device = await cursor.fetchone()
        if device is None:
            raise NotFoundError("There is no such device.")
        return device
