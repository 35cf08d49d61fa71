"""`search` to a pipe: a name and the place that matched on each line."""

from collections.abc import Iterable

from promptvault.cli import terminal
from promptvault.cli.context import open_reader
from promptvault.vault.reader import Selection
from promptvault.vault.search import Hit, search

LIMIT = 20
"""How many hits are printed, unless the user says otherwise."""


def print_matches(query: str) -> None:
    """Search all prompts, and print the best hits."""
    with open_reader() as reader:
        print_hits(search(reader, query, Selection(), LIMIT))


def print_hits(found: Iterable[Hit]) -> None:
    """Print hits as lines of a name, a tab and one line of the text."""
    for hit in found:
        line = " ".join(hit.plain_snippet.split())
        terminal.show(f"{hit.prompt.name}\t{line}\n")
