"""`server ai`: what accounts use of the server's model."""

from typing import TYPE_CHECKING, Annotated

import typer

from promptvault.cli import options, terminal
from promptvault.cli.commands.operator.serve import DatabaseUrl, open_admin
from promptvault.cli.render.server import print_ai_usage

if TYPE_CHECKING:
    from promptvault.server.ai.operator import AccountUse

_MICRO = 1_000_000

ai = typer.Typer(no_args_is_help=True, help="Show and stop the use of the model.")


@ai.command("usage")
def show_usage(
    account: Annotated[
        str | None, typer.Option(metavar="EMAIL", help="Only of this user's account.")
    ] = None,
    database_url: DatabaseUrl = None,
    as_json: options.Json = False,
) -> None:
    """Show what accounts have used of the server's model this month."""
    with open_admin(database_url) as admin:
        uses, spent = admin.ai_usage(account)
        cap = admin.settings.ai_cap_instance
        rows = [_row(each, admin.settings.ai_cap(each.plan)) for each in uses]
    if as_json:
        terminal.write_json_rows(rows)
        return
    print_ai_usage(rows)
    limit = "" if cap is None else f" of {cap:,.2f}"
    terminal.note(f"All accounts together have used {spent / _MICRO:,.2f}{limit} USD.")


@ai.command("block")
def block(
    email: Annotated[str, typer.Argument(metavar="EMAIL", help="The user's address.")],
    undo: Annotated[
        bool, typer.Option("--undo", help="Let the account use the model again.")
    ] = False,
    database_url: DatabaseUrl = None,
    as_json: options.Json = False,
) -> None:
    """Refuse the server's model to the account of a user."""
    with open_admin(database_url) as admin:
        admin.block_ai(email, undo=undo)
    if as_json:
        terminal.write_json({"email": email, "blocked": not undo})
    elif undo:
        terminal.note(f"The account of {email} can use the server's model again.")
    else:
        terminal.note(f"The account of {email} cannot use the server's model.")


def _row(use: "AccountUse", cap: int) -> dict[str, object]:
    return {
        "email": use.email,
        "tier": use.plan,
        "requests": use.requests,
        "optimizations": use.optimizations,
        "spent_usd": use.spent / _MICRO,
        "reserved_usd": use.reserved / _MICRO,
        "cap_usd": cap / _MICRO,
        "blocked": use.is_blocked,
    }
