"""The progress bar of a sync, on stderr if that is a terminal."""

import contextlib
import sys
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress as Bar

    from promptvault.services.sync.rounds import Progress

OnProgress = Callable[["Progress"], None]

_DELAY_SECONDS = 0.5
"""A sync that ends before draws nothing and does not import rich."""


class SyncProgress:
    """A bar with what was sent and received; it appears after a delay."""

    def __init__(self) -> None:
        self._bar: Bar | None = None
        self._latest: Progress | None = None
        self._lock = threading.Lock()
        self._timer = threading.Timer(_DELAY_SECONDS, self._begin)
        self._timer.daemon = True

    def __enter__(self) -> "SyncProgress":
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        self._timer.join()
        if self._bar:
            self._bar.stop()

    def update(self, progress: "Progress") -> None:
        """Draw *progress*."""
        with self._lock:
            self._latest = progress
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
        latest = self._latest
        if latest is None or self._bar is None:
            return
        done, total = latest.received, latest.to_receive
        if latest.pushed < latest.to_push:
            done, total = latest.pushed, latest.to_push
        self._bar.update(
            self._bar.task_ids[0],
            completed=done,
            total=total if total and done < total else None,  # None: not known
            counts=counts(latest),
        )


def counts(latest: "Progress") -> str:
    """Return the progress of a sync in words."""
    parts = []
    if latest.to_push:
        parts.append(f"sent {latest.pushed:,} of {latest.to_push:,}")
    if latest.received:
        of = f" of {latest.to_receive:,}" if latest.to_receive else ""
        parts.append(f"received {latest.received:,}{of}")
    return ", ".join(parts)


@contextlib.contextmanager
def shown(wanted: bool) -> Iterator[OnProgress]:
    """Draw the progress of a sync while the block runs, if stderr is a terminal."""
    if not (wanted and sys.stderr.isatty()):
        yield lambda _: None
        return
    with SyncProgress() as progress:
        yield progress.update
