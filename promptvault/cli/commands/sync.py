"""`sync`: sending local changes, and applying those of other devices."""

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from promptvault.cli import options, progress_sync, terminal
from promptvault.cli.context import chosen_vault, now, paths
from promptvault.cli.everywhere import end
from promptvault.cli.render import sync as render_sync
from promptvault.cli.rows import sync as rows_sync
from promptvault.cli.workspace import settings, unsynced_workspace
from promptvault.domain.timestamp import to_text
from promptvault.errors import (
    InvalidInputError,
    PromptVaultError,
    TierLimitError,
)
from promptvault.home import PERSONAL
from promptvault.services.sync import session as sessions
from promptvault.services.sync.last_sync import read_last_sync
from promptvault.services.sync.payment_note import is_due
from promptvault.services.sync.session import Session
from promptvault.vault.sync.item import PLAN_HOLDS
from promptvault.vault.sync.status import total_status

if TYPE_CHECKING:
    from promptvault.client.client import Client
    from promptvault.services.sync.device_sync import DeviceReport
    from promptvault.services.sync.run import SyncCallbacks, SyncOptions
    from promptvault.vault.sync.status import SyncStatus

sync = typer.Typer(help="Sync with your other devices, through a server.")

Relink = Annotated[
    bool,
    typer.Option("--relink", help="Link to another server, and send it every prompt."),
]
Retry = Annotated[
    bool,
    typer.Option(
        "--retry", help="Send what was held back again, except likely secrets."
    ),
]
_LONG_WAIT_SECONDS = 5

Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print errors only.")]


@sync.callback(invoke_without_command=True)
def both_ways(
    context: typer.Context,
    watch: Annotated[
        bool,
        typer.Option("--watch", help="Keep running, and sync after each change."),
    ] = False,
    relink: Relink = False,
    retry: Retry = False,
    quiet: Quiet = False,
    background: Annotated[bool, typer.Option("--background", hidden=True)] = False,
    as_json: options.Json = False,
) -> None:
    """Sync with your other devices, through a server: send and receive changes.

    A prompt that two devices changed is merged. If it cannot be merged, both texts are
    kept: see 'conflicts'. If 'sync.auto' is true, every change is synced automatically.
    """
    if context.invoked_subcommand:
        if watch or relink or retry or quiet or as_json:
            raise InvalidInputError("Put the options after the subcommand.")
    elif background:
        _sync_in_background()
    elif watch:
        chosen = _options(relink=relink, retry=retry)
        _watch(chosen, quiet=quiet, as_json=as_json)
    else:
        chosen = _options(relink=relink, retry=retry)
        _report(_sync(chosen, quiet=quiet), quiet=quiet, as_json=as_json)


@sync.command("push")
def push(
    relink: Relink = False,
    retry: Retry = False,
    quiet: Quiet = False,
    as_json: options.Json = False,
) -> None:
    """Send local changes; some changes of other devices may be received too."""
    chosen = _options(pull=False, relink=relink, retry=retry)
    _report(_sync(chosen, quiet=quiet), quiet=quiet, as_json=as_json)


@sync.command("pull")
def pull(
    relink: Relink = False,
    quiet: Quiet = False,
    as_json: options.Json = False,
) -> None:
    """Receive the changes of other devices; send nothing."""
    chosen = _options(push=False, relink=relink)
    report = _sync(chosen, quiet=quiet)
    _print_report(report, quiet=quiet, as_json=as_json)
    end(_error_codes(report))


@sync.command("status")
def status(as_json: options.Json = False) -> None:
    """Show the changes to send, the changes held back, and the conflicts, offline."""
    from promptvault.services.sync.run import read_status  # as in _sync

    workspace = unsynced_workspace()
    found = read_status(workspace)
    chosen = settings()
    server = found.link.server if found.link else chosen[sessions.SERVER].value
    is_signed_in = sessions.is_signed_in(paths(), chosen)
    last = read_last_sync(workspace.paths.sync_record)
    if as_json:
        row = rows_sync.status_row(found, server, is_signed_in, last)
        terminal.write_json(row)
    else:
        render_sync.status(found, server, is_signed_in, last, now())


def _options(
    *,
    push: bool = True,
    pull: bool = True,
    relink: bool = False,
    retry: bool = False,
) -> "SyncOptions":
    """Return the options of a sync of the chosen vault, or of all if none is chosen."""
    from promptvault.services.sync.rounds import Direction
    from promptvault.services.sync.run import SyncOptions  # as in _sync

    return SyncOptions(Direction(push, pull), relink, retry, chosen_vault())


def _sync(chosen: "SyncOptions", *, quiet: bool) -> "DeviceReport":
    # Imported late: completion and --help must not import httpx and pydantic.
    from promptvault.services.sync.run import sync_once

    with signed_in() as (session, client), _callbacks(quiet) as callbacks:
        own = unsynced_workspace(PERSONAL)
        return sync_once(own, client, session.address, chosen, callbacks)


def sync_after() -> None:
    """Sync all vaults after the user's teams have changed; an error is only noted."""
    try:
        report = _sync(_options()._replace(vault=None), quiet=True)
        render_sync.vaults(report, quiet=True)
    except PromptVaultError as error:
        terminal.note(f"Not synced yet: {error} Run 'promptvault sync' later.")


@contextlib.contextmanager
def signed_in() -> Iterator[tuple[Session, "Client"]]:
    """Yield the session and requests to its server; raise AuthenticationError."""
    from promptvault.client.client import connect  # as in _sync

    session = _session()
    with connect(session.address, session.token) as client:
        yield session, client


def _session() -> Session:
    return sessions.get_session(paths(), sessions.get_address(settings()))


@contextlib.contextmanager
def _callbacks(quiet: bool) -> Iterator["SyncCallbacks"]:
    from promptvault.services.sync.run import SyncCallbacks  # as in _sync

    def note(message: str) -> None:
        if not quiet:
            terminal.note(message)

    def note_wait(seconds: float) -> None:
        if seconds >= _LONG_WAIT_SECONDS:
            note(f"The server is busy; trying again in {seconds:.0f} seconds…")

    with progress_sync.shown(wanted=not quiet) as progress:
        yield SyncCallbacks(
            progress,
            on_other_sync=lambda: note("Waiting for another sync to finish…"),
            on_wait=note_wait,
        )


def _report(report: "DeviceReport", *, quiet: bool, as_json: bool) -> None:
    """Print a report, and exit with an error code if something exceeds the plan."""
    _print_report(report, quiet=quiet, as_json=as_json)
    codes = _error_codes(report)
    if PLAN_HOLDS & report.status.held.keys():
        if quiet:
            render_sync.over_limit(report.status)
        codes.add(TierLimitError.exit_code)
    end(codes)


def _error_codes(report: "DeviceReport") -> set[int]:
    return {each.error.exit_code for each in report.vaults if each.error}


def _print_report(report: "DeviceReport", *, quiet: bool, as_json: bool) -> None:
    if as_json:
        terminal.write_json(rows_sync.device_row(report))
    render_sync.vaults(report, quiet=quiet)
    if not as_json and not quiet:
        render_sync.report(report)
    _note_payment(report, quiet=quiet)


def _note_payment(report: "DeviceReport", *, quiet: bool) -> None:
    """Print once a day that a payment has failed."""
    if not quiet and is_due(paths().payment_note, report.pay_by, now()):
        render_sync.failed_payment(report)


def _sync_in_background() -> None:
    """Sync a vault for a command that has ended; errors go to the log."""
    from promptvault.services.sync.background import background_turn
    from promptvault.services.sync.run import SyncCallbacks, sync_held  # as in _sync

    try:
        workspace, chosen = unsynced_workspace(), _options()
        with background_turn(workspace.paths) as held:
            if held:
                with signed_in() as (session, client):
                    at, silent = session.address, SyncCallbacks()
                    sync_held(workspace, client, at, chosen, silent, held)
    except PromptVaultError as error:
        terminal.note(f"{to_text(now())} sync: {error}")
        raise typer.Exit(error.exit_code) from None


def _watch(first: "SyncOptions", *, quiet: bool, as_json: bool) -> None:
    from promptvault.services.sync.run import sync_once  # as in _sync
    from promptvault.services.sync.watch import WatchCallbacks, watch

    printer = _WatchPrinter(quiet=quiet, as_json=as_json)
    own, chosen = unsynced_workspace(PERSONAL), first
    with signed_in() as (session, client):

        def sync(vault: str | None) -> "DeviceReport":
            nonlocal chosen
            with _callbacks(quiet) as callbacks:
                at, now = session.address, chosen._replace(vault=vault)
                report = sync_once(own, client, at, now, callbacks)
            chosen = _options()  # --relink and --retry apply to the first sync only
            return report

        callbacks = WatchCallbacks(sync, printer.print_report, printer.note_unreachable)
        watch(own, client, callbacks, first.vault)


class _WatchPrinter:
    """Prints the reports of `sync --watch`: the first, and those with news."""

    def __init__(self, *, quiet: bool, as_json: bool) -> None:
        self._quiet, self._as_json = quiet, as_json
        self._before: SyncStatus | None = None
        self._statuses: dict[str, SyncStatus] = {}
        """By name of a vault, its status after its last sync."""
        self._is_unreachable = False

    def print_report(self, report: "DeviceReport") -> None:
        """Print the report of one sync, if it has news."""
        if self._is_unreachable and not self._quiet:
            terminal.note("Connected again.")
        self._is_unreachable = False
        _note_payment(report, quiet=self._quiet)
        report.status = self._status(report)
        before, self._before = self._before, report.status
        if before and not render_sync.has_news(report, before):
            return
        if self._as_json:
            terminal.write_json_rows([rows_sync.device_row(report)], lines=True)
            terminal.flush()
        render_sync.vaults(report, quiet=self._quiet)
        if not self._as_json and not self._quiet:
            render_sync.news(report, before, now())

    def _status(self, report: "DeviceReport") -> "SyncStatus":
        """Return the status of all vaults: a report may be of one of them."""
        self._statuses |= {each.name: each.report.status for each in report.vaults}
        names = sorted(self._statuses, key=lambda name: (name != PERSONAL, name))
        return total_status(self._statuses[name] for name in names)

    def note_unreachable(self, error: PromptVaultError) -> None:
        """Print that the server does not answer."""
        self._is_unreachable = True
        if not self._quiet:
            terminal.note(f"{error} Sync continues as soon as the server answers.")
