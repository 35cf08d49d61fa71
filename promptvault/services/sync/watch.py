"""`sync --watch`: syncing whenever the vault or the server's vault changes."""

import contextlib
import sqlite3
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from promptvault.client.client import Client
from promptvault.client.event_listener import EventListener
from promptvault.errors import PromptVaultError, RateLimitedError, UnavailableError
from promptvault.home import PERSONAL
from promptvault.paths import Paths
from promptvault.services.locking import locked
from promptvault.services.sync.device_sync import DeviceReport
from promptvault.services.vaults.local import in_vault, vault_names
from promptvault.services.workspace import Workspace
from promptvault.vault.database import open_read_only
from promptvault.vault.sync.pending import is_ahead
from promptvault.vault.sync.team import find_team
from promptvault.wire.event import RosterEvent

_TICK_SECONDS = 0.1
"""Interval at which the vault is polled, by a query that reads no page of it."""
_LONGEST_BACKOFF_SECONDS = 30.0
_JOIN_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class WatchCallbacks:
    """Functions that are called while vaults are watched."""

    sync: Callable[[str | None], DeviceReport]
    """Syncs once: the vault with this name, or all if None."""
    on_report: Callable[[DeviceReport], None]
    """Called after each sync."""
    on_unreachable: Callable[[PromptVaultError], None]
    """Called once when the server stops answering."""


def watch(
    workspace: Workspace,
    client: Client,
    callbacks: WatchCallbacks,
    only: str | None = None,
) -> None:
    """Sync now, and again after each change of a vault or of the server's.

    With *only* it is one vault, else all. *client* receives the server's events.
    UnavailableError and RateLimitedError are retried; any other error is raised.
    """
    with locked(in_vault(workspace, only or PERSONAL)):
        pass  # creates the vault if there is none
    with (
        _VaultMonitors(workspace.paths, only) as monitors,
        _ServerListener(client) as listener,
    ):
        _Watch(callbacks, monitors, listener).run()


class _Backoff:
    """The seconds to wait before each further attempt: they double up to 30."""

    def __init__(self) -> None:
        self._next = 1.0

    def reset(self) -> None:
        self._next = 1.0

    def take(self, error: PromptVaultError | None = None) -> float:
        """Return the next wait, at least as long as the server asks for in *error*."""
        least = error.retry_after if isinstance(error, RateLimitedError) else None
        wait, self._next = self._next, min(self._next * 2, _LONGEST_BACKOFF_SECONDS)
        return max(wait, least or 0)


class _Watch:
    """The loop that waits for changes and syncs."""

    def __init__(
        self,
        callbacks: WatchCallbacks,
        monitors: "_VaultMonitors",
        listener: "_ServerListener",
    ) -> None:
        self._callbacks, self._monitors, self._listener = callbacks, monitors, listener
        self._backoff = _Backoff()
        self._next_poll = time.monotonic()
        """When to sync if no event can be received."""
        self._is_unreachable = False
        self._positions: dict[str, tuple[str, int]] = {}
        """By name of a vault, its id on the server, and the `seq` up to which it was
        read."""
        self._roster: int | None = None
        """The roster that the vaults were last compared with."""

    def run(self) -> None:
        while True:
            if due := self._due():
                self._sync(due)
            self._listener.news.wait(_TICK_SECONDS)

    def _due(self) -> set[str]:
        """Return the names of the vaults to sync."""
        due = self._moved()
        # Always called, so that the same change is not reported twice.
        due |= self._monitors.changed()
        return self._monitors.names if self._must_poll() else due

    def _must_poll(self) -> bool:
        """Return True if the server sends no events, and it is time to ask it."""
        has_events = self._listener.is_listening and not self._is_unreachable
        return not has_events and time.monotonic() >= self._next_poll

    def _moved(self) -> set[str]:
        """Return the vaults of which the server has something newer, or went back.

        It is all if their teams have changed, or if the server is back.
        """
        if not self._listener.news.is_set():
            return set()
        self._listener.news.clear()
        if self._listener.error:
            raise self._listener.error
        # A lower number may only be a late event, from before the last push.
        syncs_all = self._listener.take_syncs_all()
        syncs_all |= self._listener.roster not in {None, self._roster}
        if syncs_all or self._is_unreachable or not self._positions:
            return self._monitors.names
        last = self._listener.last_seq
        return {
            name
            for name, (vault, seq) in self._positions.items()
            if last.get(vault, seq) > seq
        }

    def _sync(self, due: set[str]) -> None:
        only = self._monitors.only
        if only is None and len(due) == 1:
            (only,) = due
        try:
            report = self._callbacks.sync(only)
        except (UnavailableError, RateLimitedError) as error:
            self._next_poll = time.monotonic() + self._backoff.take(error)
            if not self._is_unreachable:
                self._callbacks.on_unreachable(error)
            self._is_unreachable = True
            return
        self._is_unreachable = False
        self._note_positions(report)
        self._callbacks.on_report(report)
        self._listener.start()
        if self._listener.is_listening:
            self._backoff.reset()
        self._next_poll = time.monotonic() + self._backoff.take()

    def _note_positions(self, report: DeviceReport) -> None:
        if report.roster is not None:
            self._roster = report.roster
        for outcome in report.vaults:
            if link := outcome.report.status.link:
                self._positions[outcome.name] = link.vault, link.seq
        names = self._monitors.names
        self._positions = {
            name: at for name, at in self._positions.items() if name in names
        }


class _VaultMonitors:
    """Notices changes that other processes make in the vaults."""

    def __init__(self, paths: Paths, only: str | None) -> None:
        self._paths, self.only = paths, only
        self._monitors: dict[str, _VaultMonitor] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for monitor in self._monitors.values():
            monitor.close()

    @property
    def names(self) -> set[str]:
        """The names of the watched vaults: a sync makes, renames and deletes some."""
        return {self.only} if self.only else {*vault_names(self._paths)}

    def changed(self) -> set[str]:
        """Return the vaults that have changed and have something to send."""
        names = self.names
        for name in self._monitors.keys() - names:
            self._monitors.pop(name).close()
        for name in names - self._monitors.keys():
            self._monitors[name] = _VaultMonitor(self._paths.of(name))
        return {
            name
            for name, monitor in self._monitors.items()
            if monitor.has_new_changes()
        }


class _VaultMonitor:
    """Notices changes that other processes make in one vault."""

    def __init__(self, paths: Paths) -> None:
        self._paths = paths
        self._connection: sqlite3.Connection | None = None
        self._file: object = None
        self._seen: object = None

    def close(self) -> None:
        """Close the connection."""
        if self._connection:
            self._connection.close()

    def has_new_changes(self) -> bool:
        """Return True if the vault has changed and has something to send."""
        connection = self._open()
        (version,) = connection.execute("PRAGMA main.data_version").fetchone()
        if version == self._seen:
            return False
        self._seen = version
        team = find_team(connection)
        return is_ahead(connection) and not (team and team.has_left)

    def _open(self) -> sqlite3.Connection:
        """Return a connection; open a new one if the file was replaced by a backup."""
        file = _identity(self._paths.database)
        if self._connection is None or file != self._file:
            if self._connection:
                self._connection.close()
            self._connection = open_read_only(self._paths.database, self._paths.usage)
            self._file, self._seen = file, None
        return self._connection


def _identity(path: Path) -> object:
    with contextlib.suppress(OSError):
        status = path.stat()
        return status.st_dev, status.st_ino
    return None


@dataclass(slots=True)
class _ServerListener:
    """Receives the server's events in a thread, and reconnects after an error."""

    client: Client
    news: threading.Event = field(default_factory=threading.Event)
    """Set after an event."""
    last_seq: dict[str, int] = field(default_factory=dict)
    """By vault, the `seq` of its last event."""
    syncs_all: bool = False
    """Whether an event had a lower `seq` than the one before: then every vault must be
    synced.
    """
    roster: int | None = None
    """The number in the last event about the roster."""
    is_listening: bool = False
    error: PromptVaultError | None = None
    """The error that ended the thread."""
    _events: EventListener | None = None
    _thread: threading.Thread | None = None
    _is_closed: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._is_closed.set()
        if self._events:
            self._events.close()
        if self._thread:
            # A connection that is still being made cannot be shut down. The process
            # must not wait for it.
            self._thread.join(_JOIN_SECONDS)

    def start(self) -> None:
        """Start the thread, unless it is running."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, daemon=True)
            self._thread.start()

    def take_syncs_all(self) -> bool:
        """Return `syncs_all` and reset it."""
        syncs_all, self.syncs_all = self.syncs_all, False
        return syncs_all

    def _run(self) -> None:
        backoff = _Backoff()
        while not self._is_closed.is_set():
            try:
                self._receive(backoff)
            except (UnavailableError, RateLimitedError) as error:
                self.is_listening = False
                self._is_closed.wait(backoff.take(error))
            except PromptVaultError as error:
                self.error = error
                self.news.set()
                return

    def _receive(self, backoff: _Backoff) -> None:
        with self.client.events() as events:
            self._events = events
            if self._is_closed.is_set():
                return  # `__exit__` ran before it could close this one
            for event in events:
                backoff.reset()
                self.is_listening = True
                if isinstance(event, RosterEvent):
                    self.roster = event.roster
                else:
                    vault = str(event.vault)
                    self.syncs_all |= event.seq < self.last_seq.get(vault, 0)
                    self.last_seq[vault] = event.seq
                self.news.set()
