"""Health checks for load balancers, and metrics for Prometheus; outside of the API."""

import hmac
from functools import cache
from typing import Annotated

import psycopg
from fastapi import APIRouter, Header, Request, Response

from promptvault.errors import AuthenticationError, UnavailableError
from promptvault.server import metrics
from promptvault.server.database import Connection
from promptvault.server.dependencies import AppSettings, Transaction
from promptvault.server.postgres import migration
from promptvault.server.redis.client import Redis

router = APIRouter(include_in_schema=False)

_newest_revision = cache(migration.newest)


@router.get("/healthz")
async def healthz() -> dict[str, str]:
    """Report that this process runs; the database is not asked."""
    return {"status": "ok"}


@router.get("/readyz")
async def readyz(request: Request, connection: Transaction) -> dict[str, str]:
    """Report that the database answers and has the schema of this program.

    A server without its Redis is ready as well: it does without.
    """
    await require_schema(connection)
    redis: Redis | None = request.app.state.redis
    if redis is None:
        return {"status": "ok"}
    return {"status": "ok", "redis": "ok" if redis.is_up else "away"}


async def require_schema(connection: Connection) -> None:
    """Raise UnavailableError unless the database has the schema of this program."""
    try:
        cursor = await connection.execute("SELECT version_num FROM alembic_version")
    except psycopg.errors.UndefinedTable:
        raise UnavailableError("The database has no schema yet.") from None
    row = await cursor.fetchone()
    if row is None or row[0] != _newest_revision():
        raise UnavailableError("The database's schema is not the one of this program.")


@router.get("/metrics")
async def prometheus(
    settings: AppSettings, authorization: Annotated[str, Header()] = ""
) -> Response:
    """Return the metrics in the text format of Prometheus."""
    token = settings.metrics_token
    if token is not None:
        expected = f"Bearer {token.get_secret_value()}".encode()
        if not hmac.compare_digest(authorization.encode(), expected):
            raise AuthenticationError("The metrics ask for their token.")
    return Response(metrics.exposition(), media_type="text/plain; version=0.0.4")
