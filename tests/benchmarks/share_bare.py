"""The baseline for the page of a share: two statements and a template in FastAPI."""

import contextlib
import json
import sys
from collections.abc import AsyncIterator
from uuid import UUID

import jinja2
from fastapi import FastAPI
from fastapi.responses import HTMLResponse
from psycopg_pool import AsyncConnectionPool

from tests.benchmarks.sync_bare import serve

_PAGE = jinja2.Environment(autoescape=True).from_string(
    "<!doctype html><html lang=en><title>{{ title }}</title><h1>{{ title }}</h1>"
    "<p>version {{ number }}</p><pre>{{ body }}</pre></html>"
)


def create(address: str) -> FastAPI:
    """Return an app that shows a shared prompt without any check."""
    pool = AsyncConnectionPool(
        address, min_size=1, max_size=10, open=False, kwargs={"autocommit": True}
    )

    @contextlib.asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        async with pool:
            yield

    app = FastAPI(lifespan=lifespan)

    @app.get("/s/{token}")
    async def show(token: str) -> HTMLResponse:
        async with pool.connection() as connection:
            cursor = await connection.execute(
                "SELECT s.vault_id, i.payload FROM shares s"
                " JOIN items i ON i.vault_id = s.vault_id AND i.item_id = s.item_id"
                " WHERE s.token = %s",
                (token,),
            )
            ((vault_id, payload),) = await cursor.fetchall()
            state = json.loads(payload)
            cursor = await connection.execute(
                "SELECT number, payload FROM versions"
                " WHERE vault_id = %s AND version_id = %s",
                (vault_id, UUID(state["version"])),
            )
            ((number, text),) = await cursor.fetchall()
        body = json.loads(text)["body"]
        return HTMLResponse(_PAGE.render(title=state["name"], number=number, body=body))

    return app


if __name__ == "__main__":
    serve(lambda: create(sys.argv[1]))
