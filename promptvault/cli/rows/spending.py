"""JSON rows of spending and of the response cache."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from promptvault.cli.rows.hosted import hosted_row
from promptvault.cli.rows.prompts import Row
from promptvault.domain.timestamp import to_text
from promptvault.vault.activity.response_cache import CacheStatistics
from promptvault.vault.activity.spending import Expense

if TYPE_CHECKING:
    from promptvault.wire.ai import AiUsageRead


def cache_row(held: CacheStatistics, place: Path) -> Row:
    """Return the contents of the cache as `cache stats --json` prints them."""
    return {
        "answers": held.answers,
        "bytes": held.size,
        "uses": held.uses,
        "saved_usd": held.saved,
        "path": str(place),
    }


def spending_row(
    now: datetime,
    found: Sequence[Expense],
    budget: float | None,
    hosted: "AiUsageRead | None",
) -> Row:
    """Return the costs of the month of *now* as `spending --json` prints them."""
    total = sum(expense.cost for expense in found)
    return {
        "month": to_text(now)[:7],
        "spent_usd": total,
        "budget_usd": budget,
        "left_usd": None if budget is None else max(0.0, budget - total),
        "expenses": [_expense_row(expense) for expense in found],
        "hosted": hosted_row(hosted),
    }


def _expense_row(expense: Expense) -> Row:
    row = expense._asdict()
    return row | {"cost_usd": row.pop("cost")}
