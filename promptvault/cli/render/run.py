"""Output of `run` and `runs`."""

from collections.abc import Iterable

from promptvault.cli import terminal
from promptvault.cli.record import FindName
from promptvault.cli.render.format import format_money, format_time
from promptvault.cli.render.table import Column, print_table
from promptvault.errors import UnavailableError
from promptvault.services.asking.run import FinishedRun
from promptvault.vault.activity.runs import Run, RunEntry


class AnswerOutput:
    """Writes an answer to stdout, each piece immediately.

    A pipe gets the exact bytes. On a terminal, control characters are made visible, and
    the last line ends with a newline.
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
                f"The answer cannot be written: {error.strerror}. The part that arrived"
                " is in the run log: 'promptvault runs'."
            ) from error
        self._is_open_line = not text.endswith("\n")

    def end(self, *, message_follows: bool = False) -> None:
        """End the last line on a terminal.

        A pipe gets no more than the answer. If a message follows, stderr gets the line
        end: both may arrive at the same screen.
        """
        if not self._is_open_line:
            return
        if self._is_terminal:
            self.write("\n")
        elif message_follows:
            terminal.note("")


def run_notes(finished: FinishedRun, limit: int | None) -> list[str]:
    """Return what the answer itself does not show, one sentence each.

    *limit* is the maximum of tokens that the user set.
    """
    run = finished.run
    notes = []
    if run.cached:
        notes.append("From the cache; --no-cache asks again.")
    if run.is_cut:
        notes.append(_cut(run, limit))
    if terminal.stdout_is_terminal() and not run.cached:
        notes.append(_summary(finished))
    return notes


def _cut(run: Run, limit: int | None) -> str:
    counted = 0 if run.tokens_estimated else run.output_tokens
    if limit and (not counted or counted >= limit):
        return f"The answer is cut: it reached the {limit:,} tokens of --max-tokens."
    return (
        f"The answer is cut: it reached {_about(run)}{run.output_tokens:,} tokens, the"
        " limit of the model, of the budget or of answers without --max-tokens."
    )


def _summary(finished: FinishedRun) -> str:
    run = finished.run
    number = "" if finished.id is None else f", run {finished.id}"
    tokens = f"{_about(run)}{run.input_tokens:,} + {run.output_tokens:,} tokens"
    took = f"{run.seconds:.1f} s"
    return f"{run.model}: {tokens}, {format_money(run.cost)}, {took}{number}."


def _about(run: Run) -> str:
    return "~" if run.tokens_estimated else ""


def print_runs(entries: Iterable[RunEntry], name: FindName) -> None:
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
    print_table(columns, lines, "There are no runs yet: 'promptvault run NAME'.")


def _line(entry: RunEntry, name: str | None) -> tuple[str, ...]:
    run = entry.run
    return (
        str(entry.id),
        format_time(run.created_at),
        f"{name or run.prompt_id}@{run.version}",
        run.model,
        _status(run),
        f"{_about(run)}{run.input_tokens + run.output_tokens:,}",
        "" if run.cost is None else format_money(run.cost),
        f"{run.seconds:.1f} s",
    )


def _status(run: Run) -> str:
    words = ["cached"] * run.cached + ["cut"] * run.is_cut
    return run.status.value + (f" ({', '.join(words)})" if words else "")
