"""`share` and `shares`: links by which anybody can read a prompt."""

import contextlib
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from promptvault.cli import completion, options, terminal
from promptvault.cli.context import paths
from promptvault.cli.password import read_password
from promptvault.cli.render import sharing as render_sharing
from promptvault.cli.rows import sharing as rows_sharing
from promptvault.cli.workspace import settings, unsynced_workspace
from promptvault.errors import InvalidInputError
from promptvault.services.sync import session as sessions

if TYPE_CHECKING:
    from promptvault.client.address import Address
    from promptvault.client.client import Client

shares = typer.Typer(no_args_is_help=True, help="List and end shares of prompts.")

_MOST_VIEWS = 1_000_000
_LIFE = re.compile(r"(\d{1,5})([mhdw])")
_SECONDS = {"m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}

Expires = Annotated[
    str | None,
    typer.Option(
        metavar="TIME",
        help="How long it is good for: 30m, 12h, 7d, 4w; a year at most.",
    ),
]
AskPassword = Annotated[
    bool, typer.Option("--password", help="Ask for a password that readers need.")
]
Views = Annotated[
    int | None,
    typer.Option(min=1, max=_MOST_VIEWS, metavar="N", help="Let it be opened N times."),
]
Follow = Annotated[
    bool,
    typer.Option("--follow", help="Always show the version that is current then."),
]
ShowAuthor = Annotated[
    bool, typer.Option("--author", help="Show the name of the version's author.")
]
AllowSecrets = Annotated[
    bool, typer.Option("--allow-secrets", help="Share it with what seems a secret.")
]
Copy = Annotated[
    bool, typer.Option("--copy", help="Put the link on the clipboard, too.")
]


def share(
    reference: options.Reference,
    expires: Expires = None,
    password: AskPassword = False,
    password_file: options.PasswordFile = None,
    views: Views = None,
    follow: Follow = False,
    author: ShowAuthor = False,
    allow_secrets: AllowSecrets = False,
    copy: Copy = False,
    as_json: options.Json = False,
) -> None:
    """Print a link by which anybody can read a prompt, without an account.

    It shows the current version. NAME@LABEL follows a label, --follow the prompt.
    """
    life = None if expires is None else _life(expires)
    given = read_password(password_file, asked=password, confirm=True)
    # Imported late: completion and --help must not import httpx and pydantic.
    from promptvault.services.shares.share import ShareOptions, share_prompt

    chosen = ShareOptions(follow, life, given, views, allow_secrets, author)
    with _signed_in() as (address, client):
        made = share_prompt(unsynced_workspace(), client, address, reference, chosen)
    if as_json:
        terminal.write_json(rows_sharing.made_row(made))
    else:
        terminal.write(f"{made.url}\n")
    if copy:
        from promptvault.cli.clipboard import copy_text  # few ask for it

        copy_text(made.url)


def _life(text: str) -> int:
    found = _LIFE.fullmatch(text)
    if found is None:
        raise InvalidInputError(f"{text!r} is no time such as 30m, 12h, 7d or 4w.")
    seconds = int(found[1]) * _SECONDS[found[2]]
    if not 0 < seconds <= 366 * 86400:
        raise InvalidInputError("A share is good for a minute to a year.")
    return seconds


@shares.command("list")
def list_shares(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="[NAME]",
            autocompletion=completion.names,
            help="Only of this prompt.",
            show_default=False,
        ),
    ] = None,
    ended: Annotated[
        bool, typer.Option("--ended", help="Those that have ended.")
    ] = False,
    as_json: options.Json = False,
) -> None:
    """List shares, the newest first."""
    from promptvault.services.shares.share import is_of  # as in share

    with _signed_in() as (_, client):
        found = [
            share
            for share in client.shares(ended=ended)
            if name is None or is_of(share, name)
        ]
    if as_json:
        terminal.write_json_rows(map(rows_sharing.share_row, found))
    else:
        render_sharing.print_shares(found)


@shares.command("revoke")
def revoke_shares(
    chosen: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[ID|NAME]...",
            autocompletion=completion.names,
            help="An id from 'shares list', or its start; or a NAME, for all of its.",
        ),
    ] = None,
    every: Annotated[
        bool, typer.Option("--all", help="End all of your shares.")
    ] = False,
    as_json: options.Json = False,
) -> None:
    """End shares for good: from now on, their links show nothing."""
    if bool(chosen) == every:
        raise InvalidInputError("Name the shares to end, or give --all.")
    from promptvault.services.shares.share import find_shares  # as in share

    with _signed_in() as (_, client):
        found = (
            [*client.shares()]
            if every
            else [each for word in chosen or () for each in find_shares(client, word)]
        )
        ended = {share.id: share for share in found}
        for share_id in ended:
            client.revoke_share(share_id)
    if as_json:
        terminal.write_json_rows(map(rows_sharing.share_row, ended.values()))
    else:
        render_sharing.note_ended([*ended.values()])


@contextlib.contextmanager
def _signed_in() -> Iterator[tuple["Address", "Client"]]:
    from promptvault.client.client import connect  # as in share

    session = sessions.get_session(paths(), sessions.get_address(settings()))
    with connect(session.address, session.token) as client:
        yield session.address, client
