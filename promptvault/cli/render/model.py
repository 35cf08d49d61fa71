"""Requests to models, their progress and their cost."""

import contextlib
import sys
from collections.abc import Callable, Iterator, Sequence

from promptvault.cli import terminal
from promptvault.cli.render.format import format_count, format_money
from promptvault.cli.rows.model import plan_row
from promptvault.domain.chat import Request
from promptvault.services.asking.cost import Estimate, Spent
from promptvault.services.asking.model import Model


def print_plan(
    model: Model, requests: Sequence[Request], estimate: Estimate, *, as_json: bool
) -> None:
    """Print the requests of a `--dry-run`, and their estimated cost."""
    if as_json:
        terminal.write_json(plan_row(model, requests, estimate))
        return
    for request in requests:
        for message in request.messages:
            terminal.write_text(f"--- {message.role.value}\n{message.content}\n")
    terminal.note(
        f"Would send {format_count(estimate.requests, 'request')} to"
        f" {model.name} on {model.endpoints[0].host}: about"
        f" {estimate.input_tokens:,} tokens and {estimate.output_tokens:,} in answers,"
        f" {format_money(estimate.cost)}. Nothing was sent."
    )


@contextlib.contextmanager
def show_progress(what: str, total: int) -> Iterator[Callable[[int], None]]:
    """Show a progress bar up to *total*, if stderr is a terminal.

    Yields a function to call with the number of steps done since the last call.
    """
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    from promptvault.cli.render.screen import Screen

    columns = (TextColumn(what), BarColumn(bar_width=24), MofNCompleteColumn())
    with Progress(*columns, console=Screen(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=total)
        yield lambda number: bar.advance(task, number)


def report_spent(taken: Spent) -> None:
    """Report on stderr what a command spent."""
    terminal.note(format_spent(taken))


def format_spent(taken: Spent) -> str:
    """Return the cost of a command in one line."""
    cached = f" ({taken.cached} from the cache)" if taken.cached else ""
    tokens = taken.input_tokens + taken.output_tokens
    return (
        f"{format_count(taken.requests, 'request')}{cached}, {tokens:,} tokens,"
        f" {format_money(taken.cost)}."
    )
