"""Output of `spending` and `cache`."""

from collections.abc import Sequence
from pathlib import Path

from promptvault.cli import terminal
from promptvault.cli.render.format import (
    format_count,
    format_money,
    format_size,
)
from promptvault.cli.render.table import Column, print_table
from promptvault.vault.activity.response_cache import CacheStatistics
from promptvault.vault.activity.spending import Expense


def print_cache(held: CacheStatistics, place: Path) -> None:
    """Print the contents of the cache in numbers."""
    lines = (
        ("answers", f"{held.answers:,}"),
        ("size", format_size(held.size)),
        ("given again", f"{held.uses:,}"),
        ("saved", format_money(held.saved)),
        ("place", str(place)),
    )
    print_table((Column("Cache", "dim"), Column("")), lines, "")


def print_spending(found: Sequence[Expense], budget: float | None) -> None:
    """Print the costs of a month; on stderr their sum, and the rest of *budget*."""
    columns = (
        Column("Command", "cyan"),
        Column("Model"),
        Column("Requests", numeric=True),
        Column("Tokens in", "dim", numeric=True),
        Column("Tokens out", "dim", numeric=True),
        Column("Cost", numeric=True),
    )
    print_table(columns, map(_line, found), "No model was asked this month.")
    requests = sum(expense.requests for expense in found)
    total = sum(expense.cost for expense in found)
    asked = format_count(requests, "request")
    terminal.note(f"{asked}, {format_money(total)}{_left(total, budget)}")


def _line(expense: Expense) -> tuple[str, ...]:
    return (
        expense.command,
        expense.model,
        f"{expense.requests:,}",
        f"{expense.input_tokens:,}",
        f"{expense.output_tokens:,}",
        format_money(expense.cost),
    )


def _left(total: float, budget: float | None) -> str:
    if budget is None:
        return "; there is no budget (ai.budget_usd)."
    return f" of ${budget:g}: {format_money(max(0.0, budget - total))} left."
