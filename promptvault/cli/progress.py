"""The progress of an import, drawn on stderr when that is a terminal."""

import contextlib
import sys
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import IO, TYPE_CHECKING, BinaryIO, cast

from promptvault.cli.terminal import visible
from promptvault.domain.prompt import clean_line
from promptvault.importers.input.document import Document, Found
from promptvault.services.imports.report import Report

if TYPE_CHECKING:
    from rich.progress import Progress, ProgressColumn, TaskID

Documents = Iterator[Found]


class ImportProgress:
    """A bar that follows the bytes read, and what was found in them so far."""

    def __init__(self, progress: "Progress") -> None:
        self._progress = progress
        self._task = progress.add_task("Reading", counts="")

    def following(self, documents: Documents) -> Documents:
        """Pass *documents* on, watching how far each one is read."""
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
        stream = _Watched(document.open(), self._progress, self._task)
        return cast("BinaryIO", stream)

    def tell(self, report: Report) -> None:
        """Draw what an import has found."""
        tallies = report.by_source.values()
        chats = sum(tally.conversations for tally in tallies)
        found = sum(tally.found for tally in tallies)
        added = sum(tally.added for tally in tallies)
        self._progress.update(
            self._task,
            counts=f"{chats:,} conversations, {found:,} prompts, {added:,} new",
        )


class NoProgress:
    """What stands for the bar where nobody would see it."""

    def following(self, documents: Documents) -> Documents:
        """Pass *documents* on."""
        return documents

    def tell(self, report: Report) -> None:
        """Draw nothing."""


class _Watched:
    """A stream that moves the bar as it is read, and is the stream in all else."""

    def __init__(self, stream: IO[bytes], progress: "Progress", task: "TaskID") -> None:
        self._stream = stream
        self._progress = progress
        self._task = task

    def read(self, size: int = -1) -> bytes:
        data = self._stream.read(size)
        self._progress.advance(self._task, len(data))
        return data

    def __enter__(self) -> "_Watched":
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()

    def __getattr__(self, name: str) -> object:
        return getattr(self._stream, name)


@contextlib.contextmanager
def shown() -> Iterator[ImportProgress | NoProgress]:
    """Draw the progress of an import while the block runs, if a person sees it."""
    if not sys.stderr.isatty():
        yield NoProgress()
        return
    from rich.progress import Progress

    from promptvault.cli.render.screen import Screen

    console = Screen(stderr=True)
    with Progress(*columns(), console=console, transient=True) as progress:
        yield ImportProgress(progress)


def columns() -> "tuple[ProgressColumn, ...]":
    """Return what the bar shows: file, how far it is read, what was found, time."""
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn

    return (
        TextColumn("{task.description}", style="cyan", markup=False),
        BarColumn(bar_width=24),
        TextColumn("{task.fields[counts]}"),
        TimeElapsedColumn(),
    )
