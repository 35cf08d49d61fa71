"""The record of the last sync: its time, and the first failure since.

It is a module of its own so that commands that only start a sync import no HTTP client.
"""

import contextlib
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from promptvault.errors import PromptVaultError
from promptvault.private_file import write_private


class LastSync(NamedTuple):
    """The outcome of the last syncs; None for what never happened."""

    succeeded_at: datetime | None
    failed_at: datetime | None
    """Time of the first failure since the last success."""
    problem: str
    """The message of that failure, '' if there was none."""


# The record is two files: their modification times are the times. A sync that finds
# nothing new writes nothing to the vault.
def record_success(record: Path) -> None:
    """Record a successful sync; an OSError is ignored."""
    with contextlib.suppress(OSError):
        record.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        record.touch(mode=0o600)
        os.utime(record)
        _problem(record).unlink(missing_ok=True)


@contextlib.contextmanager
def recording_failure(record: Path) -> Iterator[None]:
    """Record a failed sync if the block raises a PromptVaultError."""
    try:
        yield
    except PromptVaultError as error:
        record_failure(record, str(error))
        raise


def record_failure(record: Path, problem: str) -> None:
    """Record a failed sync; an OSError is ignored."""
    with contextlib.suppress(OSError):
        if _read(_problem(record)) != problem:
            write_private(_problem(record), problem)


def read_last_sync(record: Path) -> LastSync:
    """Return the record stored at *record*."""
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
