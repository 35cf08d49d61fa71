"""The progress of an import, drawn on stderr if that is a terminal."""

import contextlib
import sys
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import IO, TYPE_CHECKING, BinaryIO, cast

from promptvault.cli.terminal import visible
from promptvault.domain.prompt import clean_line
from promptvault.importers.input.document import Document, ScanResult
from promptvault.services.imports.report import ImportReport

if TYPE_CHECKING:
    from rich.progress import Progress, ProgressColumn, TaskID

Documents = Iterator[ScanResult]


class ImportProgress:
    """A bar for the bytes read of the current document, and the counts so far."""

    def __init__(self, progress: "Progress") -> None:
        self._progress = progress
        self._task = progress.add_task("Reading", counts="")

    def follow(self, documents: Documents) -> Documents:
        """Yield *documents*, so that reading one moves the bar."""
        for document in documents:
            if isinstance(document, Document):
                yield replace(document, opener=partial(self._open, document))
            else:
                yield document

    def _open(self, document: Document) -> BinaryIO:
        self._progress.reset(
            self._task,
            total=document.size,
            description=clean_line(visible(document.name))[-40:],
        )
        stream = _WatchedStream(document.open(), self._progress, self._task)
        return cast("BinaryIO", stream)

    def update(self, report: ImportReport) -> None:
        """Draw the counts of *report*."""
        tallies = report.by_source.values()
        chats = sum(tally.conversations for tally in tallies)
        found = sum(tally.found for tally in tallies)
        added = sum(tally.added for tally in tallies)
        self._progress.update(
            self._task,
            counts=f"{chats:,} conversations, {found:,} prompts, {added:,} new",
        )


class NoProgress:
    """Replaces the bar if stderr is not a terminal."""

    def follow(self, documents: Documents) -> Documents:
        """Return *documents* unchanged."""
        return documents

    def update(self, report: ImportReport) -> None:
        """Draw nothing."""


class _WatchedStream:
    """Moves the bar when it is read; delegates everything else to the stream."""

    def __init__(self, stream: IO[bytes], progress: "Progress", task: "TaskID") -> None:
        self._stream = stream
        self._progress = progress
        self._task = task

    def read(self, size: int = -1) -> bytes:
        data = self._stream.read(size)
        self._progress.advance(self._task, len(data))
        return data

    def __enter__(self) -> "_WatchedStream":
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()

    def __getattr__(self, name: str) -> object:
        return getattr(self._stream, name)


@contextlib.contextmanager
def show_progress() -> Iterator[ImportProgress | NoProgress]:
    """Draw the progress of an import while the block runs, if stderr is a terminal."""
    if not sys.stderr.isatty():
        yield NoProgress()
        return
    from rich.progress import Progress

    from promptvault.cli.render.screen import Screen

    console = Screen(stderr=True)
    with Progress(*columns(), console=console, transient=True) as progress:
        yield ImportProgress(progress)


def columns() -> "tuple[ProgressColumn, ...]":
    """Return the columns of the bar: file, bytes read, counts, time."""
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn

    return (
        TextColumn("{task.description}", style="cyan", markup=False),
        BarColumn(bar_width=24),
        TextColumn("{task.fields[counts]}"),
        TimeElapsedColumn(),
    )
