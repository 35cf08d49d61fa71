"""What models cost, and what kept answers spare: drawn, and as JSON for scripts."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from promptvault.cli import terminal
from promptvault.cli.render.model import money
from promptvault.cli.render.prompts import count, size
from promptvault.cli.render.table import Column, table
from promptvault.domain.timestamp import to_text
from promptvault.vault.activity.response_cache import CacheStatistics
from promptvault.vault.activity.spending import Expense


def cache(held: CacheStatistics, place: Path) -> None:
    """Print what the cache holds."""
    lines = (
        ("answers", f"{held.answers:,}"),
        ("size", size(held.size)),
        ("given again", f"{held.uses:,}"),
        ("saved", money(held.saved)),
        ("place", str(place)),
    )
    table((Column("Cache", "dim"), Column("")), lines, "")


def cache_row(held: CacheStatistics, place: Path) -> dict[str, Any]:
    """Return what the cache holds as `cache stats --json` has it."""
    return {
        "answers": held.answers,
        "bytes": held.size,
        "uses": held.uses,
        "saved_usd": held.saved,
        "path": str(place),
    }


def month(found: Sequence[Expense], budget: float | None) -> None:
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
    requests, total = sum(expense.requests for expense in found), _total(found)
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


def month_row(
    now: datetime, found: Sequence[Expense], budget: float | None
) -> dict[str, Any]:
    """Return the expenses of the month of *now* as `spending --json` has them."""
    total = _total(found)
    return {
        "month": to_text(now)[:7],
        "spent_usd": total,
        "budget_usd": budget,
        "left_usd": None if budget is None else max(0.0, budget - total),
        "expenses": [_row(expense) for expense in found],
    }


def _total(found: Sequence[Expense]) -> float:
    return sum(expense.cost for expense in found)


def _row(expense: Expense) -> dict[str, Any]:
    row = expense._asdict()
    return row | {"cost_usd": row.pop("cost")}


def _left(total: float, budget: float | None) -> str:
    if budget is None:
        return "; there is no budget (ai.budget_usd)."
    return f" of ${budget:g}: {money(max(0.0, budget - total))} left."
