"""When this vault was synced at last, and what went wrong since."""

import contextlib
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from promptvault.errors import PromptVaultError
from promptvault.private_file import write_private


class LastSync(NamedTuple):
    """What is known of the syncs of this vault; None for what never happened."""

    succeeded_at: datetime | None
    failed_at: datetime | None
    """Of the first failure since."""
    problem: str
    """Why, in words."""


# Two files that mostly are empty: their times say it all, and nothing is written to
# the vault itself by a sync that finds nothing new.
def note_success(record: Path) -> None:
    """Note that a sync has worked; where that cannot be written, nothing happens."""
    with contextlib.suppress(OSError):
        record.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        record.touch(mode=0o600)
        os.utime(record)
        _problem(record).unlink(missing_ok=True)


@contextlib.contextmanager
def noting_failure(record: Path) -> Iterator[None]:
    """Note that a sync has failed where the block does."""
    try:
        yield
    except PromptVaultError as error:
        note_failure(record, str(error))
        raise


def note_failure(record: Path, problem: str) -> None:
    """Note that a sync has failed; where that cannot be written, nothing happens."""
    with contextlib.suppress(OSError):
        if _read(_problem(record)) != problem:
            write_private(_problem(record), problem)


def last_sync(record: Path) -> LastSync:
    """Return what is known of the syncs of this vault."""
    problem = _problem(record)
    return LastSync(_time(record), _time(problem), _read(problem))


def _problem(record: Path) -> Path:
    return record.with_name(f"{record.name}-problem")


def _time(file: Path) -> datetime | None:
    with contextlib.suppress(OSError):
        return datetime.fromtimestamp(file.stat().st_mtime, UTC)
    return None


def _read(file: Path) -> str:
    with contextlib.suppress(OSError):
        return file.read_text(encoding="utf-8", errors="replace")
    return ""
