"""`login`, `logout`, `whoami` and `devices`."""

import contextlib
import platform
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from promptvault import setting_value
from promptvault.cli import browser, options, terminal
from promptvault.cli.context import paths
from promptvault.cli.render import account as render_account
from promptvault.cli.rows import account as rows_account
from promptvault.cli.rows.hosted import hosted_row
from promptvault.cli.workspace import settings
from promptvault.config import SettingSource
from promptvault.errors import (
    InvalidInputError,
    NotFoundError,
    PromptVaultError,
    UnavailableError,
    UnknownRouteError,
)
from promptvault.services.sync import session as sessions
from promptvault.services.sync.session import Session
from promptvault.setting_key import find_key

if TYPE_CHECKING:
    from promptvault.client.address import Address
    from promptvault.client.client import Client
    from promptvault.wire.device_code import DeviceCodeRead

devices = typer.Typer(no_args_is_help=True, help="List and sign out devices.")

_LONGEST_LABEL = 100


def login(
    server: Annotated[
        str | None,
        typer.Option(metavar="URL", help="The server; stored as 'sync.server'."),
    ] = None,
    token: Annotated[
        str | None,
        typer.Option(
            metavar="TOKEN", help="A token, for machines; '-' reads it from a pipe."
        ),
    ] = None,
    manage: Annotated[
        bool, typer.Option("--manage", help="Also manage teams and billing.")
    ] = False,
    no_browser: Annotated[
        bool, typer.Option("--no-browser", help="Print the address only.")
    ] = False,
    insecure: Annotated[
        bool,
        typer.Option("--insecure", help="Allow http, where others can read the token."),
    ] = False,
    as_json: options.Json = False,
) -> None:
    """Sign in to a server: you approve this device in a browser.

    The token is stored in the keyring, or in a file that only you can read.
    """
    address = sessions.choose_address(settings(), server, insecure=insecure)
    if manage and token is not None:
        raise InvalidInputError(
            "A token has the rights that it was made with: leave '--manage' out."
        )
    opens = not no_browser
    with _require_promptvault(address):
        found = (
            _approved(address, opens=opens, manage=manage)
            if token is None
            else _given(token)
        )
        session = Session(address, setting_value.secret("The token", found))
        with _client(address, session.token) as client:
            me = client.me()
    former = _former(address) if token is None else None
    place = sessions.store_session(paths(), settings(), session)
    if former is not None:
        _revoke_device(former)
    if as_json:
        terminal.write_json(rows_account.account_row(address, me))
    else:
        terminal.note(f"You are signed in to {address.host} as {me.email}.")
    if manage and not me.manages:
        terminal.note(
            "This device may not manage teams: you did not allow it in the browser."
        )
    _note_place(address, place)


@contextlib.contextmanager
def _require_promptvault(address: "Address") -> Iterator[None]:
    """Translate errors for paths that each server has: it is another kind of server."""
    try:
        yield
    except (NotFoundError, UnknownRouteError):
        raise UnavailableError(
            f"There is no PromptVault server at {address.url}: check its address."
        ) from None


def _former(address: "Address") -> Session | None:
    """Return the session that the new one replaces, None if it cannot be read."""
    with contextlib.suppress(PromptVaultError):
        return sessions.find_session(paths(), address)
    return None


def _revoke_device(former: Session) -> None:
    # As in _client.
    from promptvault.services.sync.login import revoke_device_token

    with _client(former.address, former.token) as client:
        revoke_device_token(client)


def _approved(address: "Address", *, opens: bool, manage: bool) -> str:
    """Return the token of this device, after the user has approved it in a browser."""
    from promptvault.services.sync.login import sign_in_by_browser  # as in _client

    def show(code: "DeviceCodeRead") -> None:
        terminal.note(f"Open {code.verification_uri} and enter {code.user_code}")
        if opens and browser.open_page(code.verification_uri_complete):
            terminal.note("It should now be open in your browser.")
        terminal.note("Waiting for you to approve this device… (Ctrl-C to stop)")

    label = _shown(platform.node()) or "unnamed"
    system = _shown(f"{platform.system()} {platform.release()}")
    with _client(address) as client:
        return sign_in_by_browser(client, label, system, manage=manage, show=show)


def _shown(text: str) -> str:
    """Return *text* as the server accepts it: printable, at most 100 characters."""
    return "".join(filter(str.isprintable, text))[:_LONGEST_LABEL].strip()


def _given(token: str) -> str:
    """Return the token of `--token`; for '-' ask for it or read it from a pipe."""
    if token != "-":
        terminal.note(
            "Your shell may store this token in its history; '--token -' reads it from"
            " a pipe."
        )
        return token
    if terminal.can_ask():
        return str(typer.prompt("Token", hide_input=True, err=True))
    return terminal.read_stdin()


def _note_place(address: "Address", place: SettingSource) -> None:
    if place is SettingSource.CREDENTIALS:
        terminal.note(
            "There is no keyring, so the token is in a file that only you can read:"
            f" {paths().credentials}."
        )
    if not (address.is_encrypted or address.is_local):
        terminal.note("The connection is not encrypted: others may read the token.")
    if sessions.is_overridden(settings(), address):
        variable = find_key(sessions.SERVER).variable
        terminal.note(f"{variable} names another server, which takes precedence.")


def logout(
    everywhere: Annotated[
        bool, typer.Option("--all", help="Sign out all of your devices and tokens.")
    ] = False,
    as_json: options.Json = False,
) -> None:
    """Sign out: revoke the token on the server, and delete it here.

    If the server cannot be reached, the token is deleted here and stays valid until it
    expires.
    """
    address = sessions.get_address(settings())
    session = sessions.find_session(paths(), address)
    problem = _sign_out(session, everywhere=everywhere) if session else ""
    sessions.delete_token(paths(), address)
    if problem and everywhere:
        raise UnavailableError(f"You are signed out on this device only: {problem}")
    if as_json:
        terminal.write_json(
            {
                "server": address.url,
                "was_signed_in": session is not None,
                "is_revoked": session is not None and not problem,
            }
        )
    else:
        _note_end(address, session, problem)


def _sign_out(session: Session, *, everywhere: bool) -> str:
    from promptvault.services.sync.login import sign_out  # as in _client

    with _client(session.address, session.token) as client:
        return sign_out(client, everywhere=everywhere)


def _note_end(address: "Address", session: Session | None, problem: str) -> None:
    if session is None:
        terminal.note(f"You were not signed in to {address.host}.")
    elif problem:
        terminal.note(
            f"You are signed out here, but the token was not revoked: {problem} It is"
            " valid until it expires, or until 'devices revoke' on another device."
        )
    else:
        terminal.note(f"You are signed out of {address.host}.")


def whoami(as_json: options.Json = False) -> None:
    """Show who is signed in, the limits of the plan, and the usage."""
    session = _session()
    with _client(session.address, session.token) as client:
        me = client.me()
        hosted = client.ai_usage() if "ai" in me.features else None
    if as_json:
        row = rows_account.account_row(session.address, me)
        terminal.write_json(row | {"hosted": hosted_row(hosted)})
    else:
        render_account.account(session.address, me, hosted)


@devices.command("list")
def list_devices(as_json: options.Json = False) -> None:
    """List what is signed in as you: devices, and tokens of machines."""
    session = _session()
    with _client(session.address, session.token) as client:
        found = client.signed_in()
    if as_json:
        terminal.write_json_rows(map(rows_account.signed_in_row, found))
    else:
        render_account.signed_in(found)


@devices.command("revoke")
def revoke_device(
    start: Annotated[
        str,
        typer.Argument(metavar="ID", help="The id from 'devices list', or its start."),
    ],
    as_json: options.Json = False,
) -> None:
    """Sign a device or a machine out; its vault stays on it."""
    from promptvault.services.sync.login import find_signed_in  # as in _client

    session = _session()
    with _client(session.address, session.token) as client:
        ended = find_signed_in(client, start)
        client.sign_out(ended.id)
    if ended.is_current:
        sessions.delete_token(paths(), session.address)
    if as_json:
        terminal.write_json(rows_account.signed_in_row(ended))
    else:
        terminal.note(f"{ended.label} is signed out.")


def _session() -> Session:
    return sessions.get_session(paths(), sessions.get_address(settings()))


def _client(address: "Address", token: str | None = None) -> "Client":
    from promptvault.client.client import connect  # httpx: not for --help

    return connect(address, token)
