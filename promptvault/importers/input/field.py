"""Reads one field of parsed JSON, whatever a vendor or a stray tool put into it."""

import re
from datetime import UTC, datetime

from promptvault.domain import timestamp
from promptvault.importers.input.json_stream import JsonObject, JsonValue

_UNFIT = re.compile("[\0\ud800-\udfff]")
# Epoch seconds pass this in the year 5138: a larger number is milliseconds.
_LARGEST_SECONDS = 1e11


def fit(text: str) -> str:
    """Return *text* with what no file or database takes, NUL and lone surrogates,
    replaced by U+FFFD."""
    return _UNFIT.sub("\ufffd", text)


def text(value: object) -> str | None:
    """Return a string that holds more than white space, made fit; else None."""
    return fit(value) if isinstance(value, str) and value.strip() else None


def members(value: JsonValue) -> JsonObject:
    """Return an object as it is, and an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def items(value: JsonValue) -> list[JsonValue]:
    """Return an array as it is, and an empty one for anything else."""
    return value if isinstance(value, list) else []


def moment(value: object) -> datetime | None:
    """Return the aware UTC time that *value* says, None where it says none.

    Takes epoch seconds or milliseconds, as number or string, and ISO 8601,
    which counts as UTC where it names no zone.
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
