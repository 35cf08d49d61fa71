"""What models take, shown to a person, and as JSON for scripts."""

import contextlib
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from promptvault.cli import terminal
from promptvault.cli.render.prompts import count
from promptvault.domain.chat import Request
from promptvault.services.asking.cost import Estimate, Spent
from promptvault.services.asking.model import Model


def plan(
    model: Model, requests: Sequence[Request], estimate: Estimate, *, as_json: bool
) -> None:
    """Show what would be sent, and about what it would take."""
    if as_json:
        terminal.write_json(plan_row(model, requests, estimate))
        return
    for request in requests:
        for message in request.messages:
            terminal.write_text(f"--- {message.role.value}\n{message.content}\n")
    terminal.note(
        f"Would send {count(estimate.requests, 'request')} to"
        f" {model.name} on {model.endpoints[0].host}: about"
        f" {estimate.input_tokens:,} tokens and {estimate.output_tokens:,} in answers,"
        f" {money(estimate.cost)}. Nothing was sent."
    )


def plan_row(
    model: Model, requests: Sequence[Request], estimate: Estimate
) -> dict[str, Any]:
    """Return the JSON of a `--dry-run`."""
    return {
        "dry_run": True,
        "model": model.name,
        "endpoint": model.endpoints[0].public_url,
        "requests": estimate.requests,
        "input_tokens": estimate.input_tokens,
        "output_tokens": estimate.output_tokens,
        "cost_usd": estimate.cost,
        "messages": [
            [{"role": m.role.value, "content": m.content} for m in request.messages]
            for request in requests
        ],
    }


@contextlib.contextmanager
def progress(what: str, total: int) -> Iterator[Callable[[int], None]]:
    """Draw how many of *total* things are done, if a person sees it.

    The block is given a function to call with how many more are done.
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


def spent(taken: Spent) -> None:
    """Tell what a command took, on stderr."""
    terminal.note(spent_line(taken))


def spent_line(taken: Spent) -> str:
    """Return what a command took in one line."""
    cached = f" ({taken.cached} from the cache)" if taken.cached else ""
    tokens = taken.input_tokens + taken.output_tokens
    return (
        f"{count(taken.requests, 'request')}{cached}, {tokens:,} tokens,"
        f" {money(taken.cost)}."
    )


def spent_row(taken: Spent) -> dict[str, Any]:
    """Return the JSON of what a command took."""
    return {
        "requests": taken.requests,
        "cached": taken.cached,
        "input_tokens": taken.input_tokens,
        "output_tokens": taken.output_tokens,
        "cost_usd": taken.cost,
    }


def money(dollars: float | None) -> str:
    """Return US dollars as text, exact enough for fractions of a cent."""
    if dollars is None:
        return "price not known"
    if not dollars:
        return "$0"
    if dollars < 0.0001:
        return "<$0.0001"
    return f"${dollars:.2f}" if dollars >= 1 else f"${dollars:.4f}"
