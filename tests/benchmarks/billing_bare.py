"""The baseline for webhooks: one row for each event, in FastAPI, without any check."""

import contextlib
import sys
from collections.abc import AsyncIterator
from typing import Any

from fastapi import FastAPI
from psycopg_pool import AsyncConnectionPool

from tests.benchmarks.sync_bare import serve


def create(address: str) -> FastAPI:
    """Return an app that stores the ids of events."""
    pool = AsyncConnectionPool(address, min_size=1, max_size=10, open=False)

    @contextlib.asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        async with pool:
            yield

    app = FastAPI(lifespan=lifespan)

    @app.post("/v1/webhooks/stripe", status_code=204)
    async def receive(event: dict[str, Any]) -> None:
        async with pool.connection() as connection:
            await connection.execute(
                "INSERT INTO external_events (source, external_id, kind)"
                " VALUES ('bare', %s, %s)",
                (event["id"], event["type"]),
            )

    return app


if __name__ == "__main__":
    serve(lambda: create(sys.argv[1]))
