"""The run log: each time a prompt was sent to a model, and what came back."""

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
    """By Ctrl-C, or because nobody read the answer any more."""
    BROKEN = "broken"
    """By the server, after the answer had begun."""
    FAILED = "failed"
    """Nothing came."""


class Run(NamedTuple):
    """One time a prompt was sent to a model."""

    prompt_id: str
    version_id: str
    version: int
    system_version_id: str | None
    """The version of the prompt that was the system message, if `--system` named it."""
    created_at: datetime
    status: RunStatus
    error: str | None
    """Code of what went wrong, as "unavailable"; never its words."""
    model: str
    endpoint: str
    cached: bool
    is_cut: bool
    """True where the answer reached the most tokens it could have."""
    input_tokens: int
    output_tokens: int
    tokens_estimated: bool
    cost: float | None
    """US dollars; None where the model's price is not known."""
    seconds: float
    first_seconds: float | None
    """Until the first piece of a streamed answer came."""


class RunEntry(NamedTuple):
    """A run as the log has it."""

    id: int
    run: Run


_TABLE = "runs"


def add_run(path: Path, run: Run, output: str) -> int:
    """Write *run* and what came back; return its number. Raises VaultError."""
    row = run._asdict() | {"created_at": to_text(run.created_at), "output": output}
    return insert_row(path, _TABLE, row)


def read_runs(
    path: Path, condition: Mapping[str, str], limit: int | None = None
) -> Iterator[RunEntry]:
    """Yield the runs whose columns are as in *condition*, newest first."""
    yield from map(_entry, read_newest(path, _TABLE, Run._fields, condition, limit))


def find_run(path: Path, number: int) -> tuple[RunEntry, str]:
    """Return a run by its number, and what came back; raises NotFoundError."""
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
