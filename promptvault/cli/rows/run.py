"""JSON rows of runs."""

from promptvault.cli.record import FindName
from promptvault.cli.rows.prompts import Row, time_row
from promptvault.vault.activity.runs import Run, RunEntry


def run_entry_row(entry: RunEntry, name: FindName) -> Row:
    """Return a recorded run as `runs --json` prints it."""
    return run_row(entry.id, entry.run, name(entry.run.prompt_id))


def run_row(number: int | None, run: Run, name: str | None) -> Row:
    """Return a run as `run --json` prints it, without the answer."""
    return {
        "id": number,
        "name": name,
        "prompt_id": run.prompt_id,
        "version": run.version,
        "version_id": run.version_id,
        "system_version_id": run.system_version_id,
        "created_at": time_row(run.created_at),
        "status": run.status.value,
        "error": run.error,
        "model": run.model,
        "endpoint": run.endpoint,
        "cached": run.cached,
        "cut": run.is_cut,
        "input_tokens": run.input_tokens,
        "output_tokens": run.output_tokens,
        "tokens_estimated": run.tokens_estimated,
        "cost_usd": run.cost,
        "seconds": run.seconds,
        "first_seconds": run.first_seconds,
    }
