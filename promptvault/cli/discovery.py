"""What `import --discover` found: as a table, and as a list to choose from."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from promptvault.cli import terminal
from promptvault.cli.context import directory
from promptvault.cli.render.format import format_day, format_size, format_time
from promptvault.cli.render.table import Column, print_table
from promptvault.importers.places import System
from promptvault.services.imports import discover
from promptvault.services.imports.discover import Found, Surroundings
from promptvault.vault.reader import Reader

NOTHING = "Nothing to import was found. Name it: 'promptvault import PATH'."
_ADVICE = (
    "There is no terminal to choose on: give PATHs, or --json to list what is there."
)
_HEADING = "Found on this computer; import which?"


def found(reader: Reader) -> list[Found]:
    """Return what there is on this computer."""
    system = System.of(sys.platform)
    surroundings = Surroundings(system, Path.home(), os.environ, Path(directory()))
    return discover.find(reader, surroundings)


def choose(found: Sequence[Found]) -> list[Found]:
    """Let the user choose on the terminal; all are chosen at first.

    Raises KeyboardInterrupt when the user leaves, InvalidInputError without a
    terminal.
    """
    # prompt_toolkit takes longer to import than all that is asked for here.
    from promptvault.cli.picker.checklist import check

    if not found:
        return []
    chosen = check(_HEADING, _lines(found), _ADVICE)
    if chosen is None:
        raise KeyboardInterrupt
    return [found[number] for number in chosen]


def show(found: Sequence[Found]) -> None:
    """Print what was found; to a pipe with sizes in bytes and whole paths."""
    columns = (
        Column("What", "cyan", wrap=False),
        Column("Source", "dim", wrap=False),
        Column("Files", numeric=True, wrap=False),
        Column("Size", numeric=True, wrap=False),
        Column("Imported", "dim", wrap=False),
        Column("Where", flexible=True),
    )
    line = _cells if terminal.stdout_is_terminal() else _plain_cells
    print_table(columns, map(line, found), NOTHING)


def _cells(found: Found) -> tuple[str, ...]:
    return (
        found.title,
        found.source,
        _files(found),
        format_size(found.size),
        _imported(found),
        _short(found.path),
    )


def _plain_cells(found: Found) -> tuple[str, ...]:
    files, size = str(found.files), str(found.size)
    imported = format_time(found.imported_at)
    return found.title, found.source, files, size, imported, str(found.path)


def _lines(found: Sequence[Found]) -> list[tuple[str, str]]:
    """Return a line for each, in columns."""
    titles = max(len(each.title) for each in found)
    return [(each.title.ljust(titles), _details(each)) for each in found]


def _details(found: Found) -> str:
    files = f"{_files(found):>7} file{' ' if found.files == 1 else 's'}"
    imported = _imported(found)
    return "  ".join(
        [
            f"{files}  {format_size(found.size):>8}",
            f"{f'imported {imported}' if imported else 'new':<29}",
            _short(found.path),
        ]
    )


def _files(found: Found) -> str:
    return f"{found.files:,}{'' if found.is_whole else '+'}"


def _imported(found: Found) -> str:
    if found.imported_at is None:
        return ""
    return format_day(found.imported_at) + (" (changed)" if found.is_changed else "")


def _short(path: Path) -> str:
    home = Path.home()
    return (
        str(Path("~") / path.relative_to(home)) if home in path.parents else str(path)
    )
