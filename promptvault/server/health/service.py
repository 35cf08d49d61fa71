"""Whether requests can be answered."""

from functools import cache

import psycopg

from promptvault.errors import UnavailableError
from promptvault.server.database import Connection
from promptvault.server.postgres import migration

_newest = cache(migration.newest)


async def require_schema(connection: Connection) -> None:
    """Raise UnavailableError unless the database has the schema of this program."""
    try:
        cursor = await connection.execute("SELECT version_num FROM alembic_version")
    except psycopg.errors.UndefinedTable:
        raise UnavailableError("The database has no schema yet.") from None
    row = await cursor.fetchone()
    if row is None or row[0] != _newest():
        raise UnavailableError("The database's schema is not the one of this program.")
