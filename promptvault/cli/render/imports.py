"""Draws the report of an import, and the log of imports."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from promptvault.cli import terminal
from promptvault.cli.render.format import format_count, format_time
from promptvault.cli.render.table import Column, print_table
from promptvault.domain.prompt import clean_line

if TYPE_CHECKING:
    from promptvault.importers.input.candidate import Failure
    from promptvault.services.imports.log import ImportRecord
    from promptvault.services.imports.report import ImportReport, Tally
    from promptvault.vault.imports.undo import UndoResult

_SHOWN_FAILURES = 10
_HEADINGS = (
    *("files", "chats", "prompts", "added", "newer", "known", "skipped", "failed"),
)
_WIDTH = 8
"""Characters of a column: all columns fit into 80."""


def print_report(done: "ImportReport", *, dry_run: bool) -> None:
    """Print what an import did and what to try next, to stderr like all messages."""
    note, total = terminal.note, done.total
    if done.by_source:
        would = "Would add" if dry_run else "Added"
        note(f"{would} {format_count(total.added, 'prompt')}, {done.seconds:.1f} s.\n")
        for line in _sources(done):
            note(line)
        note("")
    for line in _remarks(done):
        note(f"  {line}")
    if total.added and not dry_run:
        note(
            "Try 'promptvault list' or 'suggest', or take it back: 'imports undo"
            f" {done.id}'."
        )


def _sources(done: "ImportReport") -> Iterator[str]:
    width = max(map(len, done.by_source))
    yield f"  {'':{width}}" + "".join(f"{name:>{_WIDTH}}" for name in _HEADINGS)
    rows, total = list(done.by_source.items()), done.total
    # The total has failures of files that belong to no source.
    if len(rows) > 1 or total.failed != rows[0][1].failed:
        rows.append(("", total))
    for source, tally in rows:
        cells = (f"{number:,}" if number else "-" for number in _cells(tally))
        yield f"  {source:{width}}" + "".join(f"{cell:>{_WIDTH}}" for cell in cells)


def _cells(tally: "Tally") -> tuple[int, ...]:
    counts = (tally.files, tally.conversations, tally.found, tally.added)
    left_out = tally.skipped.total(), tally.failed
    return (*counts, tally.updated, tally.duplicates, *left_out)


def _remarks(done: "ImportReport") -> Iterator[str]:
    for source, tally in done.by_source.items():
        for reason, number in tally.skipped.most_common():
            yield f"skipped    {source}: {reason}: {number:,}"
    if done.unchanged:
        files = format_count(done.unchanged, "file")
        yield f"unchanged  {files}, as an earlier import read them (--again reads them)"
    if done.held_back:
        yield _held_back(done)
    yield from map(_failed, done.failed[:_SHOWN_FAILURES])
    more = len(done.failed) + done.unlisted - _SHOWN_FAILURES
    if more > 0:
        yield f"failed     {more:,} more; --json lists the first thousand"


def _held_back(done: "ImportReport") -> str:
    prompts = format_count(done.held_back, "prompt")
    stay = "stays" if done.held_back == 1 else "stay"
    return f"secrets?   {prompts} {stay} in this vault: see 'promptvault scan'"


def _failed(failure: "Failure") -> str:
    # A name with line ends could imitate other output.
    return f"failed     {clean_line(failure.where)}: {failure.reason}"


def print_failure(failure: "Failure", now: datetime) -> None:
    """Print what `--watch` could not read."""
    terminal.note(f"{_clock(now)} {_failed(failure)}")


def print_news(done: "ImportReport", now: datetime) -> None:
    """Print in one line what an import of `--watch` brought."""
    total = done.total
    counts = [
        f"{verb} {format_count(number, 'prompt')}"
        for verb, number in (("added", total.added), ("updated", total.updated))
        if number
    ]
    what = ", ".join(counts).capitalize() + f" from {', '.join(done.sources)}."
    terminal.note(f"{_clock(now)} {what} Take it back: 'imports undo {done.id}'.")
    if done.held_back:
        terminal.note(f"  {_held_back(done)}")


def _clock(now: datetime) -> str:
    return now.astimezone().strftime("%H:%M:%S")


def print_imports(records: Iterable["ImportRecord"]) -> None:
    """Print the log of imports as a table."""
    columns = (
        Column("Id", "cyan", numeric=True),
        Column("When", "dim", wrap=False),
        Column("Source"),
        Column("Added", numeric=True),
        Column("Known", numeric=True),
        Column("Failed", numeric=True),
        Column("From"),
    )
    lines = map(_import_line, records)
    print_table(columns, lines, "Nothing was imported yet.")


def _import_line(record: "ImportRecord") -> tuple[str, ...]:
    report = record.report
    undone = " (undone)" if record.undone_at else ""
    return (
        str(record.id),
        format_time(record.created_at),
        f"{report['source']}{undone}",
        str(report["added"]),
        str(report["duplicates"]),
        str(len(report["failed"])),
        _places(record.paths),
    )


def _places(paths: Sequence[str]) -> str:
    """Return *paths*; on a terminal the first one: `imports show` prints them all."""
    if len(paths) > 1 and terminal.stdout_is_terminal():
        return f"{paths[0]}, {len(paths) - 1} more"
    return ", ".join(paths)


def print_import(record: "ImportRecord", names: Sequence[str]) -> None:
    """Print one import and the *names* of the prompts it added."""
    for key, value in _facts(record, names):
        terminal.show(f"{key:<9} {value}\n")


def _facts(record: "ImportRecord", names: Sequence[str]) -> Iterator[tuple[str, str]]:
    report = record.report
    undone = f", undone {format_time(record.undone_at)}" if record.undone_at else ""
    yield "import", f"{record.id}, {format_time(record.created_at)}{undone}"
    yield from (("from", path) for path in record.paths)
    yield "source", str(report["source"])
    yield "added", f"{report['added']:,}"
    yield "known", f"{report['duplicates']:,}"
    yield from (
        ("skipped", f"{n:,} {reason}") for reason, n in report["skipped"].items()
    )
    yield from (("failed", f"{f['where']}: {f['reason']}") for f in report["failed"])
    yield from (("prompt", name) for name in names)


def print_undo(record: "ImportRecord", result: "UndoResult") -> None:
    """Print what an undo did."""
    terminal.note(
        f"Undid import {record.id}: removed {format_count(result.removed, 'prompt')}"
        f", changed {format_count(result.reverted, 'prompt')} back."
    )
    if result.kept:
        terminal.note(f"Kept, as they were changed since: {', '.join(result.kept)}.")
