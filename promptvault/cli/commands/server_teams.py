"""`server team`: the teams of a server, for its operator."""

from typing import TYPE_CHECKING, Annotated

import typer

from promptvault.cli import options, terminal
from promptvault.cli.commands.serve import DatabaseUrl, open_admin
from promptvault.cli.render.server import print_teams
from promptvault.domain.timestamp import to_text
from promptvault.errors import NotFoundError

if TYPE_CHECKING:
    from promptvault.server.team.repository import ListedTeam

server_teams = typer.Typer(no_args_is_help=True, help="List and restore teams.")

Slug = Annotated[str, typer.Argument(metavar="TEAM", help="The team's short name.")]


@server_teams.command("list")
def list_teams(database_url: DatabaseUrl = None, as_json: options.Json = False) -> None:
    """List all teams, deleted ones as well."""
    with open_admin(database_url) as admin:
        rows = [_row(each) for each in admin.teams()]
    if as_json:
        terminal.write_json_rows(rows)
    else:
        print_teams(rows)


@server_teams.command("show")
def show_team(
    slug: Slug, database_url: DatabaseUrl = None, as_json: options.Json = False
) -> None:
    """Show one team."""
    with open_admin(database_url) as admin:
        rows = [_row(each) for each in admin.teams() if each.slug == slug]
    if not rows:
        raise NotFoundError(f"There is no team {slug!r}.")
    if as_json:
        terminal.write_json(rows[0])
    else:
        print_teams(rows)


@server_teams.command("restore")
def restore_team(
    slug: Slug, database_url: DatabaseUrl = None, as_json: options.Json = False
) -> None:
    """Undo the deletion of a team, until a purge has erased it."""
    with open_admin(database_url) as admin:
        admin.restore_team(slug)
    if as_json:
        terminal.write_json({"slug": slug})
    else:
        terminal.note(f"The team {slug} is restored.")


def _row(team: "ListedTeam") -> dict[str, object]:
    return {
        "slug": team.slug,
        "name": team.name,
        "owner": team.owner_email,
        "members": team.members,
        "prompts": team.prompts,
        "frozen": team.frozen,
        "created_at": to_text(team.created_at),
        "deleted_at": to_text(team.deleted_at) if team.deleted_at else None,
    }
