"""Drawing for people what an import did, and what stands in the ledger."""

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from promptvault.cli import terminal
from promptvault.cli.render.format import format_count, format_time
from promptvault.cli.render.table import Column, print_table
from promptvault.domain.prompt import clean_line

if TYPE_CHECKING:
    from promptvault.services.imports.log import Entry
    from promptvault.services.imports.report import Report, Tally
    from promptvault.vault.imports.undo import Withdrawn

_SHOWN_FAILURES = 10
_HEADINGS = (
    *("files", "chats", "prompts", "added", "newer", "known", "skipped", "failed"),
)
_WIDTH = 8
"""Characters of a column, so that all of them fit a terminal of 80."""


def report(done: "Report", *, dry_run: bool) -> None:
    """Tell what an import did, and what to try next; on stderr, as all messages."""
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


def _sources(done: "Report") -> Iterator[str]:
    width = max(map(len, done.by_source))
    yield f"  {'':{width}}" + "".join(f"{name:>{_WIDTH}}" for name in _HEADINGS)
    rows, total = list(done.by_source.items()), done.total
    # A file that cannot be read is of no source.
    if len(rows) > 1 or total.failed != rows[0][1].failed:
        rows.append(("", total))
    for source, tally in rows:
        cells = (f"{number:,}" if number else "-" for number in _cells(tally))
        yield f"  {source:{width}}" + "".join(f"{cell:>{_WIDTH}}" for cell in cells)


def _cells(tally: "Tally") -> tuple[int, ...]:
    counts = (tally.files, tally.conversations, tally.found, tally.added)
    left_out = tally.skipped.total(), tally.failed
    return (*counts, tally.updated, tally.duplicates, *left_out)


def _remarks(done: "Report") -> Iterator[str]:
    for source, tally in done.by_source.items():
        for reason, number in tally.skipped.most_common():
            yield f"skipped    {source}: {reason}: {number:,}"
    if done.unchanged:
        files = format_count(done.unchanged, "file")
        yield f"unchanged  {files}, as an earlier import read them (--again reads anew)"
    if done.held_back:
        prompts = format_count(done.held_back, "prompt")
        stay = "stays" if done.held_back == 1 else "stay"
        yield f"secrets?   {prompts} {stay} in this vault: see 'promptvault scan'"
    for failure in done.failed[:_SHOWN_FAILURES]:
        # A name may hold line ends, by which it could say anything.
        yield f"failed     {clean_line(failure.where)}: {failure.reason}"
    more = len(done.failed) + done.unlisted - _SHOWN_FAILURES
    if more > 0:
        yield f"failed     {more:,} more; --json lists the first thousand"


def imports(found: Iterable["Entry"]) -> None:
    """Print the ledger of imports."""
    columns = (
        Column("Id", "cyan", numeric=True),
        Column("When", "dim", wrap=False),
        Column("Source"),
        Column("Added", numeric=True),
        Column("Known", numeric=True),
        Column("Failed", numeric=True),
        Column("From"),
    )
    lines = (_import_line(entry) for entry in found)
    print_table(columns, lines, "Nothing was imported yet.")


def _import_line(entry: "Entry") -> tuple[str, ...]:
    report = entry.report
    undone = " (undone)" if entry.undone_at else ""
    return (
        str(entry.id),
        format_time(entry.created_at),
        f"{report['source']}{undone}",
        str(report["added"]),
        str(report["duplicates"]),
        str(len(report["failed"])),
        ", ".join(entry.paths),
    )


def entry(found: "Entry", names: Sequence[str]) -> None:
    """Print one import, with the prompts that it brought."""
    for key, value in _facts(found, names):
        terminal.show(f"{key:<9} {value}\n")


def _facts(found: "Entry", names: Sequence[str]) -> Iterator[tuple[str, str]]:
    done = found.report
    undone = f", undone {format_time(found.undone_at)}" if found.undone_at else ""
    yield "import", f"{found.id}, {format_time(found.created_at)}{undone}"
    yield from (("from", path) for path in found.paths)
    yield "source", str(done["source"])
    yield "added", f"{done['added']:,}"
    yield "known", f"{done['duplicates']:,}"
    yield from (("skipped", f"{n:,} {reason}") for reason, n in done["skipped"].items())
    yield from (("failed", f"{f['where']}: {f['reason']}") for f in done["failed"])
    yield from (("prompt", name) for name in names)


def withdrawn(entry: "Entry", result: "Withdrawn") -> None:
    """Tell what an undo did."""
    terminal.note(
        f"Undid import {entry.id}: removed {format_count(result.removed, 'prompt')}"
        f", changed {format_count(result.reverted, 'prompt')} back."
    )
    if result.kept:
        terminal.note(f"Kept, as they were changed since: {', '.join(result.kept)}.")
