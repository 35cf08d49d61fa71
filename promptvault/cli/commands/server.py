"""`serve` and `server`: the only commands that import the server."""

import contextlib
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from promptvault.cli import options, terminal
from promptvault.cli.context import paths
from promptvault.cli.render.format import format_count
from promptvault.cli.render.server import format_limits, print_users
from promptvault.domain.tier import ALLOWANCES, Tier
from promptvault.domain.timestamp import to_text
from promptvault.errors import AlreadyExistsError, InvalidInputError, UnavailableError
from promptvault.private_file import open_private

if TYPE_CHECKING:
    from promptvault.server.account.repository import Membership
    from promptvault.server.admin import Admin
    from promptvault.server.server_urls import ServerUrls

server = typer.Typer(no_args_is_help=True, help="Manage a server's users.")
user = typer.Typer(no_args_is_help=True, help="Add and list users, and set passwords.")
server.add_typer(user, name="user")

DatabaseUrl = Annotated[
    str | None,
    typer.Option(
        metavar="URL",
        help="The PostgreSQL to use; else DATABASE_URL, else an embedded one.",
        show_default=False,
    ),
]
Email = Annotated[str, typer.Argument(metavar="EMAIL", help="The user's address.")]
Password = Annotated[
    str | None,
    typer.Option(metavar="-", help="'-' reads a password from a pipe; no link then."),
]


def serve(
    database_url: DatabaseUrl = None,
    host: Annotated[str, typer.Option(help="Where to listen.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="0 takes a free one.")
    ] = 8000,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Processes.")] = 1,
    as_json: options.Json = False,
) -> None:
    """Run the sync server until Ctrl-C."""
    with _installed():
        from promptvault.server import serving
        from promptvault.server.postgres import database_choice
    with database_choice.open_deployment(database_url, paths().server) as deployment:
        serving.run(
            deployment.settings,
            host=host,
            port=port,
            workers=workers,
            announce=lambda urls: _announce(urls, as_json=as_json),
            wait_for_end=deployment.wait_for_end,
        )


@contextlib.contextmanager
def _installed() -> Iterator[None]:
    """Name the missing library if the server's libraries are not installed."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise UnavailableError(
            f"The server needs {error.name}: pip install 'promptvault[server]'."
        ) from None


def _announce(urls: "ServerUrls", *, as_json: bool) -> None:
    if as_json:
        row = {**urls._asdict(), "names": sorted(urls.names)}
        terminal.write(json.dumps(row) + "\n")
    else:
        terminal.write(f"Serving {urls.url}\n")
    terminal.flush()
    if not as_json and urls.public_url != urls.url:
        terminal.note(_public_urls(urls))


def _public_urls(urls: "ServerUrls") -> str:
    """Say which URL the server gives to people and devices."""
    if not urls.names:
        return f"Links and devices get the URL {urls.public_url}."
    names = sorted(name for name in urls.names if any(map(str.isalpha, name)))
    return (
        f"Links start with {urls.public_url}. A device gets the address that it used,"
        f" if that is an IP address of this machine or one of {', '.join(names)}."
        " Set PROMPTVAULT_SERVER_PUBLIC_URL to use one URL for all."
    )


@server.command("migrate")
def migrate(database_url: DatabaseUrl = None, as_json: options.Json = False) -> None:
    """Update the database's schema, before a new version of the server starts."""
    with _installed():
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
    with _admin(database_url) as admin:
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
    with _admin(database_url) as admin:
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
    with _admin(database_url) as admin:
        rows = [_row(each) for each in admin.users()]
    if as_json:
        terminal.write_json_rows(rows)
    else:
        print_users(rows)


@server.command("tier")
def set_tier(
    email: Email,
    tier: Annotated[Tier, typer.Argument(help="The new tier.")],
    database_url: DatabaseUrl = None,
    as_json: options.Json = False,
) -> None:
    """Put a user's account on another tier; nothing is deleted."""
    with _admin(database_url) as admin:
        admin.set_tier(email, tier)
        storage = admin.settings.storage_limit(tier)
    prompts = ALLOWANCES[tier].prompts
    if as_json:
        limits = {"prompt_limit": prompts, "storage_limit": storage}
        terminal.write_json({"email": email, "tier": tier, **limits})
    else:
        terminal.note(f"{email} is on {tier}: {format_limits(prompts, storage)}.")


@server.command("token")
def issue_token(
    email: Email,
    name: Annotated[str, typer.Option(help="What it is for.")] = "server token",
    database_url: DatabaseUrl = None,
    as_json: options.Json = False,
) -> None:
    """Print a new access token for 'login --token'; it cannot be shown again."""
    with _admin(database_url) as admin:
        token = admin.issue_token(email, name)
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
    with _admin(database_url) as admin:
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
    with _admin(database_url) as admin:
        prompts = format_count(admin.prompt_count(email), "prompt")
        if not yes:
            terminal.confirm(f"Erase {email} with {prompts} for good?", "--yes")
        admin.erase(email)
    if as_json:
        terminal.write_json({"email": email})
    else:
        terminal.note(f"Erased {email} with {prompts}.")


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
    with _admin(database_url) as admin:
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
    with _admin(database_url) as admin:
        purged = admin.purge(datetime.now(UTC))
    if as_json:
        terminal.write_json(purged._asdict())
    else:
        deletions = format_count(purged.deletions, "deletion")
        users = format_count(purged.users, "deleted user")
        terminal.note(f"Purged {deletions}, and erased {users}.")


@contextlib.contextmanager
def _admin(database_url: str | None) -> Iterator["Admin"]:
    with _installed():
        from promptvault.server.admin import Admin
        from promptvault.server.postgres import database_choice
    with database_choice.open_for_admin(database_url, paths().server) as settings:
        yield Admin(settings)


def _row(member: "Membership") -> dict[str, object]:
    return {
        "email": member.email,
        "tier": member.plan,
        "prompts": member.prompt_count,
        "prompt_limit": member.prompt_limit,
        "stored_bytes": member.stored_bytes,
        "created_at": to_text(member.created_at),
    }
