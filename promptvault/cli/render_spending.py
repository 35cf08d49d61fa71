"""Drawing what models cost, and what the kept answers spared."""

from collections.abc import Sequence
from pathlib import Path

from promptvault.cli import terminal
from promptvault.cli.render import Column, count, table
from promptvault.cli.render_model import money
from promptvault.vault.response_cache import CacheStatistics
from promptvault.vault.spending import Expense


def cache(held: CacheStatistics, place: Path) -> None:
    """Print what the cache holds."""
    lines = (
        ("answers", f"{held.answers:,}"),
        ("size", f"{held.size / 1e6:,.1f} MB"),
        ("given again", f"{held.uses:,}"),
        ("saved", money(held.saved)),
        ("place", str(place)),
    )
    table((Column("Cache", "dim"), Column("")), lines, "")


def expenses(found: Sequence[Expense], total: float, budget: float | None) -> None:
    """Print a month's expenses; on stderr their sum, and what is left of *budget*."""
    columns = (
        Column("Command", "cyan"),
        Column("Model"),
        Column("Requests", numeric=True),
        Column("Tokens in", "dim", numeric=True),
        Column("Tokens out", "dim", numeric=True),
        Column("Cost", numeric=True),
    )
    table(columns, map(_line, found), "No model was asked this month.")
    requests = sum(expense.requests for expense in found)
    terminal.note(f"{count(requests, 'request')}, {money(total)}{_left(total, budget)}")


def _line(expense: Expense) -> tuple[str, ...]:
    return (
        expense.command,
        expense.model,
        f"{expense.requests:,}",
        f"{expense.input_tokens:,}",
        f"{expense.output_tokens:,}",
        money(expense.cost),
    )


def _left(total: float, budget: float | None) -> str:
    if budget is None:
        return "; there is no budget (ai.budget_usd)."
    return f" of ${budget:g}: {money(max(0.0, budget - total))} left."
