"""A middleware that limits bodies, as sent and as decompressed."""

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from promptvault.server.http.json_body import run_in_thread
from promptvault.wire.decompression import (
    BodyTooLargeError,
    DamagedBodyError,
    Decompressor,
    decompress,
    decompressor,
)

_ENCODING = b"content-encoding"
_AT_ONCE_BYTES = 2048
"""A part up to this size is decompressed in a few milliseconds, in the event loop."""


class BodyLimit:
    """Counts the bytes of a body, and decompresses it as it arrives.

    Errors are raised while the body is read, as HTTPException: FastAPI turns any other
    exception into a status of 400 there.
    """

    def __init__(self, app: ASGIApp, limit: int, inflated_limit: int) -> None:
        self._app, self._limit, self._inflated_limit = app, limit, inflated_limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "http":
            receive = _within(receive, self._limit)
            encoding = dict(scope["headers"]).get(_ENCODING, b"identity").lower()
            if encoding != b"identity":
                receive = _inflating(receive, encoding, self._inflated_limit)
                # The scope itself, because the log reads the route from it.
                scope["headers"] = _as_inflated(scope["headers"])
        await self._app(scope, receive, send)


def _within(receive: Receive, limit: int) -> Receive:
    taken = 0

    async def receive_within() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > limit:
            raise HTTPException(413, f"The body is longer than {limit} bytes")
        return message

    return receive_within


def _inflating(receive: Receive, encoding: bytes, limit: int) -> Receive:
    inflater = decompressor(encoding.decode("latin-1"))
    left, has_begun = limit, False

    async def receive_inflated() -> Message:
        nonlocal left, has_begun
        message = await receive()
        has_begun = has_begun or bool(message.get("body"))
        if not has_begun:  # there is no body
            return message
        if inflater is None:
            raise HTTPException(415, "The body is neither plain, nor gzip, nor zstd")
        body = message.get("body", b"")
        if len(body) <= _AT_ONCE_BYTES:
            body = _inflate(inflater, body, left)
        else:
            body = await run_in_thread(_inflate, inflater, body, left)
        left -= len(body)
        if not message.get("more_body", False) and not inflater.eof:
            raise HTTPException(400, "The compressed body is cut off")
        return {**message, "body": body}

    return receive_inflated


def _inflate(stream: Decompressor, data: bytes, limit: int) -> bytes:
    """Return *data* decompressed; raise HTTPException if it is more than *limit*."""
    try:
        return decompress(stream, data, limit)
    except DamagedBodyError as error:
        raise HTTPException(400, str(error)) from None
    except BodyTooLargeError:
        raise HTTPException(413, "The body is too long once it is inflated") from None


def _as_inflated(headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    return [
        (name, value)
        for name, value in headers
        if name not in {_ENCODING, b"content-length"}
    ]
