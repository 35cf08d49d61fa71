"""Reads fields of parsed JSON of any type, as exports and other tools write it."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime

from promptvault.domain import timestamp
from promptvault.importers.input.json_stream import JsonObject, JsonValue

_UNFIT = re.compile("[\0\ud800-\udfff]")
# Epoch seconds reach this in the year 5138; a larger number is milliseconds.
_LARGEST_SECONDS = 1e11


def sanitized(text: str) -> str:
    """Return *text* with NUL and lone surrogates, which neither files nor databases
    take, replaced by U+FFFD."""
    try:
        text.encode()  # many times as fast as a search for surrogates
    except UnicodeEncodeError:
        return _UNFIT.sub("\ufffd", text)
    return text.replace("\0", "\ufffd")


def as_text(value: object) -> str | None:
    """Return a string with more than white space, sanitized; None for anything else."""
    return sanitized(value) if isinstance(value, str) and value.strip() else None


def first_text(fields: JsonObject, names: Iterable[str]) -> str | None:
    """Return the first text under one of *names*, None if there is none."""
    texts = (as_text(fields.get(name)) for name in names)
    return next(filter(None, texts), None)


def as_object(value: JsonValue) -> JsonObject:
    """Return an object unchanged, {} for anything else."""
    return value if isinstance(value, dict) else {}


def as_list(value: JsonValue) -> list[JsonValue]:
    """Return an array unchanged, [] for anything else."""
    return value if isinstance(value, list) else []


def as_time(value: object) -> datetime | None:
    """Return *value* as an aware UTC time, None if it is not a time.

    It may be epoch seconds or milliseconds, as a number or a string, or ISO 8601, which
    is UTC unless it names a zone.
    """
    try:
        if isinstance(value, str):
            return _from_number(float(value)) if _is_number(value) else _from_iso(value)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return _from_number(value)
    except (ValueError, OverflowError, OSError):
        pass
    return None


def _is_number(value: str) -> bool:
    return value.strip().replace(".", "", 1).isdecimal()


def _from_iso(value: str) -> datetime:
    return timestamp.from_text(value.strip())


def _from_number(value: float) -> datetime:
    seconds = value / 1000 if abs(value) > _LARGEST_SECONDS else value
    return datetime.fromtimestamp(seconds, UTC)
