"""REV, the part of NAME@REV that chooses a version, and the rules for labels."""

import re
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from promptvault.domain.timestamp import from_text
from promptvault.errors import InvalidInputError

_LABEL = r"[a-z_][a-z0-9_.-]{0,63}"
_COMMIT = r"[0-9a-f]{4,40}"
_DATE = r"\d{4}-\d\d-\d\d"


class Number(NamedTuple):
    """The n-th version, counted from 1; below 1, that many before the current."""

    value: int


class AsOf(NamedTuple):
    """The version that was current at `time` (aware)."""

    time: datetime


class Named(NamedTuple):
    """A label, or the first characters of a commit's id."""

    text: str

    @property
    def may_be_commit(self) -> bool:
        """True when the text could be the start of a commit's id."""
        return re.fullmatch(_COMMIT, self.text) is not None


Revision = Number | AsOf | Named


def parse_revision(text: str) -> Revision:
    """Read *text* as a REV; raises InvalidInputError when it is none.

    A bare date means the end of that day in UTC.
    """
    if re.fullmatch(r"-?\d{1,6}", text):
        return Number(int(text))
    if re.match(_DATE, text):
        return AsOf(_parse_time(text))
    if re.fullmatch(_LABEL, text) or re.fullmatch(_COMMIT, text):
        return Named(text)
    raise InvalidInputError(
        f"{'@' + text!r} is no version: give a number (@3, @-1), a label (@production),"
        " a date (@2026-05-01) or a commit (@a1b2c3d)."
    )


def _parse_time(text: str) -> datetime:
    try:
        if re.fullmatch(_DATE, text):
            day = datetime.fromisoformat(text).replace(tzinfo=UTC)
            return day + timedelta(days=1, milliseconds=-1)
        return from_text(text)
    except (ValueError, OverflowError) as error:
        raise InvalidInputError(f"{'@' + text!r} is no date or time.") from error


def validate_label(text: str) -> str:
    """Return *text* as a label; raises InvalidInputError when it cannot be one."""
    if not re.fullmatch(_LABEL, text):
        raise InvalidInputError(
            f"{text!r} is no label: a lower case letter first, then letters,"
            " digits, '-', '_' or '.', at most 64 characters."
        )
    return text
