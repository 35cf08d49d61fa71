"""Payloads as they are stored, and the little that the server reads of them."""

import hashlib
import json
from collections.abc import Iterator
from typing import Any
from uuid import UUID

from promptvault.wire.sync import Payload, VersionPush

_DEPTH = 32
"""Lists and objects in each other; far more than this and JSON itself gives up."""

_AS_SENT = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))
_SORTED = json.JSONEncoder(
    ensure_ascii=False, allow_nan=False, separators=(",", ":"), sort_keys=True
)


class UnusableError(Exception):
    """A payload that is none, or cannot be written as JSON."""


def encode(payload: Payload | None) -> bytes | None:
    """Return *payload* in its one spelling; raises UnusableError."""
    return None if payload is None else _encode(payload, _SORTED)


def _encode(payload: Payload, encoder: json.JSONEncoder) -> bytes:
    if _is_deeper(payload, _DEPTH):
        raise UnusableError
    try:
        return encoder.encode(payload).encode()
    except ValueError as error:  # not a number, or half a character
        raise UnusableError from error


def decode(payload: bytes | None) -> Any:
    """Return a stored payload."""
    return None if payload is None else json.loads(payload)


def _is_deeper(value: Any, depth: int) -> bool:
    if isinstance(value, dict):
        value = value.values()
    elif not isinstance(value, list):
        return False
    return depth == 0 or any(_is_deeper(each, depth - 1) for each in value)


def encode_version(version: VersionPush) -> bytes:
    """Return all of *version* but its id, as it was sent; raises UnusableError.

    The order of its variables is a part of it. One without a text is no version, but
    for one whose text a device has left out, and says so.
    """
    sent = version.__pydantic_extra__ or {}
    text = sent.get("body")
    if not (isinstance(text, str) and text) and sent.get("left_out") is not True:
        raise UnusableError
    return _encode(sent, _AS_SENT)


def fingerprint(kind: str, deleted: bool, payload: bytes | None) -> bytes:
    """Return by what a push is known again when it comes a second time."""
    start = f"{kind} {'deleted' if deleted else 'live'} {payload is not None}\n"
    return hashlib.sha256(start.encode() + (payload or b"")).digest()


def named_versions(payload: Payload) -> set[UUID]:
    """Return the versions that a prompt's state names; raises UnusableError."""
    return set(_named(payload))


def _named(payload: Payload) -> Iterator[UUID]:
    labels = payload.get("labels", {})
    if not isinstance(labels, dict):
        raise UnusableError
    for text in (payload.get("version"), *labels.values()):
        if not isinstance(text, str):
            raise UnusableError
        try:
            yield UUID(text)
        except ValueError as error:
            raise UnusableError from error
