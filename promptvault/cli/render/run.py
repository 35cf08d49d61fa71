"""Answers of models as they come, and the run log."""

from collections.abc import Iterable
from typing import Any

from promptvault.cli import terminal
from promptvault.cli.record import Name
from promptvault.cli.render.model import money
from promptvault.cli.render.prompts import moment
from promptvault.cli.render.table import Column, table
from promptvault.domain.timestamp import to_text
from promptvault.errors import UnavailableError
from promptvault.services.asking.run import Done
from promptvault.vault.activity.runs import Entry, Run


class Output:
    """Writes an answer to stdout, each piece at once.

    Byte for byte, but for a person: then without what a terminal would obey, and the
    last line has its end.
    """

    def __init__(self) -> None:
        self._is_terminal = terminal.stdout_is_terminal()
        self._is_open_line = False

    def write(self, text: str) -> None:
        """Write a piece of the answer; raises UnavailableError."""
        try:
            terminal.write_text(text)
            terminal.flush()
        except BrokenPipeError:
            raise
        except OSError as error:
            terminal.discard_output()
            raise UnavailableError(
                f"The answer cannot be written: {error.strerror}. What came of it is"
                " in the run log: 'promptvault runs'."
            ) from error
        self._is_open_line = not text.endswith("\n")

    def end(self) -> None:
        """End the last line on a terminal."""
        if self._is_terminal and self._is_open_line:
            self.write("\n")


def done(finished: Done) -> None:
    """Tell of an answer what cannot be seen in it, on stderr."""
    run = finished.run
    if run.cached:
        terminal.note("From the cache; --no-cache asks anew.")
    if run.is_cut:
        terminal.note(
            f"The answer is cut: it reached the {run.output_tokens:,} tokens that"
            " --max-tokens, the budget or the model allows."
        )
    if terminal.stdout_is_terminal() and not run.cached:
        terminal.note(_summary(finished))


def _summary(finished: Done) -> str:
    run = finished.run
    number = "" if finished.id is None else f", run {finished.id}"
    tokens = f"{_about(run)}{run.input_tokens:,} + {run.output_tokens:,} tokens"
    took = f"{run.seconds:.1f} s"
    return f"{run.model}: {tokens}, {money(run.cost)}, {took}{number}."


def _about(run: Run) -> str:
    return "~" if run.tokens_estimated else ""


def runs(entries: Iterable[Entry], name: Name) -> None:
    """Print the run log."""
    columns = (
        Column("Run", "cyan", numeric=True),
        Column("When", "dim", wrap=False),
        Column("Prompt", "cyan"),
        Column("Model", flexible=True),
        Column("Status", wrap=False),
        Column("Tokens", numeric=True, wrap=False, spare=2),
        Column("Cost", numeric=True, wrap=False),
        Column("Time", numeric=True, wrap=False, spare=1),
    )
    lines = (_line(entry, name(entry.run.prompt_id)) for entry in entries)
    table(columns, lines, "Nothing was run yet: 'promptvault run NAME'.")


def _line(entry: Entry, name: str | None) -> tuple[str, ...]:
    run = entry.run
    return (
        str(entry.id),
        moment(run.created_at),
        f"{name or run.prompt_id}@{run.version}",
        run.model,
        _status(run),
        f"{_about(run)}{run.input_tokens + run.output_tokens:,}",
        "" if run.cost is None else money(run.cost),
        f"{run.seconds:.1f} s",
    )


def _status(run: Run) -> str:
    words = ["cached"] * run.cached + ["cut"] * run.is_cut
    return run.status.value + (f" ({', '.join(words)})" if words else "")


def entry_row(entry: Entry, name: Name) -> dict[str, Any]:
    """Return a run of the log as `runs --json` has it."""
    return run_row(entry.id, entry.run, name(entry.run.prompt_id))


def run_row(number: int | None, run: Run, name: str | None) -> dict[str, Any]:
    """Return a run as `run --json` has it, without the text."""
    return {
        "id": number,
        "name": name,
        "prompt_id": run.prompt_id,
        "version": run.version,
        "version_id": run.version_id,
        "system_version_id": run.system_version_id,
        "created_at": to_text(run.created_at),
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
