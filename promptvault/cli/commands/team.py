"""`team`: make, join and manage teams, on the server."""

import contextlib
from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Annotated

import typer

from promptvault.cli import completion, options, terminal
from promptvault.cli.commands.sync import signed_in, sync_after
from promptvault.cli.context import chosen_vault, vault_paths
from promptvault.cli.render import sync as render_sync
from promptvault.cli.render import team as render_team
from promptvault.cli.rows import team as rows_team
from promptvault.cli.workspace import settings, unsynced_workspace
from promptvault.domain.revision import validate_new_label
from promptvault.errors import AuthenticationError
from promptvault.home import PERSONAL
from promptvault.services.sync.session import SERVER
from promptvault.services.vaults.leaving import leave_vault
from promptvault.services.vaults.local import in_vault, local_vaults, read_vault

if TYPE_CHECKING:
    from promptvault.client.team import TeamClient

team = typer.Typer(no_args_is_help=True, help="Make, join and manage teams.")
invitations = typer.Typer(no_args_is_help=True, help="List and revoke invitations.")
team.add_typer(invitations, name="invitations")

Team = Annotated[
    str | None,
    typer.Option(
        "--team",
        metavar="TEAM",
        autocompletion=completion.team_vaults,
        help="The team's short name; else your only one.",
    ),
]
Email = Annotated[str, typer.Argument(metavar="EMAIL", help="Of a member.")]
Role = Annotated[str, typer.Argument(metavar="ROLE", help="admin, editor or viewer.")]
Label = Annotated[str, typer.Argument(metavar="LABEL", help="As 'production'.")]


@contextlib.contextmanager
def _client() -> Iterator["TeamClient"]:
    with signed_in() as (_, client):
        yield client.teams


@contextlib.contextmanager
def _team(given: str | None) -> Iterator[tuple["TeamClient", str]]:
    """Yield the requests, and the short name of the team that is meant."""
    from promptvault.services.teams import choose_team  # pydantic: not for --help

    chosen = given or _team_of_vault()
    with _client() as client:
        yield client, choose_team(client, chosen)


def _team_of_vault() -> str | None:
    """Return the team of the vault that `--vault` chose, if it did."""
    found = read_vault(vault_paths()).team if chosen_vault() else None
    return found.slug if found else None


@team.command("list")
def list_teams(as_json: options.Json = False) -> None:
    """List the teams that you are in."""
    with _client() as client:
        found = list(client.teams())
    if as_json:
        terminal.write_json_rows(map(rows_team.team_row, found))
    else:
        render_team.teams(found)


@team.command("show")
def show(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="[TEAM]",
            autocompletion=completion.team_vaults,
            help="Its short name.",
        ),
    ] = None,
    as_json: options.Json = False,
) -> None:
    """Show a team: your role, its members, and its protected labels."""
    with _team(name) as (client, slug):
        found = client.team(slug)
    if as_json:
        terminal.write_json(rows_team.team_row(found))
    else:
        render_team.team(found)


@team.command("create")
def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="As 'Acme Design'.")],
    slug: Annotated[
        str | None,
        typer.Option(metavar="SLUG", help="A short name; else it is made of NAME."),
    ] = None,
    as_json: options.Json = False,
) -> None:
    """Make a team that you own; its vault is on this device at once."""
    from promptvault.services.teams import plan_team  # as in _team

    wish = plan_team(name, slug)
    with _client() as client:
        made = client.create(wish)
    sync_after()
    if as_json:
        terminal.write_json(rows_team.team_row(made))
    else:
        terminal.write(f"{made.slug}\n")


@team.command("set")
def change_settings(
    new_name: Annotated[
        str | None, typer.Option("--name", metavar="NAME", help="Another name.")
    ] = None,
    slug: Annotated[
        str | None, typer.Option(metavar="SLUG", help="Another short name.")
    ] = None,
    shares_by: Annotated[
        str | None,
        typer.Option(
            metavar="ROLE",
            help="Who may share: editors and admins (editor), admins alone, or nobody.",
        ),
    ] = None,
    on_leave: Annotated[
        str | None,
        typer.Option(
            metavar="WHAT", help="For copies of those who leave: keep or wipe."
        ),
    ] = None,
    name: Team = None,
    as_json: options.Json = False,
) -> None:
    """Change the names of a team, who may share, and what happens to copies."""
    from promptvault.services.teams import plan_update  # as in _team

    wish = plan_update(name=new_name, slug=slug, shares_by=shares_by, on_leave=on_leave)
    with _team(name) as (client, team_slug):
        changed = client.update(team_slug, wish)
    if slug is not None:
        sync_after()
    if as_json:
        terminal.write_json(rows_team.team_row(changed))
    else:
        render_team.team(changed)


@team.command("invite")
def invite(
    emails: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[EMAIL]...", help="Addresses to invite.", show_default=False
        ),
    ] = None,
    link: Annotated[
        bool, typer.Option("--link", help="Make a link, for all who have it.")
    ] = False,
    role: Annotated[
        str, typer.Option(metavar="ROLE", help="admin, editor or viewer.")
    ] = "editor",
    uses: Annotated[
        int, typer.Option(min=1, help="How many people may join by the link.")
    ] = 1,
    days: Annotated[int, typer.Option(min=1, help="How long it is valid.")] = 7,
    name: Team = None,
    as_json: options.Json = False,
) -> None:
    """Invite people, and print an URL for each: by address, or one link for many."""
    from promptvault.services.teams import plan_invitations  # as in _team

    wishes = plan_invitations(emails or [], link=link, role=role, days=days, uses=uses)
    with _team(name) as (client, slug):
        made = [client.invite(slug, wish) for wish in wishes]
    rows = [rows_team.invited_row(each) for each in made]
    if as_json and len(rows) == 1:
        terminal.write_json(rows[0])
    elif as_json:
        terminal.write_json_rows(rows)
    else:
        terminal.show("".join(f"{each.url}\n" for each in made))


@team.command("join")
def join(
    url: Annotated[str, typer.Argument(metavar="URL", help="The invitation.")],
    as_json: options.Json = False,
) -> None:
    """Accept an invitation; then a sync brings the team's prompts."""
    from promptvault.services.teams import (  # as in _team
        read_invitation,
        require_server,
    )

    invitation = read_invitation(url)
    if not settings()[SERVER].value:
        raise AuthenticationError(
            f"Sign in first: 'promptvault login --server {invitation.server}'."
        )
    with signed_in() as (session, client):
        require_server(invitation, session.address)
        joined = client.teams.accept(invitation.token)
    sync_after()
    if as_json:
        terminal.write_json(rows_team.joined_row(joined))
    else:
        terminal.note(
            f"You are in the team {joined.team} ({joined.role}): 'promptvault list"
            f" {joined.team}:' lists its prompts."
        )


@team.command("members")
def members(name: Team = None, as_json: options.Json = False) -> None:
    """List the members of a team."""
    with _team(name) as (client, slug):
        found = list(client.members(slug))
    if as_json:
        terminal.write_json_rows(map(rows_team.member_row, found))
    else:
        render_team.members(found)


@team.command("role")
def change_role(
    email: Email, role: Role, name: Team = None, as_json: options.Json = False
) -> None:
    """Give a member another role."""
    from promptvault.services.teams import find_member, plan_role  # as in _team

    wish = plan_role(role)
    with _team(name) as (client, slug):
        found = find_member(client, slug, email)
        changed = client.change_role(slug, found.user, wish)
    if as_json:
        terminal.write_json(rows_team.member_row(changed))
    else:
        terminal.note(f"{changed.email} is {changed.role} in {slug}.")


@team.command("remove")
def remove(
    email: Email,
    name: Team = None,
    yes: options.Yes = False,
    as_json: options.Json = False,
) -> None:
    """Remove a member; that person's devices get nothing more from the team."""
    from promptvault.services.teams import find_member  # as in _team

    with _team(name) as (client, slug):
        found = find_member(client, slug, email)
        if not yes:
            terminal.confirm(f"Remove {found.email} from {slug}?", "--yes")
        client.remove(slug, found.user)
    if as_json:
        terminal.write_json(rows_team.member_row(found))
    else:
        terminal.note(f"{found.email} is not in {slug} any more.")


@team.command("leave")
def leave(
    name: Team = None,
    wipe: Annotated[
        bool, typer.Option("--wipe", help="Delete its vault from this device, too.")
    ] = False,
    yes: options.Yes = False,
    as_json: options.Json = False,
) -> None:
    """Leave a team; its vault stays on this device, and can only be read.

    With --wipe, edits that were not sent are copied into your own vault first.
    """
    with _team(name) as (client, slug):
        if not yes:
            terminal.confirm(f"Leave the team {slug}?", "--yes")
        client.leave(slug)
    wiped = _wipe(slug) if wipe else {}
    sync_after()
    if as_json:
        terminal.write_json({"slug": slug, "wiped": list(wiped)})
    else:
        terminal.note(f"You are not in {slug} any more.")
        for vault, saved in wiped.items():
            render_sync.wiped(vault, saved)


def _wipe(slug: str) -> dict[str, int]:
    """Delete the vaults of a team from this device.

    Return their names, and how many edits were copied into the personal vault.
    """
    own = unsynced_workspace(PERSONAL)
    found = [each for each in local_vaults(own.paths) if each.team]
    wiped = [each.name for each in found if each.team and each.team.slug == slug]
    return {name: leave_vault(in_vault(own, name), wipe=True) for name in wiped}


@team.command("protect")
def protect(label: Label, name: Team = None, as_json: options.Json = False) -> None:
    """Protect a label, so that only admins and the owner can move it."""
    validate_new_label(label)
    with _team(name) as (client, slug):
        client.protect(slug, label)
        found = client.team(slug)
    _report_labels(slug, found.protected, as_json)


@team.command("unprotect")
def unprotect(label: Label, name: Team = None, as_json: options.Json = False) -> None:
    """Let every editor move a label again."""
    with _team(name) as (client, slug):
        client.unprotect(slug, label)
        found = client.team(slug)
    _report_labels(slug, found.protected, as_json)


def _report_labels(slug: str, protected: list[str], as_json: bool) -> None:
    if as_json:
        terminal.write_json({"slug": slug, "protected": protected})
    else:
        terminal.note(f"Protected in {slug}: {', '.join(protected) or 'no label'}.")


@team.command("log")
def log(
    limit: Annotated[int, typer.Option(min=1, help="At most N.")] = 50,
    name: Team = None,
    as_json: options.Json = False,
) -> None:
    """List what was changed in a team, newest first."""
    with _team(name) as (client, slug):
        found = list(islice(client.activity(slug), limit))
    if as_json:
        terminal.write_json_rows(map(rows_team.activity_row, found))
    else:
        render_team.activity(found)


@invitations.command("list")
def list_invitations(name: Team = None, as_json: options.Json = False) -> None:
    """List the invitations that can be accepted."""
    with _team(name) as (client, slug):
        found = list(client.invitations(slug))
    if as_json:
        terminal.write_json_rows(map(rows_team.invitation_row, found))
    else:
        render_team.invitations(found)


@invitations.command("revoke")
def revoke_invitation(
    start: Annotated[
        str, typer.Argument(metavar="ID", help="From the list, or the start of it.")
    ],
    name: Team = None,
    as_json: options.Json = False,
) -> None:
    """Revoke an invitation, so that it cannot be accepted."""
    from promptvault.services.teams import find_invitation  # as in _team

    with _team(name) as (client, slug):
        found = find_invitation(client, slug, start)
        client.revoke(slug, found)
    if as_json:
        terminal.write_json({"id": str(found), "slug": slug})
    else:
        terminal.note("The invitation is revoked.")
