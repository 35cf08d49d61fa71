"""`list --plain`: names, one a line."""

from promptvault.cli import terminal
from promptvault.cli.context import open_reader
from promptvault.vault.reader import Selection


def print_names(selection: Selection, limit: int | None = None) -> None:
    """Print the names of the selected prompts, in order."""
    with open_reader() as reader:
        names = reader.names(selection, limit)
        terminal.write("".join(f"{name}\n" for name in names))
