"""The progress of a sync, drawn on stderr when that is a terminal and it takes long."""

import contextlib
import sys
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress as Bar

    from promptvault.services.sync.rounds import Progress

Tell = Callable[["Progress"], None]

_PATIENCE_SECONDS = 0.5
"""A sync that is done by then draws nothing, and does not even import what draws."""


class SyncProgress:
    """A bar that follows what was sent and received, once some time has passed."""

    def __init__(self) -> None:
        self._bar: Bar | None = None
        self._told: Progress | None = None
        self._lock = threading.Lock()
        self._timer = threading.Timer(_PATIENCE_SECONDS, self._begin)
        self._timer.daemon = True

    def __enter__(self) -> "SyncProgress":
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        self._timer.join()
        if self._bar:
            self._bar.stop()

    def tell(self, progress: "Progress") -> None:
        """Draw how far the sync is."""
        with self._lock:
            self._told = progress
            self._draw()

    def _begin(self) -> None:
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

        from promptvault.cli.render.screen import Screen

        columns = (
            TextColumn("{task.description}", style="cyan"),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[counts]}"),
            TimeElapsedColumn(),
        )
        bar = Progress(*columns, console=Screen(stderr=True), transient=True)
        bar.add_task("Syncing", total=None, counts="")
        with self._lock:
            self._bar = bar
            self._draw()
        bar.start()

    def _draw(self) -> None:
        told = self._told
        if told is None or self._bar is None:
            return
        done, total = told.received, told.to_receive
        if told.pushed < told.to_push:
            done, total = told.pushed, told.to_push
        self._bar.update(
            self._bar.task_ids[0],
            completed=done,
            total=total if total and done < total else None,  # None: it goes on
            counts=counts(told),
        )


def counts(told: "Progress") -> str:
    """Return how far a sync is, in words."""
    parts = []
    if told.to_push:
        parts.append(f"sent {told.pushed:,} of {told.to_push:,}")
    if told.received:
        of = f" of {told.to_receive:,}" if told.to_receive else ""
        parts.append(f"received {told.received:,}{of}")
    return ", ".join(parts)


@contextlib.contextmanager
def shown(wanted: bool) -> Iterator[Tell]:
    """Draw the progress of a sync while the block runs, if a person sees it."""
    if not (wanted and sys.stderr.isatty()):
        yield lambda _: None
        return
    with SyncProgress() as progress:
        yield progress.tell
