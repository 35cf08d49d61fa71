"""`server shares`: what users share, for the operator who got a report."""

from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from promptvault.cli import options, terminal
from promptvault.cli.commands.serve import DatabaseUrl, open_admin
from promptvault.cli.render.format import format_count
from promptvault.cli.render.server import print_shares
from promptvault.domain.timestamp import to_text

if TYPE_CHECKING:
    from promptvault.server.share.operator import OperatorShare

server_shares = typer.Typer(no_args_is_help=True, help="List and end shares of users.")

Email = Annotated[str, typer.Argument(metavar="EMAIL", help="The user's address.")]


@server_shares.command("list")
def list_shares(
    account: Annotated[
        str | None, typer.Option(metavar="EMAIL", help="Only of this user.")
    ] = None,
    database_url: DatabaseUrl = None,
    as_json: options.Json = False,
) -> None:
    """List the shares that have not ended, the newest first."""
    with open_admin(database_url) as admin:
        origin = admin.settings.public_url
        rows = [_row(each, origin) for each in admin.shares(account)]
    if as_json:
        terminal.write_json_rows(rows)
    else:
        print_shares(rows)


@server_shares.command("revoke")
def revoke_share(
    share_id: Annotated[UUID, typer.Argument(metavar="ID", help="From 'list'.")],
    database_url: DatabaseUrl = None,
    as_json: options.Json = False,
) -> None:
    """End a share for good."""
    with open_admin(database_url) as admin:
        admin.revoke_share(share_id)
    if as_json:
        terminal.write_json({"id": str(share_id)})
    else:
        terminal.note("The share is ended.")


@server_shares.command("block")
def block(
    email: Email,
    undo: Annotated[
        bool, typer.Option("--undo", help="Let the user make shares again.")
    ] = False,
    database_url: DatabaseUrl = None,
    as_json: options.Json = False,
) -> None:
    """End all shares of a user, who can make no other ones."""
    with open_admin(database_url) as admin:
        ended = admin.unblock_shares(email) if undo else admin.block_shares(email)
    if as_json:
        terminal.write_json({"email": email, "ended": ended, "blocked": not undo})
    elif undo:
        terminal.note(f"{email} can make shares again.")
    else:
        terminal.note(f"Ended {format_count(ended, 'share')} of {email}.")


def _row(share: "OperatorShare", origin: str) -> dict[str, object]:
    return {
        "id": str(share.id),
        "url": f"{origin}/s/{share.token}",
        "email": share.email,
        "state": "paused" if share.is_paused else "live",
        "views": share.views,
        "created_at": to_text(share.created_at),
        "expires_at": to_text(share.expires_at) if share.expires_at else None,
    }
