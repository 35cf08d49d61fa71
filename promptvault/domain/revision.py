"""REV, the part of NAME@REV that chooses a version, and the rules for labels."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from promptvault.domain.timestamp import from_text
from promptvault.errors import InvalidInputError

_LABEL = re.compile(r"[a-z_][a-z0-9_.-]{0,63}")
_COMMIT = re.compile(r"[0-9a-f]{4,40}")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")


@dataclass(frozen=True, slots=True)
class Number:
    """The n-th version, counted from 1; below 1, that many before the current."""

    value: int


@dataclass(frozen=True, slots=True)
class AsOf:
    """The version that was current at `time` (aware)."""

    time: datetime


@dataclass(frozen=True, slots=True)
class Named:
    """A label, or the first characters of a commit's id."""

    text: str

    @property
    def may_be_commit(self) -> bool:
        """True when the text could be the start of a commit's id."""
        return _COMMIT.fullmatch(self.text) is not None


Revision = Number | AsOf | Named


def parse_revision(text: str) -> Revision:
    """Read *text* as a REV; raises InvalidInputError when it is none.

    A bare date means the end of that day in UTC.
    """
    if re.fullmatch(r"-?\d{1,6}", text):
        return Number(int(text))
    if _DATE.match(text):
        return AsOf(_parse_time(text))
    if _LABEL.fullmatch(text) or _COMMIT.fullmatch(text):
        return Named(text)
    raise InvalidInputError(
        f"'@{text}' is no version: give a number (@3, @-1), a label (@production),"
        " a date (@2026-05-01) or a commit (@a1b2c3d)."
    )


def _parse_time(text: str) -> datetime:
    try:
        if _DATE.fullmatch(text):
            day = datetime.fromisoformat(text).replace(tzinfo=UTC)
            return day + timedelta(days=1, milliseconds=-1)
        return from_text(text)
    except (ValueError, OverflowError) as error:
        raise InvalidInputError(f"'@{text}' is no date or time.") from error


def validate_label(text: str) -> str:
    """Return *text* as a label; raises InvalidInputError when it cannot be one."""
    if not _LABEL.fullmatch(text):
        raise InvalidInputError(
            f"{text!r} is no label: a lower case letter first, then letters,"
            " digits, '-', '_' or '.', at most 64 characters."
        )
    return text
