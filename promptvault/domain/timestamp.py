"""Times as the vault writes them: RFC 3339 in UTC with milliseconds."""

from datetime import UTC, datetime
from functools import lru_cache


@lru_cache(maxsize=256)  # an import writes each time seven times over
def to_text(time: datetime) -> str:
    """Return the aware *time* as, for instance, ``2026-05-01T09:30:00.000Z``."""
    return time.astimezone(UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


def from_text(text: str) -> datetime:
    """Return the aware time in *text*; a time without zone counts as UTC.

    Raises ValueError when it is no ISO 8601 time.
    """
    time = datetime.fromisoformat(text)
    if time.tzinfo is UTC:
        return time
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
