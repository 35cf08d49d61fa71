"""`help`: what `--help` prints, in the pager."""

from typing import Annotated

import typer

from promptvault.cli.commands import COMMANDS
from promptvault.cli.pager import paged


def help_(
    command: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[COMMAND]...",
            autocompletion=lambda: list(COMMANDS),
            help="As 'show' or 'config set'; without it, all commands are listed.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Show the help of the program or of a command, in the pager."""
    from promptvault.cli.program import app  # which imports the commands by their names

    with paged():
        app([*(command or ()), "--help"], standalone_mode=False)
