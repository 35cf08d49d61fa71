"""The baseline for the server: five statements in FastAPI, without any check."""

import contextlib
import hashlib
import json
import sys
from collections.abc import AsyncIterator, Callable
from typing import Any
from uuid import UUID

import uvicorn
from fastapi import FastAPI
from psycopg_pool import AsyncConnectionPool

from promptvault.server import server_urls, serving


def create(address: str) -> FastAPI:
    """Return an app that stores what is pushed, without any check."""
    pool = AsyncConnectionPool(address, min_size=1, max_size=10, open=False)

    @contextlib.asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        async with pool:
            yield

    app = FastAPI(lifespan=lifespan)

    @app.get("/healthz")
    async def healthz() -> str:
        return "ok"

    @app.post("/v1/sync")
    async def sync(request: dict[str, Any]) -> dict[str, Any]:
        vault_id = UUID(request["vaults"][0]["id"])
        push = request["vaults"][0]["push"][0]
        item, rev = UUID(push["item"]), UUID(push["rev"])
        payload = json.dumps(push["versions"][0]).encode()
        async with pool.connection() as connection:
            cursor = await connection.execute(
                "SELECT head_seq FROM vaults WHERE id = %s FOR NO KEY UPDATE",
                (vault_id,),
            )
            ((seq,),) = await cursor.fetchall()
            cursor = await connection.execute(
                "SELECT head_rev FROM items WHERE vault_id = %s AND item_id = %s",
                (vault_id, item),
            )
            assert await cursor.fetchone() is None
            await connection.execute(
                "INSERT INTO items (vault_id, item_id, head_rev, deleted, seq, payload)"
                " VALUES (%s, %s, %s, false, %s, %s)",
                (vault_id, item, rev, seq + 1, payload),
            )
            await connection.execute(
                "INSERT INTO revisions (vault_id, rev, item_id, kind, seq,"
                " payload_hash, author_user, device)"
                " VALUES (%s, %s, %s, 'head', %s, %s, %s, %s)",
                (
                    *(vault_id, rev, item, seq + 1),
                    *(hashlib.sha256(payload).digest(), vault_id, vault_id),
                ),
            )
            await connection.execute(
                "UPDATE vaults SET head_seq = %s WHERE id = %s", (seq + 1, vault_id)
            )
        return {"rev": rev, "r": "ok", "seq": seq + 1}

    return app


def serve(create: Callable[[], FastAPI]) -> None:
    """Serve on a free port, as the real server does, until SIGTERM."""
    with serving.listening("127.0.0.1", 0) as listener:
        print(json.dumps({"url": server_urls.local_url(listener)}), flush=True)
        config = uvicorn.Config(
            create,
            factory=True,
            lifespan="on",
            http="h11",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
        )
        uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    serve(lambda: create(sys.argv[1]))
