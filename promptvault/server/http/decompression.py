"""Decompression of request bodies, with its errors as HTTP errors."""

from starlette.exceptions import HTTPException

from promptvault.wire.decompression import (
    BodyTooLargeError,
    DamagedBodyError,
    Decompressor,
    decompress,
)


def inflate(stream: Decompressor, data: bytes, limit: int) -> bytes:
    """Return *data* decompressed; raise HTTPException if it is more than *limit*."""
    try:
        return decompress(stream, data, limit)
    except DamagedBodyError as error:
        raise HTTPException(400, str(error)) from None
    except BodyTooLargeError:
        raise HTTPException(413, "The body is too long once it is inflated") from None
