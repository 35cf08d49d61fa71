"""What load balancers and Prometheus ask, outside of the API."""

import hmac
from typing import Annotated

from fastapi import APIRouter, Header, Response

from promptvault.errors import AuthenticationError
from promptvault.server import metrics
from promptvault.server.dependencies import AppSettings, Transaction
from promptvault.server.health.service import require_schema

router = APIRouter(include_in_schema=False)


@router.get("/healthz")
async def healthz() -> dict[str, str]:
    """Tell that this process lives; asks nothing of the database."""
    return {"status": "ok"}


@router.get("/readyz")
async def readyz(connection: Transaction) -> dict[str, str]:
    """Tell that requests can be answered: the database is there, with our schema."""
    await require_schema(connection)
    return {"status": "ok"}


@router.get("/metrics")
async def prometheus(
    settings: AppSettings, authorization: Annotated[str, Header()] = ""
) -> Response:
    """Tell what was counted."""
    token = settings.metrics_token
    if token is not None:
        expected = f"Bearer {token.get_secret_value()}".encode()
        if not hmac.compare_digest(authorization.encode(), expected):
            raise AuthenticationError("The metrics ask for their token.")
    return Response(metrics.exposition(), media_type="text/plain; version=0.0.4")
