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
from promptvault.services.locking import locked
from promptvault.services.sync.rounds import SyncReport
from promptvault.services.workspace import Workspace
from promptvault.vault.database import open_read_only
from promptvault.vault.sync.pending import is_ahead

_TICK_SECONDS = 0.1
"""Interval at which the vault is polled, by a query that reads no page of it."""
_LONGEST_BACKOFF_SECONDS = 30.0
_JOIN_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class WatchCallbacks:
    """Functions that are called while a vault is watched."""

    sync: Callable[[], SyncReport]
    """Syncs once."""
    on_report: Callable[[SyncReport], None]
    """Called after each sync."""
    on_unreachable: Callable[[PromptVaultError], None]
    """Called once when the server stops answering."""


def watch(workspace: Workspace, client: Client, callbacks: WatchCallbacks) -> None:
    """Sync now, and again after each change of the vault or of the server's.

    *client* receives the server's events. UnavailableError and RateLimitedError are
    retried; any other error is raised.
    """
    with locked(workspace):
        pass  # creates the vault if there is none
    with _VaultMonitor(workspace) as monitor, _ServerListener(client) as listener:
        _Watch(callbacks, monitor, listener).run()


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
        monitor: "_VaultMonitor",
        listener: "_ServerListener",
    ) -> None:
        self._callbacks, self._monitor, self._listener = callbacks, monitor, listener
        self._backoff = _Backoff()
        self._next_poll = time.monotonic()
        """When to sync if no event can be received."""
        self._is_unreachable = False
        self._position: tuple[str, int] | None = None
        """The server's vault, and the `seq` up to which it was read."""

    def run(self) -> None:
        while True:
            if self._is_due():
                self._sync()
            self._listener.news.wait(_TICK_SECONDS)

    def _is_due(self) -> bool:
        has_event = self._has_relevant_event()
        # Always called, so that the same change is not reported twice.
        has_changed = self._monitor.has_new_changes()
        return has_event or has_changed or self._must_poll()

    def _must_poll(self) -> bool:
        """Return True if the server sends no events, and it is time to ask it."""
        has_events = self._listener.is_listening and not self._is_unreachable
        return not has_events and time.monotonic() >= self._next_poll

    def _has_relevant_event(self) -> bool:
        """Return True if the server has something newer, went back, or is back."""
        if not self._listener.news.is_set():
            return False
        self._listener.news.clear()
        if self._listener.error:
            raise self._listener.error
        if self._is_unreachable or self._position is None:
            return True
        vault, seq = self._position
        # A lower number may only be a late event, from before the last push.
        went_back = self._listener.take_went_back()
        return went_back or self._listener.last_seq.get(vault, seq) > seq

    def _sync(self) -> None:
        try:
            report = self._callbacks.sync()
        except (UnavailableError, RateLimitedError) as error:
            self._next_poll = time.monotonic() + self._backoff.take(error)
            if not self._is_unreachable:
                self._callbacks.on_unreachable(error)
            self._is_unreachable = True
            return
        self._is_unreachable = False
        link = report.status.link
        self._position = (link.vault, link.seq) if link else None
        self._callbacks.on_report(report)
        self._listener.start()
        if self._listener.is_listening:
            self._backoff.reset()
        self._next_poll = time.monotonic() + self._backoff.take()


class _VaultMonitor:
    """Notices changes that other processes make in the vault."""

    def __init__(self, workspace: Workspace) -> None:
        self._paths = workspace.paths
        self._connection: sqlite3.Connection | None = None
        self._file: object = None
        self._seen: object = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._connection:
            self._connection.close()

    def has_new_changes(self) -> bool:
        """Return True if the vault has changed and has something to send."""
        connection = self._open()
        (version,) = connection.execute("PRAGMA main.data_version").fetchone()
        if version == self._seen:
            return False
        self._seen = version
        return is_ahead(connection)

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
    went_back: bool = False
    """Whether an event had a lower `seq` than the one before."""
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

    def take_went_back(self) -> bool:
        """Return `went_back` and reset it."""
        went_back, self.went_back = self.went_back, False
        return went_back

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
                vault = str(event.vault)
                self.went_back |= event.seq < self.last_seq.get(vault, 0)
                self.last_seq[vault] = event.seq
                self.news.set()
