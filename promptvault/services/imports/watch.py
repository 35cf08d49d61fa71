"""`import --watch`: importing what is new at some places, whenever that changes."""

import os
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from promptvault.errors import (
    ImportSourceError,
    NotFoundError,
    PromptVaultError,
    VaultError,
)
from promptvault.importers.input.candidate import Failure
from promptvault.importers.input.document import (
    IsKnown,
    ScanResult,
    documents_at,
    documents_of,
)
from promptvault.services.imports.changed_files import Changed, ChangedFiles
from promptvault.services.imports.report import ImportOptions, ImportReport
from promptvault.services.imports.run import run_import
from promptvault.services.workspace import Workspace

_REST = 10
"""Times the CPU time of an import, to wait before the next: a large file that grows all
the time is read less often."""
_RETRY_SECONDS = 10.0
_QUIET_SECONDS = 5.0
"""A file that is being written is no failure; one that stays damaged so long is."""


@dataclass(frozen=True, slots=True)
class WatchCallbacks:
    """Functions that are called while places are watched."""

    on_start: Callable[[], None]
    """Called when changes are noticed from now on."""
    on_report: Callable[[ImportReport], None]
    """Called after an import that brought something."""
    on_failure: Callable[[Failure], None]
    """Called once for a file, or a part of it, that cannot be read."""
    on_trouble: Callable[[PromptVaultError], None]
    """Called once if the vault cannot be written (VaultError), or if the system reports
    no changes (UnavailableError)."""


def watch(
    workspace: Workspace,
    changes: ChangedFiles,
    options: ImportOptions,
    callbacks: WatchCallbacks,
) -> None:
    """Import what *changes* yields until this process is interrupted.

    A vault that cannot be written is tried again. PermissionDeniedError and
    NotFoundError, if the user may not write the vault any more, are raised.
    """
    _Watch(workspace, changes, options, callbacks).run()


class _Watch:
    """The loop that waits for changes and imports them."""

    def __init__(
        self,
        workspace: Workspace,
        changes: ChangedFiles,
        options: ImportOptions,
        callbacks: WatchCallbacks,
    ) -> None:
        self._workspace, self._changes, self._options = workspace, changes, options
        self._callbacks = callbacks
        self._failures = _Failures(callbacks.on_failure)
        self._pending: Changed = {}
        self._next = 0.0
        """When to import next."""
        self._vault = _Trouble(callbacks.on_trouble)
        self._events = _Trouble(callbacks.on_trouble)

    def run(self) -> None:
        self._wait()
        self._callbacks.on_start()
        while True:
            if self._pending and time.monotonic() >= self._next:
                self._import()
            self._failures.tell_due()
            self._wait()

    def _wait(self) -> None:
        self._pending |= self._changes.wait()
        self._events.note(self._changes.error)

    def _import(self) -> None:
        start = _cpu_seconds()
        pending, self._pending = self._pending, {}
        targets = sorted({str(target) for target in pending.values()})
        documents = partial(self._documents, pending)
        try:
            report = run_import(
                self._workspace, targets, documents, self._options, lambda _: None
            )
        except VaultError as error:
            self._pending = pending
            self._next = time.monotonic() + _RETRY_SECONDS
            self._vault.note(error)
            return
        self._next = time.monotonic() + (_cpu_seconds() - start) * _REST
        self._vault.note(None)
        self._failures.note(pending, report.failed)
        if report.id:
            self._callbacks.on_report(report)

    def _documents(self, pending: Changed, known: IsKnown) -> Iterator[ScanResult]:
        files: dict[Path, list[Path]] = defaultdict(list)
        for file, target in pending.items():
            files[target].append(file)
        for target, changed in files.items():
            try:
                if changed == [target]:
                    yield from documents_at(target, known)
                else:
                    names = self._changes.names_below(target)
                    yield from documents_of(target, changed, names, known)
            except NotFoundError:
                continue  # it was deleted meanwhile
            except ImportSourceError as error:
                yield Failure(str(target), str(error))


class _Trouble:
    """Tells of an error once, and again if there was none in between."""

    def __init__(self, tell: Callable[[PromptVaultError], None]) -> None:
        self._tell, self._told = tell, ""

    def note(self, error: PromptVaultError | None) -> None:
        """Tell of *error* unless that was the last one; None ends it."""
        if error and str(error) != self._told:
            self._tell(error)
        self._told = str(error) if error else ""


class _Failures:
    """Tells of each failure once, if its file does not change for a while."""

    def __init__(self, tell: Callable[[Failure], None]) -> None:
        self._tell = tell
        self._waiting: dict[Failure, float] = {}
        """When to tell of them."""
        self._told: set[Failure] = set()

    def note(self, read: Changed, failed: Iterable[Failure]) -> None:
        """Note what *failed* in the files that were *read*, in place of what did."""
        names = tuple(_name(file, target) for file, target in read.items())
        due = time.monotonic() + _QUIET_SECONDS
        others = (f for f in self._waiting if not f.where.startswith(names))
        self._waiting = {f: self._waiting[f] for f in others}
        self._waiting |= dict.fromkeys(failed, due)

    def tell_due(self) -> None:
        """Tell of what failed a while ago."""
        now = time.monotonic()
        for failure in [f for f, due in self._waiting.items() if due <= now]:
            del self._waiting[failure]
            if failure not in self._told:
                self._told.add(failure)
                self._tell(failure)


def _cpu_seconds() -> float:
    """Return the CPU time of this process, and of those that it has started."""
    return sum(os.times()[:4])


def _name(file: Path, target: Path) -> str:
    return file.name if file == target else file.relative_to(target).as_posix()
