"""`lint`, `stats`: how good the prompts are, and how many."""

from typing import Annotated

import typer

from promptvault.cli import completion, options, terminal
from promptvault.cli.context import open_reader
from promptvault.cli.render.quality import print_lint, print_statistics
from promptvault.cli.rows.quality import lint_row, statistics_row
from promptvault.services.prompts.lint import Severity, lint_prompts
from promptvault.vault.statistics import count_vault

_ERRORS_FOUND = 5
"""The exit code of `lint` when a prompt has an error."""


def lint(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[NAME]...",
            autocompletion=completion.names,
            help="Prompts; without any, all.",
            show_default=False,
        ),
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="List notes too, as for a given NAME.")
    ] = False,
    as_json: options.Json = False,
) -> None:
    """Find mistakes in prompts: all, or those given; exit code 5 when one has errors.

    Looks for templates that fail, includes that are not there, variables that are
    not declared or not used, likely secrets, and texts that are very long.
    """
    with open_reader() as reader:
        found = lint_prompts(reader, names or ())
    if as_json:
        terminal.write_json(lint_row(found))
    else:
        print_lint(found, chosen=bool(names), notes=everything or bool(names))
    if any(linted.count(Severity.ERROR) for linted in found):
        raise typer.Exit(_ERRORS_FOUND)


def stats(as_json: options.Json = False) -> None:
    """Draw what is in the vault."""
    with open_reader() as reader:
        found = count_vault(reader)
    if as_json:
        terminal.write_json(statistics_row(found))
    else:
        print_statistics(found)
