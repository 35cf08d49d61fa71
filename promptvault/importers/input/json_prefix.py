"""Completes the start of a JSON text, so that it can be parsed."""

import re

_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*+"|["{}\[\],]', re.DOTALL)
_CLOSING = {b"{": b"}", b"[": b"]"}


def completed(start: bytes) -> bytes:
    """Return *start* up to its last whole value, with all that is open closed.

    *start* is the beginning of a JSON text or of JSON lines. What is not JSON comes
    back in some form, and is no JSON then either.
    """
    closings: list[bytes] = []
    end, rest = len(start), b""
    for token in _TOKEN.finditer(start):
        mark = token[0]
        if mark == b'"':  # a string that does not end
            break
        if mark in _CLOSING:
            closings.append(_CLOSING[mark])
        elif mark in (b"}", b"]") and closings:
            closings.pop()
        elif mark != b",":
            continue
        end = token.start() if mark == b"," else token.end()
        rest = b"".join(reversed(closings))
    return start[:end] + rest
