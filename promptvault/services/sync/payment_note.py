"""A failed payment is mentioned once a day, however often a device syncs."""

import contextlib
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

_PAUSE = timedelta(days=1)


def is_due(record: Path, pay_by: datetime | None, now: datetime) -> bool:
    """Return True if it is time to mention a failed payment, and record the time.

    The time of the file *record* says when it was mentioned last. Errors of the file
    are ignored.
    """
    with contextlib.suppress(OSError):
        if pay_by is None:
            record.unlink(missing_ok=True)
        elif not record.exists() or _time(record) <= now - _PAUSE:
            record.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            record.touch(mode=0o600)
            os.utime(record, (now.timestamp(), now.timestamp()))
            return True
    return False


def _time(record: Path) -> datetime:
    return datetime.fromtimestamp(record.stat().st_mtime, UTC)
