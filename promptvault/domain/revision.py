"""REV, the part of NAME@REV that chooses a version, and the rules for labels."""

import re
from collections import namedtuple
from datetime import UTC, datetime, timedelta

from promptvault.errors import InvalidInputError

_LABEL = r"[a-z_][a-z0-9_.-]{0,63}"
_COMMIT = r"[0-9a-f]{4,40}"
_SHORTEST_ID = 7
"""What git abbreviates a commit's id to at least; "cafe" is a word."""
_DATE = r"\d{4}-\d\d-\d\d"
_TIME = (
    rf"({_DATE})(?:[T ](\d\d:\d\d)(:\d\d(?:\.\d{{1,6}})?)?"
    r"(\s*Z|\s*[+-]\d\d:?\d\d)?)?"
)


# Not typing.NamedTuple: `get` imports this module, and typing takes as long to import
# as the rest of it.


class Number(namedtuple("Number", ["value"])):
    """The n-th version, counted from 1; below 0, that many before the current."""

    __slots__ = ()


class AsOf(namedtuple("AsOf", ["time"])):
    """The version that was current at `time` (aware)."""

    __slots__ = ()

    def __str__(self) -> str:
        """Return the time where the reader is, to the second, with its offset."""
        try:
            return f"{self.time.astimezone():%Y-%m-%d %H:%M:%S %z}"
        except (ValueError, OverflowError, OSError):  # the first or last day there is
            return str(self.time.isoformat(" ", "seconds"))


class Named(namedtuple("Named", ["text"])):
    """A label, or the first characters of a commit's id."""

    __slots__ = ()

    @property
    def may_be_commit(self) -> bool:
        """True when the text could be the start of a commit's id."""
        return re.fullmatch(_COMMIT, self.text) is not None


Revision = Number | AsOf | Named


def parse_revision(text: str) -> Revision:
    """Read *text* as a REV; raises InvalidInputError if it is not one.

    A time without ``Z`` or an offset is local time, as `log` prints it. A part that is
    left out means its end: ``2026-05-01`` the end of that day, ``2026-05-01 09:30`` the
    end of that minute. Of an hour that clocks pass twice, the second one is meant.
    """
    if re.fullmatch(r"-?\d{1,6}", text):
        return _number(int(text))
    if re.match(_DATE, text):
        return AsOf(_parse_time(text))
    if re.fullmatch(_LABEL, text) or re.fullmatch(_COMMIT, text):
        return Named(text)
    raise InvalidInputError(
        f"{'@' + text!r} is no version: give a number (@3, @-1), a label (@production),"
        " a date (@2026-05-01) or a commit (@a1b2c3d)."
    )


def _number(value: int) -> Number:
    if not value:
        raise InvalidInputError(
            "There is no version 0: @1 is the first one, @-1 the one before the"
            " current; the current one is NAME alone."
        )
    return Number(value)


def _parse_time(text: str) -> datetime:
    found = re.fullmatch(_TIME, text)
    try:
        if not found:
            raise ValueError
        date, clock, seconds, zone = found.groups()
        time = datetime.fromisoformat(f"{date} {clock or '00:00'}{seconds or ''}")
        time += _left_out(clock, seconds)
        if zone:
            offset = datetime.fromisoformat(f"{date} 00:00{zone.strip()}").tzinfo
            return time.replace(tzinfo=offset).astimezone(UTC)
        # Local clocks pass some times twice and leave others out: both readings of
        # such a time differ, and the later one is taken.
        return max(time.replace(fold=fold).astimezone(UTC) for fold in (0, 1))
    except (ValueError, OverflowError, OSError) as error:
        raise InvalidInputError(
            f"{'@' + text!r} is no date or time: give @2026-05-01 or"
            " '@2026-05-01 09:30', which is local time, or a time with Z or an offset,"
            " '@2026-05-01 09:30 +02:00'."
        ) from error


def _left_out(clock: str | None, seconds: str | None) -> timedelta:
    """Return how long the day or the minute is to which a time was given."""
    if seconds:
        return timedelta(0)
    unit = timedelta(minutes=1) if clock else timedelta(days=1)
    return unit - timedelta(milliseconds=1)


def validate_new_label(text: str) -> str:
    """Return *text* as a label to give; raises InvalidInputError when it cannot be one.

    One that reads as a commit's id is refused. Where an older vault or an import has
    one, NAME@LABEL means the label.
    """
    if re.fullmatch(_COMMIT, text) and len(text) >= _SHORTEST_ID:
        raise InvalidInputError(
            f"{text!r} reads as a commit's id, which NAME@{text} may mean: choose"
            " another label."
        )
    return validate_label(text)


def validate_label(text: str) -> str:
    """Return *text* as a label; raises InvalidInputError when it cannot be one."""
    if not re.fullmatch(_LABEL, text):
        raise InvalidInputError(
            f"{text!r} is no label: a lower case letter first, then letters,"
            " digits, '-', '_' or '.', at most 64 characters."
        )
    return text
