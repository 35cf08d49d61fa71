"""A model that answers at once, and the baseline for the server's model: a proxy in
FastAPI that passes on what httpx reads."""

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator

import httpx
from fastapi import FastAPI, Request
from fastapi.responses import StreamingResponse

from tests.benchmarks.sync_bare import serve

WORDS = 200
_HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n"
)


def _chunk(value: object) -> bytes:
    text = value if isinstance(value, str) else json.dumps(value)
    event = f"data: {text}\n\n".encode()
    return f"{len(event):x}\r\n".encode() + event + b"\r\n"


def _events() -> list[bytes]:
    """Return an answer, a word in each event, as OpenAI sends it."""
    common = {
        "id": "chatcmpl-0123456789",
        "object": "chat.completion.chunk",
        "created": 1_700_000_000,
        "model": "benchmark",
        "system_fingerprint": "fp_0123456789",
    }
    choices = [
        {"index": 0, "delta": {"content": "word "}, "finish_reason": None}
    ] * WORDS
    choices.append({"index": 0, "delta": {}, "finish_reason": "stop"})
    usage = {"prompt_tokens": 200, "completion_tokens": WORDS, "total_tokens": 400}
    return [
        *(_chunk(common | {"choices": [each]}) for each in choices),
        _chunk(common | {"choices": [], "usage": usage}),
        _chunk("[DONE]"),
    ]


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer the requests of a connection, each event with a write of its own."""
    events = _events()
    with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            _, _, length = head.lower().partition(b"content-length:")
            await reader.readexactly(int(length.split(b"\r\n")[0]))
            writer.write(_HEAD)
            for event in events:
                writer.write(event)
                await asyncio.sleep(0)
            writer.write(b"0\r\n\r\n")
            await writer.drain()
    writer.close()


async def model() -> None:
    """Serve on a free port until SIGTERM."""
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    print(json.dumps({"url": f"http://127.0.0.1:{port}"}), flush=True)
    async with server:
        await server.serve_forever()


def proxy(upstream: str) -> FastAPI:
    """Return an app that passes on requests and answers as they are."""
    client = httpx.AsyncClient(timeout=60)
    app = FastAPI()

    @app.post("/v1/chat/completions")
    async def complete(request: Request) -> StreamingResponse:
        asked = client.build_request(
            "POST", f"{upstream}/chat/completions", content=await request.body()
        )
        answered = await client.send(asked, stream=True)

        async def parts() -> AsyncIterator[bytes]:
            async for part in answered.aiter_raw():
                yield part
            await answered.aclose()

        return StreamingResponse(parts(), media_type="text/event-stream")

    return app


if __name__ == "__main__":
    if sys.argv[1] == "model":
        asyncio.run(model())
    else:
        serve(lambda: proxy(sys.argv[1]))
