"""Cursors of lists that are read page by page: numbers, opaque for programs."""

from datetime import UTC, datetime, timedelta
from typing import Annotated
from uuid import UUID

from fastapi import Query

from promptvault.errors import InvalidInputError

PageLimit = Annotated[int, Query(ge=1, le=100)]
"""How many rows a page has at most, as an endpoint's parameter."""
PageCursor = Annotated[str | None, Query(max_length=100)]
"""The `next` of the page before, as an endpoint's parameter."""

NEWEST = 2**63 - 1
"""Above every number in the database."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST = 253_402_300_799_999_999
"""The last microsecond of the year 9999."""


def write_numbers(*numbers: int) -> str:
    """Return a cursor for *numbers*."""
    return ".".join(f"{number:x}" for number in numbers)


def read_numbers(cursor: str, count: int) -> tuple[int, ...]:
    """Return the *count* numbers of a cursor; raise InvalidInputError."""
    try:
        numbers = tuple(int(part, 16) for part in cursor.split("."))
    except ValueError:
        numbers = ()
    if len(numbers) != count or not all(0 <= each <= 2**128 for each in numbers):
        raise InvalidInputError("This is no cursor of a page.")
    return numbers


def write_place(time: datetime, id: UUID) -> str:
    """Return a cursor for a row that is sorted by time, and then by id."""
    return write_numbers((time - _EPOCH) // timedelta(microseconds=1), id.int)


def read_place(cursor: str) -> tuple[datetime, UUID]:
    """Return the time and id of a cursor; raise InvalidInputError."""
    micros, id = read_numbers(cursor, 2)
    if micros > _LATEST or id >= 2**128:
        raise InvalidInputError("This is no cursor of a page.")
    return _EPOCH + timedelta(microseconds=micros), UUID(int=id)
