"""`server`: the operator's commands, for a server that runs or not."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from promptvault.cli import options, terminal
from promptvault.cli.commands.operator.ai import ai
from promptvault.cli.commands.operator.billing import billing
from promptvault.cli.commands.operator.jobs import jobs, work
from promptvault.cli.commands.operator.serve import DatabaseUrl, installed, open_admin
from promptvault.cli.context import now, paths
from promptvault.cli.render.format import format_count
from promptvault.cli.render.server import (
    format_limits,
    print_shares,
    print_teams,
    print_users,
)
from promptvault.domain.tier import Tier
from promptvault.domain.timestamp import to_text
from promptvault.errors import AlreadyExistsError, InvalidInputError, NotFoundError
from promptvault.private_file import open_private

if TYPE_CHECKING:
    from promptvault.server.account.repository import Membership
    from promptvault.server.share.operator import OperatorShare
    from promptvault.server.team.repository import ListedTeam

server = typer.Typer(no_args_is_help=True, help="Manage a server's users.")
user = typer.Typer(no_args_is_help=True, help="Add and list users, and set passwords.")
shares = typer.Typer(no_args_is_help=True, help="List and end shares of users.")
team = typer.Typer(no_args_is_help=True, help="List and restore teams.")
server.add_typer(user, name="user")
server.add_typer(billing, name="billing")
server.add_typer(jobs, name="jobs")
server.add_typer(ai, name="ai")
server.add_typer(shares, name="shares")
server.add_typer(team, name="team")
server.command("work")(work)

Email = Annotated[str, typer.Argument(metavar="EMAIL", help="The user's address.")]
Slug = Annotated[str, typer.Argument(metavar="TEAM", help="The team's short name.")]
Password = Annotated[
    str | None,
    typer.Option(metavar="-", help="'-' reads a password from a pipe; no link then."),
]


@server.command("migrate")
def migrate(database_url: DatabaseUrl = None, as_json: options.Json = False) -> None:
    """Update the database's schema, before a new version of the server starts."""
    with installed():
        from promptvault.server.postgres import database_choice, migration
    revision = database_choice.migrate(database_url, paths().server)
    if as_json:
        terminal.write_json({"revision": revision, "newest": migration.newest()})
    else:
        terminal.note(f"The schema is at {revision}.")


@user.command("add")
def add_user(
    email: Email,
    tier: Annotated[Tier, typer.Option(help="The tier of the account.")] = Tier.FREE,
    password: Password = None,
    database_url: DatabaseUrl = None,
    as_json: options.Json = False,
) -> None:
    """Make an account, and print a one-time link to choose its password."""
    given = _given(password)
    with open_admin(database_url) as admin:
        made, url = admin.add_user(email, tier, given)
    if as_json:
        row = {"id": str(made.id), "email": made.email, "tier": tier}
        terminal.write_json(row | {"password_url": url})
    else:
        terminal.note(f"Added {made.email} ({tier}).")
        _print_link(url)


@user.command("password")
def reset_password(
    email: Email,
    password: Password = None,
    database_url: DatabaseUrl = None,
    as_json: options.Json = False,
) -> None:
    """Print a one-time link by which a user chooses a new password.

    Using it signs the user out in all browsers and on all devices.
    """
    given = _given(password)
    with open_admin(database_url) as admin:
        url = admin.reset_password(email, given)
    if as_json:
        terminal.write_json({"email": email, "password_url": url})
    elif url is None:
        terminal.note(f"The password of {email} is set.")
    else:
        _print_link(url)


def _given(password: str | None) -> str | None:
    """Return the password for `--password -` from a prompt or a pipe, else None."""
    if password is None:
        return None
    if password != "-":
        raise InvalidInputError(
            "Other users can see a password on the command line: give '--password -'"
            " and pipe it in."
        )
    if terminal.can_ask():
        return str(
            typer.prompt(
                "Password", hide_input=True, confirmation_prompt=True, err=True
            )
        )
    return terminal.read_stdin().removesuffix("\n").removesuffix("\r")


def _print_link(url: str | None) -> None:
    if url is not None:
        terminal.note("Give this link to its owner; it is good once, within 7 days:")
        terminal.write(url + "\n")


@user.command("list")
def list_users(database_url: DatabaseUrl = None, as_json: options.Json = False) -> None:
    """List all users with their tier and number of prompts."""
    with open_admin(database_url) as admin:
        rows = [_user_row(each) for each in admin.users()]
    if as_json:
        terminal.write_json_rows(rows)
    else:
        print_users(rows)


@server.command("tier")
def set_tier(
    email: Email,
    tier: Annotated[Tier, typer.Argument(help="The new tier.")],
    until: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d"], metavar="DATE", help="The first day without it."
        ),
    ] = None,
    database_url: DatabaseUrl = None,
    as_json: options.Json = False,
) -> None:
    """Put a user's account on another tier; nothing is deleted.

    It is a gift: what the user pays for stays, if that is more.
    """
    if until and tier == Tier.FREE:
        raise InvalidInputError("The tier 'free' has no end: leave '--until' out.")
    end = until.replace(tzinfo=UTC) if until else None
    if end and end <= now():
        raise InvalidInputError(f"--until must be in the future, not {until:%Y-%m-%d}.")
    with open_admin(database_url) as admin:
        found = admin.set_tier(email, tier, end)
        storage = admin.settings.storage_limit(found.plan)
    prompts = found.allowance.prompts
    if as_json:
        limits = {"prompt_limit": prompts, "storage_limit": storage}
        terminal.write_json({"email": email, "tier": found.plan, **limits})
    else:
        limits_text = format_limits(prompts, storage)
        terminal.note(f"{email} is on {found.plan}: {limits_text}.")
        if found.plan != tier and found.why == "subscription":
            terminal.note("The user pays for this plan.")


@server.command("token")
def issue_token(
    email: Email,
    name: Annotated[str, typer.Option(help="What it is for.")] = "server token",
    manage: Annotated[
        bool, typer.Option("--manage", help="Also manage teams and billing.")
    ] = False,
    database_url: DatabaseUrl = None,
    as_json: options.Json = False,
) -> None:
    """Print a new access token for 'login --token'; it cannot be shown again."""
    with open_admin(database_url) as admin:
        token = admin.issue_token(email, name, manage=manage)
    if as_json:
        terminal.write_json({"token": token})
    else:
        terminal.write(token + "\n")


@server.command("export")
def export(
    email: Email,
    path: Annotated[
        str, typer.Argument(metavar="PATH", help="A file, or '-' for stdout.")
    ],
    force: Annotated[
        bool, typer.Option("--force", help="Replace an existing file.")
    ] = False,
    database_url: DatabaseUrl = None,
) -> None:
    """Write all prompts of a user as JSON, also those of a deleted user.

    'promptvault import' reads it. Only you may open the file.
    """
    with open_admin(database_url) as admin:
        if path == "-":
            admin.export(email, terminal.write)
            return
        _write_file(Path(path), force, partial(admin.export, email))
    terminal.note(f"Wrote the prompts of {email} to {path}.")


def _write_file(
    path: Path, force: bool, export: Callable[[Callable[[str], object]], None]
) -> None:
    if path.exists() and not force:
        raise AlreadyExistsError(f"{path} exists already; --force replaces it.")
    try:
        with open_private(path) as file:
            export(file.write)
    except OSError as error:
        reason = error.strerror
        raise InvalidInputError(f"{path} cannot be written: {reason}.") from error


@server.command("erase")
def erase(
    email: Email,
    yes: options.Yes = False,
    database_url: DatabaseUrl = None,
    as_json: options.Json = False,
) -> None:
    """Erase a user with all prompts, at once and for good."""
    with open_admin(database_url) as admin:
        prompts = format_count(admin.prompt_count(email), "prompt")
        if not yes:
            terminal.confirm(f"Erase {email} with {prompts} for good?", "--yes")
        admin.erase(email)
    if as_json:
        terminal.write_json({"email": email})
    else:
        terminal.note(f"Erased {email} with {prompts}.")


@team.command("list")
def list_teams(database_url: DatabaseUrl = None, as_json: options.Json = False) -> None:
    """List all teams, deleted ones as well."""
    with open_admin(database_url) as admin:
        rows = [_team_row(each) for each in admin.teams()]
    if as_json:
        terminal.write_json_rows(rows)
    else:
        print_teams(rows)


@team.command("show")
def show_team(
    slug: Slug, database_url: DatabaseUrl = None, as_json: options.Json = False
) -> None:
    """Show one team."""
    with open_admin(database_url) as admin:
        rows = [_team_row(each) for each in admin.teams() if each.slug == slug]
    if not rows:
        raise NotFoundError(f"There is no team {slug!r}.")
    if as_json:
        terminal.write_json(rows[0])
    else:
        print_teams(rows)


@team.command("restore")
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


@server.command("restored")
def renew_epochs(
    yes: options.Yes = False,
    database_url: DatabaseUrl = None,
    as_json: options.Json = False,
) -> None:
    """Make devices send what a restored backup lacks.

    Run it after the database was restored, and before the server runs on it. Otherwise
    a device that has read more than the backup holds would miss later changes.
    """
    if not yes:
        terminal.confirm("Make every device compare all of its prompts?", "--yes")
    with open_admin(database_url) as admin:
        vaults = admin.renew_epochs()
    if as_json:
        terminal.write_json({"vaults": vaults})
    else:
        count = format_count(vaults, "vault")
        terminal.note(f"Devices compare {count} with the server.")


@server.command("purge")
def purge(database_url: DatabaseUrl = None, as_json: options.Json = False) -> None:
    """Delete old tombstones, deleted users and expired sessions, links and tokens.

    Run it once a day. A server without --database-url does it by itself.
    """
    with open_admin(database_url) as admin:
        purged = admin.purge(now())
    if as_json:
        terminal.write_json(purged._asdict())
    else:
        deletions = format_count(purged.deletions, "deletion")
        users = format_count(purged.users, "deleted user")
        teams = format_count(purged.teams, "deleted team")
        terminal.note(f"Purged {deletions}, and erased {users} and {teams}.")


@shares.command("list")
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
        rows = [_share_row(each, origin) for each in admin.shares(account)]
    if as_json:
        terminal.write_json_rows(rows)
    else:
        print_shares(rows)


@shares.command("revoke")
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


@shares.command("block")
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


def _user_row(member: "Membership") -> dict[str, object]:
    return {
        "email": member.email,
        "tier": member.plan,
        "prompts": member.prompt_count,
        "prompt_limit": member.prompt_limit,
        "stored_bytes": member.stored_bytes,
        "created_at": to_text(member.created_at),
    }


def _team_row(listed: "ListedTeam") -> dict[str, object]:
    return {
        "slug": listed.slug,
        "name": listed.name,
        "owner": listed.owner_email,
        "members": listed.members,
        "prompts": listed.prompts,
        "frozen": listed.frozen,
        "created_at": to_text(listed.created_at),
        "deleted_at": to_text(listed.deleted_at) if listed.deleted_at else None,
    }


def _share_row(share: "OperatorShare", origin: str) -> dict[str, object]:
    return {
        "id": str(share.id),
        "url": f"{origin}/s/{share.token}",
        "email": share.email,
        "state": "paused" if share.is_paused else "live",
        "views": share.views,
        "created_at": to_text(share.created_at),
        "expires_at": to_text(share.expires_at) if share.expires_at else None,
    }
