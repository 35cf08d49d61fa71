"""`server`: what an operator does beside a server that runs, or does not yet."""

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from promptvault.cli import options, render_server, terminal
from promptvault.cli.commands.serve import DatabaseUrl, installed
from promptvault.cli.context import paths
from promptvault.domain.tier import ALLOWANCES, Tier
from promptvault.domain.timestamp import to_text

if TYPE_CHECKING:
    from promptvault.server.account.repository import Membership
    from promptvault.server.administration import Administration

server = typer.Typer(no_args_is_help=True, help="Manage a server's users.")
user = typer.Typer(no_args_is_help=True, help="Add and list users.")
server.add_typer(user, name="user")

Email = Annotated[str, typer.Argument(metavar="EMAIL", help="The user's address.")]


@server.command("migrate")
def migrate(database_url: DatabaseUrl = None, as_json: options.Json = False) -> None:
    """Bring the database's schema up to date, before the new version serves."""
    with installed():
        from promptvault.server import hosting, migration
    revision = hosting.migrate(database_url, paths().server)
    if as_json:
        terminal.write_json({"revision": revision, "newest": migration.newest()})
    else:
        terminal.note(f"The schema is at {revision}.")


@user.command("add")
def add_user(
    email: Email,
    tier: Annotated[Tier, typer.Option(help="What it may use.")] = Tier.FREE,
    database_url: DatabaseUrl = None,
    as_json: options.Json = False,
) -> None:
    """Make an account with one user and an empty vault."""
    with _administration(database_url) as administration:
        made = administration.add_user(email, tier)
    if as_json:
        terminal.write_json({"id": str(made.id), "email": made.email, "tier": tier})
    else:
        terminal.note(f"Added {made.email} ({tier}).")


@user.command("list")
def list_users(database_url: DatabaseUrl = None, as_json: options.Json = False) -> None:
    """List every user with tier and number of prompts."""
    with _administration(database_url) as administration:
        rows = [_row(each) for each in administration.users()]
    if as_json:
        terminal.write_json_rows(rows)
    else:
        render_server.users(rows)


@server.command("tier")
def set_tier(
    email: Email,
    tier: Annotated[Tier, typer.Argument(help="What it may use from now on.")],
    database_url: DatabaseUrl = None,
    as_json: options.Json = False,
) -> None:
    """Put a user's account on another tier; nothing is ever deleted for it."""
    with _administration(database_url) as administration:
        administration.set_tier(email, tier)
    if as_json:
        limit = ALLOWANCES[tier].prompts
        terminal.write_json({"email": email, "tier": tier, "prompt_limit": limit})
    else:
        terminal.note(f"{email} is on {tier}.")


@server.command("token")
def issue_token(
    email: Email,
    name: Annotated[str, typer.Option(help="What it is for.")] = "server token",
    database_url: DatabaseUrl = None,
    as_json: options.Json = False,
) -> None:
    """Print a new access token, once: 'login --token' takes it."""
    with _administration(database_url) as administration:
        token = administration.issue_token(email, name)
    if as_json:
        terminal.write_json({"token": token})
    else:
        terminal.write(token + "\n")


@contextlib.contextmanager
def _administration(database_url: str | None) -> Iterator["Administration"]:
    with installed():
        from promptvault.server import hosting
        from promptvault.server.administration import Administration
    with hosting.administering(database_url, paths().server) as settings:
        yield Administration(settings)


def _row(member: "Membership") -> dict[str, object]:
    return {
        "email": member.email,
        "tier": member.plan,
        "prompts": member.prompt_count,
        "prompt_limit": member.prompt_limit,
        "created_at": to_text(member.created_at),
    }
