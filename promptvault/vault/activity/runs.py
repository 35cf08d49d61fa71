"""The run log: prompts that were sent to a model, and the answers."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple

from promptvault.domain.timestamp import from_text, to_text
from promptvault.errors import NotFoundError
from promptvault.vault.activity.rows import insert_row, read_newest


class RunStatus(StrEnum):
    """How a run ended."""

    DONE = "done"
    INTERRUPTED = "interrupted"
    """By Ctrl-C, or because the output was closed."""
    BROKEN = "broken"
    """The stream broke off after its first piece."""
    FAILED = "failed"
    """There was no answer."""


class Run(NamedTuple):
    """One run of a prompt, as it is recorded."""

    prompt_id: str
    version_id: str
    version: int
    system_version_id: str | None
    """Version id of the prompt given with `--system`, None without one."""
    created_at: datetime
    status: RunStatus
    error: str | None
    """Code of the error, for example "unavailable"; never its message."""
    model: str
    endpoint: str
    cached: bool
    is_cut: bool
    """True if the answer reached the limit of its tokens."""
    input_tokens: int
    output_tokens: int
    tokens_estimated: bool
    cost: float | None
    """US dollars; None if the model's price is not known."""
    seconds: float
    first_seconds: float | None
    """Seconds until the first piece of a streamed answer."""


class RunEntry(NamedTuple):
    """A recorded run."""

    id: int
    run: Run


_TABLE = "runs"


def add_run(path: Path, run: Run, output: str) -> int:
    """Record *run* with its answer and return its number; raises VaultError."""
    row = run._asdict() | {"created_at": to_text(run.created_at), "output": output}
    return insert_row(path, _TABLE, row)


def read_runs(
    path: Path, condition: Mapping[str, str], limit: int | None = None
) -> Iterator[RunEntry]:
    """Yield the runs that match *condition*, newest first.

    *condition* maps columns to values. Raises VaultError.
    """
    yield from map(_entry, read_newest(path, _TABLE, Run._fields, condition, limit))


def find_run(path: Path, number: int) -> tuple[RunEntry, str]:
    """Return a run by its number, and its answer.

    Raises NotFoundError, VaultError.
    """
    columns = (*Run._fields, "output")
    found = list(read_newest(path, _TABLE, columns, {"pk": number}))
    if not found:
        raise NotFoundError(f"There is no run {number}; 'promptvault runs' lists them.")
    [(*row, output)] = found
    return _entry(row), output


def _entry(row: Sequence[Any]) -> RunEntry:
    number, *values = row
    run = Run(*values)
    return RunEntry(
        number,
        run._replace(
            created_at=from_text(str(run.created_at)),
            status=RunStatus(run.status),
            cached=bool(run.cached),
            is_cut=bool(run.is_cut),
            tokens_estimated=bool(run.tokens_estimated),
        ),
    )
