"""`sync`: sending what has changed here, and taking in what others have changed."""

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from promptvault.cli import options, progress_sync, terminal
from promptvault.cli.context import now, paths
from promptvault.cli.render import sync as render_sync
from promptvault.cli.rows import sync as rows_sync
from promptvault.cli.workspace import settings, unsynced_workspace
from promptvault.domain.timestamp import to_text
from promptvault.errors import (
    InvalidInputError,
    PromptVaultError,
    TierLimitError,
)
from promptvault.services.sync import session as sessions
from promptvault.services.sync.session import Session
from promptvault.services.sync.sync_record import last_sync
from promptvault.vault.sync.item import PLAN_HOLDS

if TYPE_CHECKING:
    from promptvault.client.client import Client
    from promptvault.services.sync.rounds import SyncReport
    from promptvault.services.sync.run import Order, Tell
    from promptvault.vault.sync.status import Standing

sync = typer.Typer(help="Sync with your other devices, through a server.")

Relink = Annotated[
    bool,
    typer.Option(
        "--relink", help="Go on with another server: it is offered everything anew."
    ),
]
Retry = Annotated[
    bool,
    typer.Option("--retry", help="Try what was held back again, but no secrets."),
]
_LONG_PAUSE_SECONDS = 5

Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Tell of errors only.")]


@sync.callback(invoke_without_command=True)
def both_ways(
    context: typer.Context,
    watch: Annotated[
        bool,
        typer.Option("--watch", help="Stay, and sync whenever something changes."),
    ] = False,
    relink: Relink = False,
    retry: Retry = False,
    quiet: Quiet = False,
    background: Annotated[bool, typer.Option("--background", hidden=True)] = False,
    as_json: options.Json = False,
) -> None:
    """Sync with your other devices, through a server: both ways, at once.

    What two devices changed is merged; what cannot be is kept, both of it: see
    'conflicts'. With 'sync.auto' set to true, every change is synced by itself.
    """
    if context.invoked_subcommand:
        if watch or relink or retry or quiet or as_json:
            raise InvalidInputError("Put the options behind the subcommand.")
    elif background:
        _sync_in_background()
    elif watch:
        order = _order(relink=relink, retry=retry)
        _watch(order, quiet=quiet, as_json=as_json)
    else:
        order = _order(relink=relink, retry=retry)
        _report(_sync(order, quiet=quiet), quiet=quiet, as_json=as_json)


@sync.command("push")
def push(
    relink: Relink = False,
    retry: Retry = False,
    quiet: Quiet = False,
    as_json: options.Json = False,
) -> None:
    """Send what has changed here; what others changed meanwhile may come along."""
    order = _order(pull=False, relink=relink, retry=retry)
    _report(_sync(order, quiet=quiet), quiet=quiet, as_json=as_json)


@sync.command("pull")
def pull(
    relink: Relink = False, quiet: Quiet = False, as_json: options.Json = False
) -> None:
    """Take in what others have changed; nothing is sent."""
    report = _sync(_order(push=False, relink=relink), quiet=quiet)
    _tell(report, quiet=quiet, as_json=as_json)


@sync.command("status")
def status(as_json: options.Json = False) -> None:
    """Show what is to be sent, in conflict or held back; no server is asked."""
    from promptvault.services.sync.run import where_it_stands  # as in _sync

    standing = where_it_stands(unsynced_workspace())
    chosen = settings()
    server = standing.link.server if standing.link else chosen[sessions.SERVER].value
    is_signed_in = sessions.is_signed_in(paths(), chosen)
    last = last_sync(paths().sync_record)
    if as_json:
        row = rows_sync.status_row(standing, server, is_signed_in, last)
        terminal.write_json(row)
    else:
        render_sync.status(standing, server, is_signed_in, last, now())


def _order(
    *,
    push: bool = True,
    pull: bool = True,
    relink: bool = False,
    retry: bool = False,
) -> "Order":
    from promptvault.services.sync.rounds import Direction
    from promptvault.services.sync.run import Order  # as in _sync

    return Order(Direction(push, pull), relink, retry)


def _sync(order: "Order", *, quiet: bool) -> "SyncReport":
    # httpx and pydantic: Tab and --help are quick without them.
    from promptvault.services.sync.run import sync_once

    with _signed_in() as (session, client), _telling(quiet) as tell:
        return sync_once(unsynced_workspace(), client, session.address, order, tell)


@contextlib.contextmanager
def _signed_in() -> Iterator[tuple[Session, "Client"]]:
    from promptvault.client.client import connect  # as in _sync

    session = _session()
    with connect(session.address, session.token) as client:
        yield session, client


def _session() -> Session:
    return sessions.get_session(paths(), sessions.get_address(settings()))


@contextlib.contextmanager
def _telling(quiet: bool) -> Iterator["Tell"]:
    from promptvault.services.sync.run import Tell  # as in _sync

    def tell(message: str) -> None:
        if not quiet:
            terminal.note(message)

    def tell_pause(seconds: float) -> None:
        if seconds >= _LONG_PAUSE_SECONDS:
            tell(f"The server is busy; trying again in {seconds:.0f} seconds…")

    with progress_sync.shown(wanted=not quiet) as progress:
        yield Tell(
            progress,
            other_sync=lambda: tell("Waiting for another sync to finish…"),
            pause=tell_pause,
        )


def _report(report: "SyncReport", *, quiet: bool, as_json: bool) -> None:
    """Tell of a sync, and end with the code for what did not fit the plan."""
    _tell(report, quiet=quiet, as_json=as_json)
    if PLAN_HOLDS & report.standing.held.keys():
        if quiet:
            render_sync.over_limit(report.standing)
        raise typer.Exit(TierLimitError.exit_code)


def _tell(report: "SyncReport", *, quiet: bool, as_json: bool) -> None:
    if as_json:
        terminal.write_json(rows_sync.report_row(report))
    elif not quiet:
        render_sync.report(report)


def _sync_in_background() -> None:
    """Sync for a command that has ended; what goes wrong stands in the log."""
    from promptvault.services.sync.background import turn
    from promptvault.services.sync.run import Tell, sync_in_turn  # as in _sync

    try:
        with turn(paths()) as is_mine:
            if is_mine:
                with _signed_in() as (session, client):
                    at = session.address
                    sync_in_turn(unsynced_workspace(), client, at, _order(), Tell())
    except PromptVaultError as error:
        terminal.note(f"{to_text(now())} sync: {error}")
        raise typer.Exit(error.exit_code) from None


def _watch(first: "Order", *, quiet: bool, as_json: bool) -> None:
    from promptvault.services.sync.run import sync_once  # as in _sync
    from promptvault.services.sync.watch import Watcher, watch

    teller = _Teller(quiet=quiet, as_json=as_json)
    order = first
    with _signed_in() as (session, client):

        def sync() -> "SyncReport":
            nonlocal order
            with _telling(quiet) as tell:
                at = session.address
                report = sync_once(unsynced_workspace(), client, at, order, tell)
            order = _order()  # what was asked for once is done once
            return report

        watcher = Watcher(sync, teller.tell, teller.tell_away)
        watch(unsynced_workspace(), client, watcher)


class _Teller:
    """Tells of the syncs of a vault that is watched: the first, and those with news."""

    def __init__(self, *, quiet: bool, as_json: bool) -> None:
        self._quiet, self._as_json = quiet, as_json
        self._before: Standing | None = None
        self._is_away = False

    def tell(self, report: "SyncReport") -> None:
        """Tell of a sync."""
        if self._is_away and not self._quiet:
            terminal.note("Connected again.")
        self._is_away = False
        before, self._before = self._before, report.standing
        if before and not render_sync.has_news(report, before):
            return
        if self._as_json:
            terminal.write_json_rows([rows_sync.report_row(report)], lines=True)
            terminal.flush()
        elif not self._quiet:
            render_sync.news(report, before, now())

    def tell_away(self, error: PromptVaultError) -> None:
        """Tell that the server does not answer."""
        self._is_away = True
        if not self._quiet:
            terminal.note(f"{error} This goes on as soon as it answers.")
