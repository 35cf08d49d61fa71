"""`import --watch`: runs until Ctrl-C or a signal, and says what goes wrong."""

import contextlib
import signal
from collections.abc import Callable, Iterator
from dataclasses import replace
from types import FrameType

from promptvault.cli import terminal
from promptvault.cli.context import now
from promptvault.cli.render.imports import print_failure
from promptvault.cli.workspace import workspace
from promptvault.errors import ImportSourceError, PromptVaultError, UnavailableError
from promptvault.importers.input.candidate import Failure
from promptvault.services.imports.changed_files import ChangedFiles
from promptvault.services.imports.place import PlaceSearch
from promptvault.services.imports.report import ImportOptions, ImportReport
from promptvault.services.imports.watch import WatchCallbacks
from promptvault.services.imports.watch import watch as watch_changes

_ENDING = ("SIGTERM", "SIGHUP")


def watch(
    search: PlaceSearch,
    options: ImportOptions,
    import_first: Callable[[], None],
    on_report: Callable[[ImportReport], None],
) -> None:
    """Import what is there, and then whatever is new, until the process is ended.

    *on_report* is called after each import that *import_first* did not do.
    """
    callbacks = WatchCallbacks(_note_start, on_report, _note_failure, _note_trouble)
    later = replace(options, only_news=True, again=False)
    with (
        _ended_by_signals(),
        contextlib.closing(ChangedFiles(search)) as changes,
    ):
        try:
            import_first()
        except ImportSourceError as error:  # something may come
            terminal.note(str(error))
        watch_changes(workspace(), changes, later, callbacks)


def _note_start() -> None:
    terminal.note("Watching for changes; Ctrl-C ends it.")


def _note_failure(failure: Failure) -> None:
    print_failure(failure, now())


def _note_trouble(error: PromptVaultError) -> None:
    late = " Changes are noticed late." if isinstance(error, UnavailableError) else ""
    terminal.note(f"{error}{late or ' It is tried again until it works.'}")


@contextlib.contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Let SIGTERM and SIGHUP end the block as Ctrl-C does, and then the process.

    So a transaction is rolled back, and the copy of a database is deleted.
    """
    received: list[int] = []

    def interrupt(number: int, _: FrameType | None) -> None:
        received.append(number)
        raise KeyboardInterrupt

    numbers = [getattr(signal, name) for name in _ENDING if hasattr(signal, name)]
    # `nohup` has them ignored.
    taken = {n: signal.getsignal(n) for n in numbers}
    taken = {n: before for n, before in taken.items() if before != signal.SIG_IGN}
    for number in taken:
        signal.signal(number, interrupt)
    try:
        yield
    finally:
        for number, before in taken.items():
            signal.signal(number, before)
        if received:
            signal.raise_signal(received[0])
