"""The stored form of payloads, and the few fields of them that the server reads."""

import hashlib
import json
from collections.abc import Iterator
from typing import Any
from uuid import UUID

from promptvault.wire.sync import Payload, VersionPush

_DEPTH = 32
"""Of nested lists and objects. The JSON library fails only far beyond this."""

_AS_SENT = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))
_SORTED = json.JSONEncoder(
    ensure_ascii=False, allow_nan=False, separators=(",", ":"), sort_keys=True
)


class UnusableError(Exception):
    """A payload that lacks a field, or cannot be written as JSON."""


def encode(payload: Payload | None) -> bytes | None:
    """Return *payload* in its canonical form, keys sorted; raises UnusableError."""
    return None if payload is None else _encode(payload, _SORTED)


def _encode(payload: Payload, encoder: json.JSONEncoder) -> bytes:
    if _is_deeper(payload, _DEPTH):
        raise UnusableError
    try:
        return encoder.encode(payload).encode()
    except ValueError as error:  # NaN, infinity, or a lone surrogate
        raise UnusableError from error


def decode(payload: bytes | None) -> Any:
    """Return a stored payload as Python values."""
    return None if payload is None else json.loads(payload)


def _is_deeper(value: Any, depth: int) -> bool:
    if isinstance(value, dict):
        value = value.values()
    elif not isinstance(value, list):
        return False
    return depth == 0 or any(_is_deeper(each, depth - 1) for each in value)


def encode_version(version: VersionPush) -> bytes:
    """Return all fields of *version* except its id, as sent; raises UnusableError.

    The keys are not sorted, because the order of the variables matters. The text must
    not be empty, unless the device says that it has left it out.
    """
    sent = version.__pydantic_extra__ or {}
    text = sent.get("body")
    if not (isinstance(text, str) and text) and sent.get("left_out") is not True:
        raise UnusableError
    return _encode(sent, _AS_SENT)


def fingerprint(kind: str, deleted: bool, payload: bytes | None) -> bytes:
    """Return a hash of a push that is the same when it is sent again."""
    start = f"{kind} {'deleted' if deleted else 'live'} {payload is not None}\n"
    return hashlib.sha256(start.encode() + (payload or b"")).digest()


def named_versions(payload: Payload) -> set[UUID]:
    """Return the ids of the current version and of the versions with labels.

    Raises UnusableError if *payload*, a prompt's state, does not contain them.
    """
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
