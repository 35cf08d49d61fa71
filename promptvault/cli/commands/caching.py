"""`cache` and `spending`: the cached answers, and the costs of requests."""

import typer

from promptvault.cli import options, terminal
from promptvault.cli.context import now, paths
from promptvault.cli.render.format import format_count
from promptvault.cli.render.spending import print_cache, print_spending
from promptvault.cli.rows.spending import cache_row, spending_row
from promptvault.cli.workspace import settings
from promptvault.vault.activity.response_cache import ResponseCache
from promptvault.vault.activity.spending import Spending

cache = typer.Typer(no_args_is_help=True, help="Show or clear the cached answers.")


@cache.command("stats")
def stats(as_json: options.Json = False) -> None:
    """Print the number of cached answers, and what they saved."""
    place = paths().responses
    held = ResponseCache(place).statistics()
    if as_json:
        terminal.write_json(cache_row(held, place))
    else:
        print_cache(held, place)


@cache.command("clear")
def clear(as_json: options.Json = False) -> None:
    """Delete all cached answers; the next requests ask again."""
    deleted = ResponseCache(paths().responses).clear()
    if as_json:
        terminal.write_json({"cleared": deleted})
    else:
        terminal.note(f"Deleted {format_count(deleted, 'answer')}.")


def spending(as_json: options.Json = False) -> None:
    """Show what models cost this month, and what is left of the budget."""
    budget = settings()["ai.budget_usd"].number
    record, time = Spending(paths().activity), now()
    expenses = record.expenses(time)
    if as_json:
        terminal.write_json(spending_row(time, expenses, budget))
    else:
        print_spending(expenses, budget)
