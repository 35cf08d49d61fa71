"""Compressed answers, by zstd or gzip, if the client accepts them.

Pages are not compressed. The size of a compressed page would reveal the proof of its
forms to anyone who can put text on the page.
"""

import gzip

import zstandard
from starlette.responses import Response

_SHORTEST = 512
"""Bytes; a shorter body hardly shrinks."""


def compressed(
    body: bytes,
    accepted: str,
    status: int = 200,
    media_type: str = "application/json",
) -> Response:
    """Return an answer with *body*, in the best encoding of *accepted*.

    *accepted* is the header ``Accept-Encoding``. Each encoding ends with a checksum, so
    the client notices an answer that is cut off.
    """
    headers = {"Vary": "Accept-Encoding"}
    encoding = _best(accepted) if len(body) >= _SHORTEST else None
    if encoding == "zstd":
        body = zstandard.ZstdCompressor(level=3, write_checksum=True).compress(body)
    elif encoding == "gzip":
        body = gzip.compress(body, compresslevel=6, mtime=0)
    if encoding is not None:
        headers["Content-Encoding"] = encoding
    return Response(body, status, headers, media_type)


def _best(accepted: str) -> str | None:
    offers = {}
    for part in accepted.lower().split(","):
        name, _, quality = part.replace(" ", "").partition(";q=")
        offers[name] = not quality or quality.strip("0.") != ""
    return next((name for name in ("zstd", "gzip") if offers.get(name)), None)
