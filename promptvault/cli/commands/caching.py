"""`cache` and `spending`: the cached answers, and the costs of requests."""

from typing import TYPE_CHECKING

import typer

from promptvault.cli import options, terminal
from promptvault.cli.context import now, paths
from promptvault.cli.render.format import format_count
from promptvault.cli.render.hosted import report_hosted_use
from promptvault.cli.render.spending import print_cache, print_spending
from promptvault.cli.rows.spending import cache_row, spending_row
from promptvault.cli.workspace import settings
from promptvault.errors import PromptVaultError
from promptvault.services.sync import session as sessions
from promptvault.vault.activity.response_cache import ResponseCache
from promptvault.vault.activity.spending import Spending

if TYPE_CHECKING:
    from promptvault.wire.ai import AiUsageRead

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
    """Show what models cost this month, and what is left of the budget.

    If you are signed in to a server with a model of its own, also what you used of it.
    """
    budget = settings()["ai.budget_usd"].number
    record, time = Spending(paths().activity), now()
    expenses, hosted = record.expenses(time), _hosted_use()
    if as_json:
        terminal.write_json(spending_row(time, expenses, budget, hosted))
    else:
        print_spending(expenses, budget)
        report_hosted_use(hosted)


def _hosted_use() -> "AiUsageRead | None":
    """Return what the user used of the server's model; None if there is none.

    An error is reported, and does not fail the command.
    """
    if not sessions.is_signed_in(paths(), settings()):
        return None
    from promptvault.client.client import connect  # httpx: not for the signed out

    try:
        session = sessions.get_session(paths(), sessions.choose_address(settings()))
        with connect(session.address, session.token) as client:
            return client.ai_usage()
    except PromptVaultError as error:
        terminal.note(f"What you used of the server's model is not known: {error}")
        return None
