"""`cache` and `spending`: the answers that are kept, and what the others cost."""

from typing import Any

import typer

from promptvault.cli import options, render, render_spending, terminal
from promptvault.cli.context import now, paths
from promptvault.cli.workspace import settings
from promptvault.domain.timestamp import to_text
from promptvault.vault.response_cache import ResponseCache
from promptvault.vault.spending import Expense, Spending

cache = typer.Typer(no_args_is_help=True, help="Look at the kept answers, drop them.")


@cache.command("stats")
def stats(as_json: options.Json = False) -> None:
    """Print how many answers are kept, and what they spared."""
    place = paths().responses
    held = ResponseCache(place).statistics()
    if as_json:
        row = {
            "answers": held.answers,
            "bytes": held.size,
            "uses": held.uses,
            "saved_usd": held.saved,
            "path": str(place),
        }
        terminal.write_json(row)
    else:
        render_spending.cache(held, place)


@cache.command("clear")
def clear(as_json: options.Json = False) -> None:
    """Drop every kept answer; the next requests ask anew."""
    dropped = ResponseCache(paths().responses).clear()
    if as_json:
        terminal.write_json({"cleared": dropped})
    else:
        terminal.note(f"Dropped {render.count(dropped, 'answer')}.")


def spending(as_json: options.Json = False) -> None:
    """Show what models cost this month, and what is left of the budget."""
    budget = settings()["ai.budget_usd"].number
    record, time = Spending(paths().activity), now()
    expenses = record.expenses(time)
    total = sum(expense.cost for expense in expenses)
    if as_json:
        terminal.write_json(
            {
                "month": to_text(time)[:7],
                "spent_usd": total,
                "budget_usd": budget,
                "left_usd": None if budget is None else max(0.0, budget - total),
                "expenses": [_row(expense) for expense in expenses],
            }
        )
    else:
        render_spending.expenses(expenses, total, budget)


def _row(expense: Expense) -> dict[str, Any]:
    return {
        "command": expense.command,
        "model": expense.model,
        "requests": expense.requests,
        "input_tokens": expense.input_tokens,
        "output_tokens": expense.output_tokens,
        "cost_usd": expense.cost,
    }
