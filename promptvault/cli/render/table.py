"""Tables: drawn on a terminal, tab-separated lines in a pipe.

Rich is imported only to draw, because that takes as long as the rest of a `list`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from promptvault.cli import terminal

if TYPE_CHECKING:
    from promptvault.cli.render.screen import Screen

_GAP = 3
"""Characters between two columns of a drawn table."""
_LEAST_FLEXIBLE = 12
"""Minimum width of a flexible column, in characters."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: its heading, and how it is drawn on a terminal."""

    heading: str
    style: str = ""
    numeric: bool = False
    wrap: bool = True
    flexible: bool = False
    """Whether it takes the remaining width, and cuts longer cells."""
    spare: int = 0
    """On a narrow terminal, higher values are left out first; 0 for never."""


def print_table(
    columns: Sequence[Column], lines: Iterable[Sequence[str]], empty: str
) -> None:
    """Print a table; *empty* is the note on stderr if it has no lines."""
    if not terminal.stdout_is_terminal():
        for cells in lines:
            line = "\t".join(" ".join(cell.split()) for cell in cells)
            terminal.write(terminal.visible(line) + "\n")
        return
    rows = list(lines)
    if rows:
        _draw_table(columns, rows)
    else:
        terminal.note(empty)


def _draw_table(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> None:
    from rich import box
    from rich.table import Table

    from promptvault.cli.render.screen import text

    screen = console()
    rows = [[terminal.visible(cell) for cell in cells] for cells in rows]
    shown = _fitting(columns, rows, screen.width)
    flexible = any(columns[index].flexible for index in shown)
    drawn = Table(
        box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold", expand=flexible
    )
    for column in map(columns.__getitem__, shown):
        drawn.add_column(
            column.heading,
            style=column.style,
            justify="right" if column.numeric else "left",
            overflow="ellipsis" if column.flexible else "fold",
            no_wrap=column.flexible or not column.wrap,
            ratio=1 if column.flexible else None,
            # A name may take half of the width, and then wraps.
            max_width=screen.width // 2 if flexible and column.wrap else None,
        )
    for cells in rows:
        drawn.add_row(*(text(cells[index]) for index in shown))
    screen.print(drawn)


def _fitting(
    columns: Sequence[Column], rows: Sequence[Sequence[str]], width: int
) -> list[int]:
    """Return the indexes of the columns to draw; spare ones only if they fit."""
    shown = list(range(len(columns)))
    widths = [
        _needed(*each) for each in zip(columns, zip(*rows, strict=True), strict=True)
    ]
    spare = [index for index in shown if columns[index].spare]
    for index in sorted(spare, key=lambda index: -columns[index].spare):
        if sum(widths[i] + _GAP for i in shown) <= width:
            break
        shown.remove(index)
    return shown


def _needed(column: Column, cells: Sequence[str]) -> int:
    """Return the minimum width of a column, in cells."""
    from rich.cells import cell_len

    longest = max(map(cell_len, (column.heading, *cells)))
    return min(longest, _LEAST_FLEXIBLE) if column.flexible else longest


def console() -> "Screen":
    """Return the console that draws on stdout."""
    from promptvault.cli.render.screen import open_screen

    return open_screen()
