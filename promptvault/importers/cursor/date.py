"""Dates in Cursor's texts, each in the format of the user's locale."""

import re
from datetime import UTC, datetime, timedelta

_DATE = re.compile(r"\b(\d{1,4})([-/.])(\d{1,2})\2(\d{1,4})\b")
_TIME = re.compile(r"\b(\d{1,2}):(\d\d)(?::(\d\d))?(?:\s*([AP])M\b)?", re.IGNORECASE)
_ZONE = re.compile(r"\b(?:GMT|UTC)(?:([-+\u2212])(\d{1,2})(?::(\d\d))?)?(?![\d:])")
# Only American English uses these names, and writes the month first.
_AMERICAN = {"EST": -5, "CST": -6, "MST": -7, "PST": -8, "AKST": -9, "HST": -10} | {
    "EDT": -4,
    "CDT": -5,
    "MDT": -6,
    "PDT": -7,
    "AKDT": -8,
}
_AMERICAN_NAME = re.compile(rf"\b(?:{'|'.join(_AMERICAN)})\b")
_STAMP = re.compile(r"\b([A-Z][a-z]{2})[a-z]* (\d{1,2}),? (\d{4}),? ")
_MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()


def export_time(said: str) -> datetime | None:
    """Return the aware UTC time in, for example, "27/01/2026 at 21:19:36 UTC+1".

    Return None if the order of day and month is ambiguous, or the zone is not known.
    """
    date = _DATE.search(said)
    american = _AMERICAN_NAME.search(said)
    day = _day(date, month_first=bool(american)) if date else None
    if american:
        return _moment(day, said, timedelta(hours=_AMERICAN[american[0]]))
    return _moment(day, said, _ahead(said))


def stamp_time(said: str) -> datetime | None:
    """Return the time in, for example, "Friday, May 8, 2026, 6:05 AM (UTC+5:30)"."""
    found = _STAMP.search(said)
    if not found or found[1] not in _MONTHS:
        return None
    day = int(found[3]), _MONTHS.index(found[1]) + 1, int(found[2])
    return _moment(day, said, _ahead(said))


def _day(date: re.Match[str], *, month_first: bool) -> tuple[int, int, int] | None:
    """Return year, month and day."""
    first, mark, second, third = date[1], date[2], int(date[3]), int(date[4])
    if len(first) == 4:
        return int(first), second, third
    if mark == "." or int(first) > 12:
        return third, second, int(first)
    if month_first or second > 12 or second == int(first):
        return third, int(first), second
    return None


def _ahead(said: str) -> timedelta | None:
    zone = _ZONE.search(said)
    if not zone:
        return None
    ahead = timedelta(hours=int(zone[2] or 0), minutes=int(zone[3] or 0))
    return ahead if zone[1] == "+" else -ahead


def _moment(
    day: tuple[int, int, int] | None, said: str, ahead: timedelta | None
) -> datetime | None:
    time = _TIME.search(said)
    if not day or not time or ahead is None:
        return None
    hour, minute, second, half = time.groups()
    hours = int(hour) % 12 + 12 * (half in "Pp") if half else int(hour)
    try:
        local = datetime(*day, hours, int(minute), int(second or 0), tzinfo=UTC)
        return local - ahead
    except (ValueError, OverflowError):
        return None
