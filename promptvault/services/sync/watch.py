"""Keeping a vault and its server equal for as long as somebody wants it."""

import contextlib
import sqlite3
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from promptvault.client.client import Client
from promptvault.client.listening import Listener
from promptvault.errors import PromptVaultError, RateLimitedError, UnavailableError
from promptvault.services.locking import locked
from promptvault.services.sync.rounds import SyncReport
from promptvault.services.workspace import Workspace
from promptvault.vault.database import open_read_only
from promptvault.vault.sync.change import is_ahead

_TICK_SECONDS = 0.1
"""How often the vault is looked at: a query that reads no page of it."""
_LONGEST_PAUSE_SECONDS = 30.0
_LEAVING_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Watcher:
    """What is done while a vault is watched."""

    sync: Callable[[], SyncReport]
    tell: Callable[[SyncReport], None]
    tell_away: Callable[[PromptVaultError], None]
    """Called once when the server does not answer any more."""


def watch(workspace: Workspace, client: Client, watcher: Watcher) -> None:
    """Sync now, and then whenever this vault or the server's changes.

    *client* hears what the server tells. A server that is away is waited for; every
    other error is raised.
    """
    with locked(workspace):
        pass  # so that there is a vault to look at
    with _Eyes(workspace) as eyes, _Ears(client) as ears:
        _Watch(watcher, eyes, ears).run()


class _Pauses:
    """The seconds to wait before each further try: longer and longer."""

    def __init__(self) -> None:
        self._next = 1.0

    def reset(self) -> None:
        self._next = 1.0

    def take(self, error: PromptVaultError | None = None) -> float:
        told = error.retry_after if isinstance(error, RateLimitedError) else None
        pause, self._next = self._next, min(self._next * 2, _LONGEST_PAUSE_SECONDS)
        return max(pause, told or 0)


class _Watch:
    """A vault that is watched."""

    def __init__(self, watcher: Watcher, eyes: "_Eyes", ears: "_Ears") -> None:
        self._watcher, self._eyes, self._ears = watcher, eyes, ears
        self._pauses = _Pauses()
        self._next_try = time.monotonic()
        """When to ask a server that does not tell."""
        self._is_away = False
        self._place: tuple[str, int] | None = None
        """The vault on the server, and how far it was read."""

    def run(self) -> None:
        while True:
            if self._is_due():
                self._sync()
            self._ears.news.wait(_TICK_SECONDS)

    def _is_due(self) -> bool:
        is_told = self._is_told()
        # Looked at each time, so that a change is not seen twice.
        has_changed = self._eyes.see_changes()
        return is_told or has_changed or self._is_overdue()

    def _is_overdue(self) -> bool:
        """Whether to ask a server that is away, or cannot be heard."""
        is_heard = self._ears.is_listening and not self._is_away
        return not is_heard and time.monotonic() >= self._next_try

    def _is_told(self) -> bool:
        """Whether the server has something newer, or went back, or is there again."""
        if not self._ears.news.is_set():
            return False
        self._ears.news.clear()
        if self._ears.error:
            raise self._ears.error
        if self._is_away or self._place is None:
            return True
        vault, seq = self._place
        # A lower number may only be late: from before what was just sent.
        return self._ears.take_setback() or self._ears.heard.get(vault, seq) > seq

    def _sync(self) -> None:
        try:
            report = self._watcher.sync()
        except (UnavailableError, RateLimitedError) as error:
            self._next_try = time.monotonic() + self._pauses.take(error)
            if not self._is_away:
                self._watcher.tell_away(error)
            self._is_away = True
            return
        self._is_away = False
        link = report.standing.link
        self._place = (link.vault, link.seq) if link else None
        self._watcher.tell(report)
        self._ears.listen()
        if self._ears.is_listening:
            self._pauses.reset()
        self._next_try = time.monotonic() + self._pauses.take()


class _Eyes:
    """Sees what other processes change in the vault."""

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

    def see_changes(self) -> bool:
        """Tell whether something is to be sent that was not there before."""
        connection = self._open()
        (version,) = connection.execute("PRAGMA main.data_version").fetchone()
        if version == self._seen:
            return False
        self._seen = version
        return is_ahead(connection)

    def _open(self) -> sqlite3.Connection:
        """Return the vault; a restored backup is another file in its place."""
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
class _Ears:
    """Hears what the server tells, in a thread of its own, and goes on doing so."""

    client: Client
    news: threading.Event = field(default_factory=threading.Event)
    """Set when something was heard."""
    heard: dict[str, int] = field(default_factory=dict)
    """By vault, where it stands on the server."""
    went_back: bool = False
    """Whether a vault was said to stand before where it stood."""
    is_listening: bool = False
    error: PromptVaultError | None = None
    """Why nothing will be heard any more."""
    _listener: Listener | None = None
    _thread: threading.Thread | None = None
    _is_closed: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._is_closed.set()
        if self._listener:
            self._listener.close()
        if self._thread:
            # A connection that is only being made, or has no answer yet, cannot be
            # hung up: it must not keep the process from ending.
            self._thread.join(_LEAVING_SECONDS)

    def listen(self) -> None:
        """Begin, where that has not happened yet."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, daemon=True)
            self._thread.start()

    def take_setback(self) -> bool:
        """Tell whether a vault went back since this was last asked."""
        went_back, self.went_back = self.went_back, False
        return went_back

    def _run(self) -> None:
        pauses = _Pauses()
        while not self._is_closed.is_set():
            try:
                self._hear(pauses)
            except (UnavailableError, RateLimitedError) as error:
                self.is_listening = False
                self._is_closed.wait(pauses.take(error))
            except PromptVaultError as error:
                self.error = error
                self.news.set()
                return

    def _hear(self, pauses: _Pauses) -> None:
        with self.client.events() as listener:
            self._listener = listener
            if self._is_closed.is_set():
                return  # nobody has seen this one to close it
            for event in listener:
                pauses.reset()
                self.is_listening = True
                vault = str(event.vault)
                self.went_back |= event.seq < self.heard.get(vault, 0)
                self.heard[vault] = event.seq
                self.news.set()
