"""The sources that `import --discover` finds: as a table, and as a checklist."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from promptvault.cli import terminal
from promptvault.cli.context import directory
from promptvault.cli.render.format import format_day, format_size, format_time
from promptvault.cli.render.table import Column, print_table
from promptvault.importers.locations.location import System
from promptvault.services.imports.discover import (
    DiscoveredSource,
    SearchContext,
    discover_sources,
    place_search,
)
from promptvault.services.imports.place import PlaceSearch
from promptvault.vault.reader import Reader

NOTHING = "Nothing to import was found. Name it: 'promptvault import PATH'."
_ADVICE = (
    "There is no terminal to choose on: give PATHs, or --json to list what is there."
)
_HEADING = "Found on this computer; import which?"


def find_sources(
    reader: Reader, sources: frozenset[str] = frozenset()
) -> list[DiscoveredSource]:
    """Return every source of prompts on this computer, sorted by title.

    *sources* limits them, unless it is empty.
    """
    return discover_sources(reader, _context(sources))


def everywhere(sources: frozenset[str]) -> PlaceSearch:
    """Return the search for every place on this computer, also of later tools.

    *sources* limits them, unless it is empty.
    """
    return place_search(_context(sources))


def _context(sources: frozenset[str]) -> SearchContext:
    system = System.of(sys.platform)
    return SearchContext(system, Path.home(), os.environ, Path(directory()), sources)


def choose(found: Sequence[DiscoveredSource]) -> list[DiscoveredSource]:
    """Return the sources that the user checks on the terminal; all are checked at
    first.

    Raises KeyboardInterrupt if the user cancels, InvalidInputError without a terminal.
    """
    # prompt_toolkit takes longer to import than everything else here.
    from promptvault.cli.picker.checklist import check

    if not found:
        return []
    chosen = check(_HEADING, _lines(found), _ADVICE)
    if chosen is None:
        raise KeyboardInterrupt
    return [found[number] for number in chosen]


def show(found: Sequence[DiscoveredSource]) -> None:
    """Print the table; to a pipe with sizes in bytes and absolute paths."""
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


def _cells(found: DiscoveredSource) -> tuple[str, ...]:
    return (
        found.title,
        found.source,
        _files(found),
        format_size(found.size),
        _imported(found),
        _short(found.path),
    )


def _plain_cells(found: DiscoveredSource) -> tuple[str, ...]:
    files, size = str(found.files), str(found.size)
    imported = format_time(found.imported_at)
    return found.title, found.source, files, size, imported, str(found.path)


def _lines(found: Sequence[DiscoveredSource]) -> list[tuple[str, str]]:
    """Return the title and the details of each source, in columns."""
    titles = max(len(each.title) for each in found)
    return [(each.title.ljust(titles), _details(each)) for each in found]


def _details(found: DiscoveredSource) -> str:
    files = f"{_files(found):>7} file{' ' if found.files == 1 else 's'}"
    imported = _imported(found)
    return "  ".join(
        [
            f"{files}  {format_size(found.size):>8}",
            f"{f'imported {imported}' if imported else 'new':<29}",
            _short(found.path),
        ]
    )


def _files(found: DiscoveredSource) -> str:
    return f"{found.files:,}{'' if found.is_whole else '+'}"


def _imported(found: DiscoveredSource) -> str:
    if found.imported_at is None:
        return ""
    return format_day(found.imported_at) + (" (changed)" if found.is_changed else "")


def _short(path: Path) -> str:
    home = Path.home()
    return (
        str(Path("~") / path.relative_to(home)) if home in path.parents else str(path)
    )
